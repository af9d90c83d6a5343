import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parkGuest } from '../src/storage/guests.ts'
import { setRhythm } from '../src/storage/watching.ts'
import { createTestDatabase } from './helpers/database.ts'
import { assertInvariants } from './helpers/invariants.ts'
import { DAY, dates, endOf, HOUR, MINUTE, type Nights, night, startNights } from './helpers/nights.ts'
import { ok } from './helpers/vzdump.ts'

async function open(t: TestContext) {
  const database = await createTestDatabase()
  t.after(database.drop)
  const db = database.open()
  return { db, nights: await startNights(db) }
}

const web = { ...ok(100, 'web'), seconds: 300 }
const dns = { ...ok(101, 'dns'), seconds: 60 }
const mail = { ...ok(102, 'mail'), seconds: 120 }
const GUESTS = [web, dns, mail]

/** What was said, with the stack as a letter. */
async function lines(nights: Nights): Promise<string[]> {
  const said = await nights.said()
  const stacks = [...new Set(said.map(({ stackId }) => stackId))]
  return said.map(
    ({ at, title, severity, stackId, resolved }) =>
      `${at} ${'abcdefgh'[stacks.indexOf(stackId)]} ${severity} ${resolved ? 'resolved' : 'open'} ${title}`,
  )
}

test('a quarter of nights with injected faults is told as it was, once, by two servers that start anew now and then', async (t) => {
  const { db, nights } = await open(t)
  const { clock } = nights
  clock.now = night('2026-02-15') - HOUR
  let servers = [nights.watcher(), nights.watcher()]
  const look = async (at: number) => {
    clock.now = at
    await Promise.all(servers.map((server) => server.look()))
  }
  for (const date of dates('2026-02-15', 92)) {
    const at = night(date)
    if (date === '2026-04-19') {
      const parking = { cluster: 'lab', vmid: '102', reason: 'moves house', by: 'me', from: new Date(at) }
      assert.ok(await parkGuest(db, { ...parking, to: new Date(night('2026-05-01')) }))
    }
    if (date === '2026-04-01') {
      // Down from the evening before until ten; the report is lost.
      nights.comeBack()
      servers = [nights.watcher(), nights.watcher()]
      await look(at + 10 * HOUR)
      await look(at + 20 * HOUR)
      continue
    }
    const isDropped = date >= '2026-03-20' && date < '2026-03-23'
    const isAway = date >= '2026-04-20' && date < '2026-04-25'
    const run = {
      startedAt: at + (date === '2026-04-28' ? 5 * HOUR : 0),
      guests: GUESTS.filter((guest) => !(isDropped && guest === dns) && !(isAway && guest === mail)).map(
        (guest) => (date === '2026-04-10' && guest === web ? { ...guest, seconds: 1200 } : guest),
      ),
    }
    const isLate = date === '2026-04-28' || date === '2026-05-05'
    await look(at)
    if (!isLate && date !== '2026-03-10') await nights.report(run)
    await look(at + HOUR)
    await look(at + 4 * HOUR)
    // On 5 May it had come in time, to a server whose database was away.
    if (isLate) await nights.report(run)
    await look(at + 7 * HOUR)
    if (date === '2026-03-15') servers = [nights.watcher(), nights.watcher()]
    await look(at + 20 * HOUR)
  }
  assert.deepEqual(await lines(nights), [
    '03-10 04:08 a 3 resolved Backup job backup-nightly on pve-01 did not report',
    '03-11 01:08 a 0 resolved Backup job backup-nightly on pve-01 reports again',
    '03-20 01:07 b 3 resolved Backup job backup-nightly came without dns (101)',
    '03-23 01:08 b 0 resolved Backup job backup-nightly: dns (101) is backed up again',
    '04-10 00:23 c 2 resolved Backup of web (100) took far longer than usual',
    '04-11 00:08 c 0 resolved Backup job backup-nightly on pve-01 takes its usual time again',
    '04-28 03:06 d 3 resolved Backup job backup-nightly on pve-01 did not report',
    '04-28 05:08 d 0 resolved Backup job backup-nightly on pve-01 reports again',
    '05-05 03:08 e 3 resolved Backup job backup-nightly on pve-01 did not report',
    '05-05 07:00 e 0 resolved Backup job backup-nightly on pve-01 was well after all',
  ])
  await assertInvariants(db)
})

test('an alarm stays open while the trouble lasts, and is said again each night in the same stack', async (t) => {
  const { nights } = await open(t)
  const { clock } = nights
  const server = nights.watcher()
  clock.now = night('2026-05-01') - HOUR
  await server.look()
  for (const date of dates('2026-05-01', 3)) {
    clock.now = night(date) + HOUR
    await nights.report({ startedAt: night(date), guests: GUESTS })
    await server.look()
  }
  assert.deepEqual(
    server.expected().map(({ at, deadline }) => [at - night('2026-05-04'), deadline - at]),
    [[0, 3 * HOUR + 8 * MINUTE]],
  )
  for (let minutes = 0; minutes < 3 * 1440; minutes += 30) {
    clock.now = night('2026-05-03') + 2 * HOUR + minutes * MINUTE
    await server.look()
  }
  assert.deepEqual(await lines(nights), [
    '05-04 03:08 a 3 open Backup job backup-nightly on pve-01 did not report',
    '05-05 03:08 a 3 open Backup job backup-nightly on pve-01 did not report',
  ])
})

test('two nodes: who reports late is not alarmed for the guests that it took over', async (t) => {
  const { nights } = await open(t)
  const { clock } = nights
  const server = nights.watcher()
  clock.now = night('2026-05-01') - HOUR
  await server.look()
  for (const date of dates('2026-05-01', 8)) {
    const moved = date >= '2026-05-05'
    const startedAt = night(date)
    const first = { startedAt, node: 'pve-01', guests: moved ? [web] : [web, dns] }
    const second = { startedAt, node: 'pve-02', guests: moved ? [mail, dns] : [mail] }
    clock.now = endOf(first) + MINUTE
    await nights.report(first)
    await server.look()
    clock.now = startedAt + 2 * HOUR
    await nights.report({ ...second, totalSeconds: 7000 })
    await server.look()
  }
  assert.deepEqual(await lines(nights), [])
})

test('a guest that moved to a job that runs later is alarmed at most until that job has saved it', async (t) => {
  const { nights } = await open(t)
  const { clock } = nights
  const server = nights.watcher()
  clock.now = night('2026-05-01') - HOUR
  await server.look()
  for (const date of dates('2026-05-01', 8)) {
    const moved = date >= '2026-05-05'
    const startedAt = night(date)
    clock.now = startedAt + HOUR
    await nights.report({ startedAt, guests: moved ? [web, mail] : GUESTS })
    await server.look()
    clock.now = startedAt + 4 * HOUR
    const later = { startedAt: startedAt + 3 * HOUR, jobId: 'late', guests: [ok(200, 'big')] }
    await nights.report(moved ? { ...later, guests: [...later.guests, dns] } : later)
    await server.look()
  }
  const said = await lines(nights)
  assert.deepEqual(
    said.map((line) => line.slice(0, 5)),
    ['05-05', '05-06'],
    said.join('\n'),
  )
  assert.ok(said.every((line) => line.includes('a') && line.includes('resolved')))
})

test('a rhythm set by hand counts at the next look, and what was unknown is not said later', async (t) => {
  const { db, nights } = await open(t)
  const { clock } = nights
  const server = nights.watcher()
  const first = night('2026-05-01')
  clock.now = first - HOUR
  await server.look()
  clock.now = first + HOUR
  await nights.report({ startedAt: first, guests: GUESTS })
  await server.look()
  assert.deepEqual(server.expected(), [])
  const job = { cluster: 'lab', jobId: 'backup-nightly' }
  await setRhythm(db, { ...job, rhythm: 'every 6h grace 1h', by: 'me', updatedAt: new Date(clock.now) })
  await server.look()
  assert.deepEqual(
    server.expected().map(({ at }) => at - first),
    [6 * HOUR],
  )
  clock.now = first + 8 * HOUR
  await server.look()
  assert.equal((await nights.said()).length, 1)
})

test('nothing is said of the past: neither after a restore, nor when a server begins to listen', async (t) => {
  const { nights } = await open(t)
  const { clock } = nights
  const days = dates('2026-05-01', 20)
  for (const date of days) {
    if (['2026-05-10', '2026-05-20'].includes(date)) continue
    await nights.report({ startedAt: night(date), guests: GUESTS })
  }
  clock.now = night('2026-05-20') + 10 * HOUR
  await nights.watcher().look()
  assert.deepEqual(await lines(nights), [])
})

test('what is missed while a server only listens is told of later, and what nobody heard is not', async (t) => {
  for (const [isListening, said] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const { nights } = await open(t)
    const { clock } = nights
    clock.now = night('2026-05-01') - HOUR
    const server = nights.watcher()
    await server.look()
    for (const date of dates('2026-05-01', 8)) {
      await nights.report({ startedAt: night(date), guests: GUESTS })
      clock.now = night(date) + HOUR
      await server.look()
    }
    clock.now = night('2026-05-09') + 8 * HOUR
    if (isListening) await server.listen()
    assert.equal((await nights.said()).length, 0)
    clock.now += HOUR
    nights.comeBack()
    await nights.watcher().look()
    assert.equal((await nights.said()).length, said)
  }
})

test('a job is read again only when something may have changed', async (t) => {
  const { db, nights } = await open(t)
  const { clock } = nights
  clock.now = night('2026-05-01') - HOUR
  const jobs = Array.from({ length: 30 }, (_, n) => `job-${n}`)
  const server = nights.watcher()
  await server.look()
  for (const date of dates('2026-05-01', 4)) {
    const runs = jobs.map((jobId) => ({ startedAt: night(date), jobId, guests: [web] }))
    await nights.report(...runs)
    clock.now = night(date) + HOUR
    await server.look()
  }
  assert.equal(server.expected().length, 30)
  // Without its reports a job would be forgotten, if it were looked at.
  await db.write`UPDATE backup_reports SET job_id = 'hidden ' || job_id`
  clock.now += 30_000
  await server.look()
  assert.equal(server.expected().length, 30)
  await nights.report({ startedAt: night('2026-05-05'), jobId: 'job-3', guests: [web] })
  await server.look()
  assert.equal(server.expected().length, 29)
  clock.now += DAY + 3 * HOUR
  await server.look()
  assert.equal(server.expected().length, 0)
})
