import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuestResult } from '../guest.ts'
import type { Interval, Report } from './history.ts'
import { watchJob } from './job.ts'
import { parseRhythm } from './rhythm.ts'
import type { Parking, Verdict, WatchInput, WatchResult } from './verdict.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** 02:00 in Berlin on a day of 2026; the clocks change on 29 March and 25 October. */
function night(date: string): number {
  const isSummer = date >= '2026-03-29' && date < '2026-10-25'
  return Date.parse(`${date}T0${isSummer ? 0 : 1}:00:00Z`)
}

function dates(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.parse(`${first}T12:00:00Z`) + index * DAY).toISOString().slice(0, 10),
  )
}

function guest(vmid: string, changes: Partial<GuestResult> = {}): GuestResult {
  return {
    vmid,
    name: `vm${vmid}`,
    status: 'ok',
    durationSeconds: 300,
    sizeBytes: 5_000_000_000,
    ...changes,
  }
}

function report(startedAt: number, changes: Partial<Report> = {}): Report {
  const guests = changes.guests ?? [guest('100'), guest('101'), guest('102')]
  const seconds = guests.reduce((sum, one) => sum + (one.durationSeconds ?? 0), 0)
  const node = changes.node ?? 'pve-01'
  return {
    id: `${node} ${new Date(startedAt).toISOString()}`,
    cluster: 'lab',
    node,
    jobId: 'backup-nightly',
    startedAt,
    endedAt: startedAt + seconds * 1000,
    guests,
    incomplete: false,
    ...changes,
  }
}

const ALWAYS: Interval[] = [{ from: 0, to: Date.parse('2100-01-01T00:00:00Z') }]

function watch(reports: Report[], changes: Partial<WatchInput> = {}): Verdict[] {
  const now = changes.now ?? Math.max(...reports.map(({ endedAt }) => endedAt)) + HOUR
  return play(reports, { ...changes, now }).verdicts
}

/** In the order in which a database gives them. */
function play(reports: Report[], changes: Partial<WatchInput> & { now: number }): WatchResult {
  const rest = { rhythm: null, parked: [], listening: ALWAYS, savedElsewhere: () => false }
  const job = watchJob({ ...rest, ...changes }, { cluster: 'lab', jobId: 'backup-nightly' })
  for (const one of reports.toSorted((a, b) => a.endedAt - b.endedAt || (a.id < b.id ? -1 : 1))) job.take(one)
  return job.result()
}

const short = (verdicts: Verdict[]) =>
  verdicts.map(
    ({ concern, state, dueAt, guests, at }) =>
      `${new Date(at).toISOString().slice(0, 10)} ${concern} ${state}${
        concern === 'missing' ? ` due ${new Date(dueAt).toISOString().slice(5, 13)}` : ''
      }${concern === 'absent' ? ` ${guests[0]?.vmid}` : ''}`,
  )

test('a quarter of nights without a fault, with both changes of the clocks, gives no verdict', () => {
  for (const first of ['2026-02-15', '2026-09-15']) {
    const nights = dates(first, 92).map((date) => report(night(date)))
    assert.deepEqual(short(watch(nights)), [])
  }
})

test('a quarter with injected faults gives exactly the expected verdicts', () => {
  const reports: Report[] = []
  for (const date of dates('2026-02-15', 92)) {
    if (date === '2026-03-10' || date === '2026-03-11') continue
    if (date === '2026-04-01') continue
    let guests = [guest('100'), guest('101'), guest('102'), guest('103')]
    if (date >= '2026-03-20' && date < '2026-03-23') guests = guests.filter(({ vmid }) => vmid !== '101')
    if (date >= '2026-04-20' && date < '2026-04-25') guests = guests.filter(({ vmid }) => vmid !== '103')
    if (date === '2026-04-10') guests = guests.map((one) => ({ ...one, durationSeconds: 1200 }))
    if (date === '2026-05-01') guests[2] = guest('102', { sizeBytes: 100_000_000 })
    if (date === '2026-05-05')
      guests[1] = guest('101', { status: 'failed', sizeBytes: 0, durationSeconds: 2 })
    reports.push(report(night(date), { guests }))
  }
  const parked: Parking[] = [
    { cluster: 'lab', vmid: '103', from: night('2026-04-19'), to: night('2026-05-01') },
  ]
  const listening = [
    { from: 0, to: night('2026-04-01') - HOUR },
    { from: night('2026-04-01') + 9 * HOUR, to: ALWAYS[0]!.to },
  ]
  assert.deepEqual(
    short(watch(reports, { parked, listening })),
    [
      '2026-03-10 missing alarm due 03-10T01',
      '2026-03-11 missing alarm due 03-11T01',
      '2026-03-12 missing recovered',
      '2026-03-20 absent alarm 101',
      '2026-03-23 absent recovered 101',
      '2026-04-10 slow alarm',
      '2026-04-11 slow recovered',
      '2026-05-01 small alarm',
      '2026-05-02 small recovered',
    ].map((line) => line.replace('missing recovered', 'missing recovered due 03-12T01')),
  )
})

test('the verdicts of a day are the same on every later day', () => {
  const reports = dates('2026-02-15', 60)
    .filter((date) => !['2026-03-10', '2026-03-28', '2026-04-02'].includes(date))
    .map((date) => report(night(date)))
  const whole = watch(reports, { now: night('2026-04-20') }).map(({ id }) => id)
  for (const date of dates('2026-02-16', 62)) {
    const now = night(date) + 5 * HOUR
    const then = watch(reports, { now }).map(({ id }) => id)
    assert.deepEqual(then, whole.slice(0, then.length), date)
  }
})

test('nothing is alarmed in the first two rounds', () => {
  const [first, second] = dates('2026-05-01', 2).map((date) => report(night(date)))
  assert.deepEqual(watch([first!], { now: night('2026-06-01') }), [])
  assert.deepEqual(short(watch([first!, second!], { now: night('2026-05-03') + 4 * HOUR })), [
    '2026-05-03 missing alarm due 05-03T00',
  ])
  const changed = report(night('2026-05-02'), { guests: [guest('100', { durationSeconds: 9000 })] })
  assert.deepEqual(watch([first!, changed]), [])
})

test('a job of working days is missed on the first Saturday at the most', () => {
  const reports = dates('2026-06-01', 47)
    .filter((date) => ![0, 6].includes(new Date(`${date}T12:00:00Z`).getUTCDay()))
    .map((date) => report(night(date)))
  assert.deepEqual(short(watch(reports)), [
    '2026-06-06 missing alarm due 06-06T00',
    '2026-06-07 missing alarm due 06-07T00',
    '2026-06-08 missing recovered due 06-08T00',
  ])
  const tuesday = reports.filter(({ startedAt }) => startedAt !== night('2026-06-30'))
  assert.ok(short(watch(tuesday)).includes('2026-06-30 missing alarm due 06-30T00'))
})

test('weekly, monthly and hourly jobs are known by their own pauses', () => {
  const start = night('2026-06-06')
  const every = (ms: number, count: number) =>
    Array.from({ length: count }, (_, index) => report(start + index * ms))
  for (const [ms, count] of [
    [7 * DAY, 8],
    [30 * DAY, 5],
    [HOUR, 50],
    [6 * HOUR, 30],
  ] as const) {
    assert.deepEqual(short(watch(every(ms, count))), [], `every ${ms / HOUR} h`)
    const without = every(ms, count)
    const [lost] = without.splice(-2, 1)
    const found = watch(without)
    assert.deepEqual(
      found.map(({ concern, state }) => `${concern} ${state}`),
      ['missing alarm', 'missing recovered'],
    )
    assert.equal(found[0]!.dueAt, lost!.startedAt)
  }
})

test('a job that runs each hour is not said to be missing each hour', () => {
  const start = night('2026-06-06')
  const reports = Array.from({ length: 48 }, (_, index) => report(start + index * HOUR))
  const found = watch(reports, { now: start + 4 * DAY })
  assert.deepEqual(
    found.map(({ dueAt }) => (dueAt - start) / HOUR),
    [48, 68, 88],
  )
})

test('a rhythm set by hand counts from the first report on', () => {
  const found = watch([report(night('2026-05-01'))], {
    rhythm: parseRhythm('every 24h grace 3h'),
    now: night('2026-05-02') + 4 * HOUR,
  })
  assert.deepEqual(short(found), ['2026-05-02 missing alarm due 05-02T00'])
})

test('a guest that migrates is not missing, nor is the node that it left empty', () => {
  const reports = dates('2026-05-01', 10).flatMap((date) => {
    const at = night(date)
    const moved = date >= '2026-05-06'
    const one = report(at, { node: 'pve-01', guests: [guest('100'), ...(moved ? [guest('200')] : [])] })
    const two = report(at, { node: 'pve-02', guests: [guest('200')] })
    return moved ? [one] : [one, two]
  })
  assert.deepEqual(short(watch(reports, { now: night('2026-05-11') - HOUR })), [])
})

test('of two nodes the one that is silent is named, and its guests are not named again', () => {
  const reports = dates('2026-05-01', 10).flatMap((date) => [
    report(night(date), { node: 'pve-01', guests: [guest('100')] }),
    ...(date === '2026-05-08' ? [] : [report(night(date), { node: 'pve-02', guests: [guest('200')] })]),
  ])
  const found = watch(reports)
  assert.deepEqual(short(found), [
    '2026-05-08 missing alarm due 05-08T00',
    '2026-05-09 missing recovered due 05-09T00',
  ])
  assert.equal(found[0]!.node, 'pve-02')
})

test('who is not in an incomplete report may have been in it', () => {
  const reports = dates('2026-05-01', 6).map((date) =>
    date === '2026-05-05'
      ? report(night(date), { guests: [guest('100')], incomplete: true })
      : report(night(date)),
  )
  assert.deepEqual(short(watch(reports)), [])
})

test('a guest that another job saved is not absent', () => {
  const reports = dates('2026-05-01', 6).map((date) =>
    report(night(date), date >= '2026-05-04' ? { guests: [guest('100'), guest('101')] } : {}),
  )
  assert.deepEqual(short(watch(reports)), ['2026-05-04 absent alarm 102'])
  assert.deepEqual(watch(reports, { savedElsewhere: (vmid) => vmid === '102' }), [])
})

test('a late report is a late one: missing, and there', () => {
  const reports = dates('2026-05-01', 8).map((date) =>
    report(night(date) + (date === '2026-05-05' ? 5 * HOUR : 0)),
  )
  assert.deepEqual(short(watch(reports)), [
    '2026-05-05 missing alarm due 05-05T00',
    '2026-05-05 missing recovered due 05-05T05',
  ])
})

test('a schedule that moves to another time is missed once', () => {
  const reports = dates('2026-05-01', 40).map((date) =>
    report(night(date) + (date >= '2026-05-20' ? 12 * HOUR : 0)),
  )
  const found = short(watch(reports))
  assert.deepEqual(found, [
    '2026-05-20 missing alarm due 05-20T00',
    '2026-05-20 missing recovered due 05-20T12',
  ])
})

test('a run that takes long is late after its usual time only', () => {
  const long = [guest('100', { durationSeconds: 7 * 3600 })]
  const reports = dates('2026-05-01', 20).map((date) => report(night(date), { guests: long }))
  assert.deepEqual(short(watch(reports)), [])
})

test('a guest that is dropped behind a night whose table was empty is noticed', () => {
  const reports = dates('2026-05-01', 6).map((date) => {
    if (date === '2026-05-04') return report(night(date), { guests: [], endedAt: night(date) + MINUTE })
    return report(night(date), date > '2026-05-04' ? { guests: [guest('100'), guest('102')] } : {})
  })
  assert.deepEqual(short(watch(reports)), ['2026-05-05 absent alarm 101'])
})

test('a guest that moved to another job is well again when that has saved it', () => {
  const reports = dates('2026-05-01', 6).map((date) =>
    report(night(date), date >= '2026-05-04' ? { guests: [guest('100'), guest('101')] } : {}),
  )
  const saved = night('2026-05-04') + 4 * HOUR
  const savedElsewhere = (vmid: string, from: number, to: number) =>
    vmid === '102' && from <= saved && saved < to
  assert.deepEqual(short(watch(reports, { savedElsewhere })), [
    '2026-05-04 absent alarm 102',
    '2026-05-05 absent recovered 102',
  ])
})

test('nothing changes before the time that the result names, and something does behind it', () => {
  const reports = dates('2026-05-01', 4).map((date) => report(night(date)))
  const at = (now: number) => play(reports, { now })
  const { wakeAt, verdicts } = at(night('2026-05-04') + HOUR)
  assert.deepEqual(verdicts, [])
  assert.deepEqual(at(wakeAt!).verdicts, [])
  assert.deepEqual(short(at(wakeAt! + 1).verdicts), ['2026-05-05 missing alarm due 05-05T00'])
})

test('a node that joined in an incomplete round is waited for in the next', () => {
  const at = (date: string, minutes: number) => night(date) + minutes * MINUTE
  const reports = dates('2026-05-01', 4).map((date) => report(night(date)))
  reports.push(report(at('2026-05-05', 0), { incomplete: true }))
  reports.push(report(at('2026-05-05', 5), { node: 'pve-02', guests: [guest('200')] }))
  // 102 has moved to the new node, which reports after the old one.
  reports.push(report(at('2026-05-06', 0), { guests: [guest('100'), guest('101')] }))
  reports.push(report(at('2026-05-06', 30), { node: 'pve-02', guests: [guest('102'), guest('200')] }))
  assert.deepEqual(short(watch(reports)), [])
})

test('a report that ends after now counts for nothing yet', () => {
  const reports = dates('2026-05-01', 9).map((date) => report(night(date)))
  const now = reports.at(-1)!.endedAt - 1
  const { expected } = play(reports, { now })
  assert.deepEqual(expected, play(reports.slice(0, -1), { now }).expected)
  assert.notDeepEqual(expected, play(reports, { now: now + 1 }).expected)
})
