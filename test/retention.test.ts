import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { v7 as uuidv7 } from 'uuid'
import { bandOf, type JudgedEvent, SEVERITIES, type Severity, severityOfRank } from '../src/event.ts'
import { silentLog } from '../src/log.ts'
import { createReleasers } from '../src/releasers.ts'
import { parseRetention } from '../src/retention/parse.ts'
import { ageOf, planOf, type Retention } from '../src/retention/policy.ts'
import { startRetention } from '../src/start-retention.ts'
import { changesSince, currentPosition } from '../src/storage/changes.ts'
import { decodeCursor } from '../src/storage/cursor.ts'
import type { Database, Tx } from '../src/storage/database.ts'
import { deleteEvents } from '../src/storage/delete-events.ts'
import { insertDeliveries } from '../src/storage/deliveries.ts'
import { foreseeRetention } from '../src/storage/foresee-retention.ts'
import { keepBody } from '../src/storage/quarantine.ts'
import { applyRetention, type RetentionResult } from '../src/storage/retention.ts'
import { lockNames, seriesName } from '../src/storage/series.ts'
import { compareEvents, type SessionRole, segmentEvents } from '../src/storage/sessions.ts'
import { CHANGES_CHANNEL, storeEvents } from '../src/storage/store-events.ts'
import { findEvent, findStack, listEvents, listStacks, type Page } from '../src/storage/timeline.ts'
import { triageEvents } from '../src/storage/triage.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { chunkOf } from './helpers/deliveries.ts'
import { at, DAY, HOUR, judgedEvent } from './helpers/events.ts'
import { lockWaiters, storeHeld } from './helpers/held.ts'
import { assertInvariants } from './helpers/invariants.ts'
import { makeDataDir, tempo } from './helpers/process.ts'
import { eventually } from './helpers/server.ts'

const WRITERS = 8
/** Now, on the clock that is handed in. */
const NOW = at(0)

let database: TestDatabase
let servers: Database[]
let db: Database

before(async () => {
  database = await createTestDatabase()
  servers = Array.from({ length: WRITERS }, () => database.open())
  db = servers[0]!
})
after(() => database.drop())

async function clear(): Promise<void> {
  await db.write`
    TRUNCATE stacks, stack_windows, events, event_moves, idempotency, retention_progress, deliveries,
             delivery_chunks, quarantine`
}
beforeEach(clear)

function policyOf(text: string): Retention {
  const parsed = parseRetention(text)
  assert.ok('retention' in parsed, JSON.stringify(parsed))
  return parsed.retention
}

const neverEnds = new AbortController().signal

async function retain(text: string, now = NOW): Promise<RetentionResult> {
  const result = await applyRetention(db, planOf(policyOf(text)), { now, signal: neverEnds, pauseMs: 0 })
  assert.ok(result)
  return result
}

/** An event that arrived as it happened, so many days before now. */
function eventOf(days: number, given: Partial<JudgedEvent> = {}): JudgedEvent {
  const startDate = given.startDate ?? at(-days * DAY)
  const receivedAt = given.receivedAt ?? startDate
  return judgedEvent({ id: uuidv7({ msecs: receivedAt.getTime() }), startDate, receivedAt, ...given })
}

async function store(...events: JudgedEvent[]): Promise<void> {
  await storeEvents(db, events)
}

async function titles(): Promise<string[]> {
  const rows = await db.read<{ title: string }[]>`SELECT title FROM events ORDER BY title`
  return rows.map(({ title }) => title)
}

test('exactly what is older than its provider and band allow goes', async () => {
  const made = ['com.proxmox', 'com.proxmox.backup', 'com.proxmox.backups', 'org.other'].flatMap((provider) =>
    SEVERITIES.flatMap((severity) =>
      [29, 31, 89, 91, 364, 366, 4000].map((days) =>
        eventOf(days, {
          provider,
          severity,
          title: `${provider} ${severity} ${days}`,
          key: severity,
          windowMs: DAY,
        }),
      ),
    ),
  )
  await store(...made)
  const policy =
    'info=90d, warning=1y, error=3y, critical=forever; com.proxmox.backup: info=30d, error=forever'
  const kept = made.filter(({ provider, severity, startDate }) => {
    const age = ageOf(policyOf(policy), provider, bandOf(severity))
    return age === null || startDate.getTime() + age > NOW.getTime()
  })
  const { events, stacks } = await retain(policy)
  assert.deepEqual(await titles(), kept.map(({ title }) => title).sort())
  assert.equal(events, made.length - kept.length)
  assert.equal(stacks, events)
  await assertInvariants(db)
  const again = await retain(policy)
  assert.deepEqual(again, { events: 0, stacks: 0, messages: 0, deliveries: 0, bodies: 0, skipped: 0 })
})

test('the later of start and arrival counts', async () => {
  await store(
    eventOf(400, { title: 'imported', receivedAt: at(-DAY) }),
    eventOf(400, { title: 'planned', startDate: at(300 * DAY) }),
    eventOf(400, { title: 'old' }),
  )
  await retain('30d')
  assert.deepEqual(await titles(), ['imported', 'planned'])
  await retain('30d', at(29.5 * DAY))
  assert.deepEqual(await titles(), ['planned'])
  await retain('30d', at(331 * DAY))
  assert.deepEqual(await titles(), [])
})

test('a stack of which some events go keeps its interval, and tells of those that are left', async () => {
  const inStack = (hours: number, severity: Severity, given: Partial<JudgedEvent> = {}) =>
    eventOf(0, { startDate: at(-100 * DAY + hours * HOUR), severity, key: 'k', windowMs: DAY, ...given })
  const worst = inStack(2, 'error', { title: 'worst' })
  const first = inStack(0, 'info', { title: 'first' })
  const last = inStack(3, 'info', { title: 'last', node: 'pve-09' })
  await store(first, worst, inStack(1, 'warning', { title: 'second' }), last)
  const [{ stackId }] = await db.read<[{ stackId: string }]>`SELECT stack_id AS "stackId" FROM events LIMIT 1`
  const old = (await findStack(db, stackId))!
  await triageEvents(db, 'ack', [worst.id])
  const position = await currentPosition(db)
  await retain('info=90d, warning=90d')
  const left = (await findStack(db, stackId))!
  assert.deepEqual([left.count, left.severity, left.title, left.node], [1, 'error', 'worst', 'pve-01'])
  assert.deepEqual([left.firstEventAt, left.lastEventAt], [worst.startDate, worst.startDate])
  assert.deepEqual([left.openedAt, left.closesAt], [old.openedAt, old.closesAt])
  assert.equal(left.latest.id, worst.id)
  assert.ok(left.ackedAt)
  await assertInvariants(db, { retained: true })
  const changes = await changesSince(db, position, null, 100)
  assert.deepEqual(
    changes.stacks.map(({ id }) => id),
    [stackId],
  )
})

test('an interval that ended where a stack that is gone began ends with its own window', async () => {
  const series = (hours: number, severity: Severity) =>
    eventOf(0, { startDate: at(-100 * DAY + hours * HOUR), severity, key: 'k', windowMs: DAY })
  await store(series(20, 'info'), series(30, 'info'))
  await store(series(0, 'critical'))
  const ends = () => db.read`SELECT opened_at, closes_at FROM stack_windows ORDER BY opened_at`
  assert.equal((await ends()).length, 2)
  await retain('info=1d')
  assert.deepEqual([...(await ends())], [{ opened_at: at(-100 * DAY), closes_at: at(-99 * DAY) }])
  await assertInvariants(db)
})

test('a session goes as a whole, when the last of its events may go; its middle goes before', async () => {
  const role = (days: number, name: SessionRole, severity: Severity) =>
    eventOf(days, {
      key: 'db',
      role: name,
      windowMs: null,
      currentState: true,
      severity,
      title: `${name} ${days}`,
    })
  await store(role(400, 'opens', 'error'), role(399, 'continues', 'info'), role(398, 'opens', 'info'))
  await store(role(397, 'closes', 'ok'), role(396, 'closes', 'ok'), role(395, 'opens', 'info'))
  await retain('info=90d, error=3y')
  assert.deepEqual(await titles(), ['closes 397', 'opens 400'])
  const [{ id }] = await db.read<[{ id: string }]>`SELECT id FROM stacks`
  const stack = (await findStack(db, id))!
  assert.deepEqual([stack.resolved, stack.count, stack.severity], [true, 2, 'ok'])
  await assertInvariants(db)
  await retain('info=90d, error=3y', at(3 * 365 * DAY - 400.1 * DAY))
  assert.deepEqual(await titles(), ['closes 397', 'opens 400'])
  await retain('info=90d, error=3y', at(3 * 365 * DAY - 400 * DAY))
  assert.deepEqual(await titles(), [])
})

type Step = {
  provider: string
  severity: Severity
  key: string | null
  role: SessionRole | 'repeats'
  startDay: number
  externalID: string | null
}

const providers = fc.constantFrom('com.a', 'com.a.b', 'org')
const steps = fc.array(
  fc.record<Step>({
    provider: providers,
    severity: fc.constantFrom(...SEVERITIES),
    key: fc.constantFrom('k', 'l', null),
    role: fc.constantFrom('repeats', 'repeats', 'opens', 'continues', 'closes'),
    startDay: fc.integer({ min: -40, max: 12 }),
    externalID: fc.option(fc.constantFrom('x', 'y', 'z'), { nil: null, freq: 4 }),
  }),
  { maxLength: 12 },
)
const POLICIES = [
  '10d',
  'info=5d, error=20d',
  'warning=1d; com.a: info=3d, error=30d; com.a.b: error=forever',
  'info=2d, warning=12d, error=12d, critical=12d; org: forever',
]

function judged({ key, role, startDay, ...given }: Step, day: number): JudgedEvent {
  // Sessions have keys of their own: an event of one is in no interval.
  const series = role === 'repeats' ? { key, role } : { key: `session ${key}`, role }
  return eventOf(0, {
    ...given,
    ...series,
    windowMs: DAY,
    startDate: at(startDay * DAY),
    receivedAt: at(day * DAY),
  })
}

type Stored = {
  id: string
  provider: string
  severity: number
  start: Date
  received: Date
  stackId: string
  sessionKey: string | null
  role: SessionRole | null
  windowMs: string | null
}

function readStored(): Promise<Stored[]> {
  return db.read<Stored[]>`
    SELECT id, provider, severity, start_date AS start, received_at AS received, stack_id AS "stackId",
           session_key AS "sessionKey", session_role AS role, session_ms AS "windowMs" FROM events ORDER BY start_date, id`
}

/** What the policy leaves of these events, written from the words of docs/retention.md. */
function expectedToStay(events: Stored[], policy: Retention, now: Date): string[] {
  const isDue = ({ provider, severity, start, received }: Stored) => {
    const age = ageOf(policy, provider, bandOf(severityOfRank(severity)))
    return age !== null && Math.max(start.getTime(), received.getTime()) + age <= now.getTime()
  }
  const byStack = Map.groupBy(events, ({ stackId }) => stackId)
  return events
    .filter((event) => {
      if (!isDue(event)) return true
      const session = byStack.get(event.stackId)!
      const isFrame = event.sessionKey !== null && (event === session[0] || event.role === 'closes')
      return isFrame && !session.every(isDue)
    })
    .map(({ id }) => id)
}

/** Sessions are what the pure rule makes of the events that are left. */
async function assertSessions(): Promise<void> {
  const events = (await readStored()).filter(({ sessionKey }) => sessionKey !== null)
  for (const series of Map.groupBy(events, (event) => `${event.provider} ${event.sessionKey}`).values()) {
    const inOrder = series
      .map(({ start, windowMs, role, ...event }) => ({
        ...event,
        role: role!,
        at: start.getTime(),
        windowMs: windowMs === null ? null : Number(windowMs),
      }))
      .sort(compareEvents)
    for (const segment of segmentEvents(inOrder))
      assert.equal(new Set(segment.events.map(({ stackId }) => stackId)).size, 1)
    assert.equal(segmentEvents(inOrder).length, new Set(inOrder.map(({ stackId }) => stackId)).size)
  }
}

test('run after run, whatever arrives and changes in between, just what is due is gone', async () => {
  const rounds = fc.array(fc.tuple(steps, fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc
      .asyncProperty(fc.constantFrom(...POLICIES), rounds, async (text, all) => {
        let day = 0
        for (const [batch, later] of all) {
          for (const step of batch) await store(judged(step, day))
          day += later
          const stored = await readStored()
          const foreseen = await foreseeRetention(db, planOf(policyOf(text)), at(day * DAY))
          const { events } = await retain(text, at(day * DAY))
          const left = (await readStored()).map(({ id }) => id)
          assert.deepEqual(left, expectedToStay(stored, policyOf(text), at(day * DAY)))
          assert.equal(
            foreseen.events.reduce((sum, { count }) => sum + count, 0),
            events,
          )
          await assertInvariants(db, { retained: true })
          await assertSessions()
        }
      })
      .beforeEach(clear),
    { numRuns: 30 },
  )
})

test('what eight writers put into the same stacks meanwhile is all there, and all that is old is gone', async () => {
  const KEYS = ['a', 'b', 'c', null]
  const old = Array.from({ length: 1_200 }, (_, index) =>
    eventOf(100, {
      startDate: at(-100 * DAY + index * 60_000),
      key: KEYS[index % 4]!,
      windowMs: null,
      externalID: index % 5 === 0 ? `job ${index}` : null,
      role: index % 8 === 1 ? 'continues' : 'repeats',
      title: 'old',
    }),
  )
  for (let from = 0; from < old.length; from += 200) await store(...old.slice(from, from + 200))
  const stored = new Set<string>()
  const updated = new Set<string | null>()
  let isOver = false
  const writers = servers.map(async (server, writer) => {
    for (let turn = 0; !isOver; turn++) {
      const batch = Array.from({ length: 4 }, (_, n) =>
        eventOf(0, {
          startDate: n === 0 ? NOW : at(-100 * DAY + ((turn * 4 + n + writer * 151) % 1_200) * 60_000),
          receivedAt: NOW,
          key: KEYS[(turn + n) % 4]!,
          windowMs: null,
          // Some are updates of events that are about to go, which must not be lost with them.
          externalID: n === 0 ? `job ${((turn * 8 + writer) % 240) * 5}` : null,
          title: n === 0 ? 'update' : 'new',
        }),
      )
      const answers = await storeEvents(server, batch)
      batch.forEach((event, index) => {
        if (event.title === 'new') stored.add(answers[index]!.id)
        else updated.add(event.externalID)
      })
    }
  })
  const working = Promise.all(writers)
  let skipped = 1
  while (skipped > 0) ({ skipped } = await retain('30d'))
  isOver = true
  await working
  const rows = await db.read<{ id: string; title: string; externalID: string | null }[]>`
    SELECT id, title, external_id AS "externalID" FROM events`
  const fresh = rows.filter(({ title }) => title === 'new').map(({ id }) => id)
  assert.deepEqual(fresh.sort(), [...stored].sort())
  const moved = rows.filter(({ title }) => title === 'update').map(({ externalID }) => externalID)
  assert.deepEqual(moved.sort(), [...updated].sort())
  assert.equal(rows.length, stored.size + updated.size)
  await assertInvariants(db, { retained: true })
})

test('a batch that a writer is in the way of gives up soon, and what the writer changed stays', async () => {
  const event = eventOf(100, { externalID: 'job', title: 'old' })
  await store(event, eventOf(100, { title: 'other' }))
  const update = { ...event, id: uuidv7(), title: 'updated', startDate: at(0), receivedAt: at(0) }
  const held = await storeHeld(servers[1]!, [update, eventOf(0, { title: 'last' })])
  const { skipped } = await retain('30d')
  assert.equal(skipped, 1)
  await held.commit()
  await retain('30d')
  assert.deepEqual(await titles(), ['last', 'updated'])
  await assertInvariants(db)
})

test('an event without a key is left alone while a writer is about to update it by its externalID', async () => {
  await store(eventOf(100, { externalID: 'job' }))
  for (let n = 0; ; n++) {
    // The writer takes its two locks in the order of their numbers: it is to wait for this one with the other in hand.
    const key = `key ${n}`
    const holder = await db.read.reserve()
    await holder`BEGIN`
    await lockNames(holder as unknown as Tx, [seriesName('com.example', key)], CHANGES_CHANNEL)
    const writing = storeEvents(servers[1]!, [
      eventOf(0, { externalID: 'job', title: 'updated' }),
      eventOf(0, { key }),
    ])
    await lockWaiters(db, 1)
    const [own] = await db.read<{ count: number }[]>`
      SELECT count(*)::int AS count FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.pid IN (
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)`
    const result = own!.count > 0 ? await retain('30d') : null
    await holder`ROLLBACK`
    holder.release()
    await writing
    if (result) return assert.deepEqual([result.events, result.skipped], [0, 1])
    await clear()
    await store(eventOf(100, { externalID: 'job' }))
  }
})

test('an event that was updated since it was found is looked at again before it goes', async () => {
  const event = eventOf(100, { externalID: 'job', key: 'k' })
  await store(event)
  await store({ ...event, id: uuidv7(), severity: 'critical' })
  const expiries = [
    { before: at(-30 * DAY), scopes: [{ provider: null, except: [], lowest: 0, highest: 3 }] },
  ]
  assert.deepEqual(await deleteEvents(db, [event.id], expiries), { events: 0, stacks: 0 })
  assert.equal((await titles()).length, 1)
})

test('a deleted event that is updated by its externalID is a new one', async () => {
  const event = eventOf(100, { externalID: 'job' })
  await store(event)
  await retain('30d')
  const [answer] = await storeEvents(db, [{ ...event, id: uuidv7(), receivedAt: NOW }])
  assert.equal(answer!.created, true)
  assert.notEqual(answer!.id, event.id)
})

test('a run that is told to end does so between two batches, and the next one goes on', async () => {
  const events = Array.from({ length: 700 }, (_, index) =>
    eventOf(100, { title: `${index}`, key: `k${index}` }),
  )
  await store(...events)
  const ending = new AbortController()
  const plan = planOf(policyOf('30d'))
  const running = applyRetention(db, plan, { now: NOW, signal: ending.signal, pauseMs: 60_000 })
  while ((await titles()).length === 700) await new Promise(setImmediate)
  ending.abort()
  const result = await running
  assert.ok(result!.events > 0 && result!.events < 700, `${result!.events}`)
  assert.equal((await titles()).length, 700 - result!.events)
  await assertInvariants(db)
  assert.equal((await retain('30d')).events, 700 - result!.events)
})

test('only one server works at a time', async () => {
  await store(eventOf(100), eventOf(100))
  const plan = planOf(policyOf('30d'))
  const results = await Promise.all(
    servers
      .slice(0, 4)
      .map((server) => applyRetention(server, plan, { now: NOW, signal: neverEnds, pauseMs: 200 })),
  )
  assert.ok(results.some((result) => result === null))
  assert.equal(
    results.reduce((sum, result) => sum + (result?.events ?? 0), 0),
    2,
  )
})

test('a dry run tells what would go, and changes nothing', async () => {
  await store(
    eventOf(100, { severity: 'info' }),
    eventOf(100, { severity: 'ok' }),
    eventOf(100, { severity: 'error', metadata: { Message: 'x'.repeat(5_000) } }),
    eventOf(10, { provider: 'org.other', metadata: { Message: 'x'.repeat(5_000) } }),
  )
  const before = await db.read`SELECT *, xmin FROM events ORDER BY id`
  const plan = planOf(policyOf('info=30d, error=1y; org.other: info=5d; messages>4KiB=1d; deliveries=1d'))
  const foreseen = await foreseeRetention(db, plan, NOW)
  assert.deepEqual(foreseen, {
    events: [
      { provider: 'com.example', severity: 0, count: 1 },
      { provider: 'com.example', severity: 1, count: 1 },
      { provider: 'org.other', severity: 1, count: 1 },
    ],
    messages: 1,
    deliveries: 0,
    bodies: 0,
  })
  assert.deepEqual([...(await db.read`SELECT *, xmin FROM events ORDER BY id`)], [...before])
  assert.equal((await db.read`SELECT 1 FROM retention_progress`).length, 0)
})

test('long texts are cut at a character and marked, and all else of the event stays', async () => {
  const long = `${'ä€😀'.repeat(200_000)}`
  const event = eventOf(40, {
    key: 'k',
    metadata: {
      z: 1,
      Message: long,
      10: 'a',
      2: [long.slice(0, 3_000)],
      note: 'x'.repeat(4_096),
      big: 1e300,
    },
    payload: { message: 'y'.repeat(10_000), other: null },
  })
  await store(
    event,
    eventOf(40, { title: 'short' }),
    eventOf(20, { title: 'young', metadata: { Message: long } }),
  )
  const old = (await findEvent(db, event.id))!
  const raw = () => db.read<{ keys: string[] }[]>`
    SELECT array_agg(key) AS keys FROM events e, json_object_keys(e.metadata) key WHERE e.id = ${event.id}`
  const keys = (await raw())[0]!.keys
  const position = await currentPosition(db)
  assert.equal((await retain('messages>4KiB=30d')).messages, 1)
  const cut = (await findEvent(db, event.id))!
  const { Message, ...metadata } = cut.metadata as { Message: string }
  assert.match(Message, /^(ä€😀)+(ä|ä€)?… \(trimmed, was 1\.7 MiB\)$/u)
  assert.ok(Buffer.byteLength(Message) <= 4_096 && Buffer.byteLength(Message) > 4_092)
  const { Message: _whole, ...others } = old.metadata
  assert.deepEqual(metadata, others)
  assert.deepEqual((await raw())[0]!.keys, keys)
  assert.match(cut.payload.message as string, /^y+… \(trimmed, was 9\.8 KiB\)$/)
  assert.deepEqual({ ...cut, metadata: null, payload: null }, { ...old, metadata: null, payload: null })
  assert.equal(cut.payload.other, null)
  assert.deepEqual(
    (await changesSince(db, position, null, 10)).events.map(({ id }) => id),
    [event.id],
  )
  assert.equal((await retain('messages>4KiB=30d')).messages, 0)
  await clearProgress()
  assert.equal((await retain('messages>4KiB=30d')).messages, 0)
  assert.equal((await retain('messages>4KiB=30d', at(11 * DAY))).messages, 1)
  await assertInvariants(db)
})

async function clearProgress(): Promise<void> {
  await db.write`TRUNCATE retention_progress`
}

test('a text of any characters is cut to valid ones, no longer than allowed', async () => {
  await fc.assert(
    fc
      .asyncProperty(
        fc.string({
          unit: fc.constantFrom('a', 'é', '€', '😀', '\\', '"', '\n'),
          minLength: 1_000,
          maxLength: 2_000,
        }),
        async (text) => {
          const event = eventOf(40, { metadata: { Message: text } })
          await store(event)
          await retain('messages>1KiB=30d')
          const stored = (await findEvent(db, event.id))!.metadata.Message as string
          if (Buffer.byteLength(text) <= 1_024) return assert.equal(stored, text)
          const [kept, mark] = stored.split('… (trimmed, was ')
          assert.ok(text.startsWith(kept!) && /^\d+\.\d KiB\)$/.test(mark!), stored)
          assert.ok(Buffer.byteLength(stored) <= 1_024 && Buffer.byteLength(stored) > 1_020)
        },
      )
      .beforeEach(clear),
    { numRuns: 25 },
  )
})

test('nothing comes twice in a list while events go', async () => {
  const stacks = Array.from({ length: 30 }, (_, index) => [
    eventOf(60 - index, { key: `k${index}`, windowMs: null, severity: 'info', title: `new ${index}` }),
    eventOf(200 + ((index * 7) % 30), {
      key: `k${index}`,
      windowMs: null,
      severity: 'error',
      title: `old ${index}`,
    }),
  ])
  await store(...stacks.flat())
  const plan = planOf(policyOf('info=20d'))
  const seen = { stacks: [] as string[], events: [] as string[] }
  let stackCursor: string | null = ''
  let eventCursor: string | null = ''
  for (let page = 0; stackCursor !== null || eventCursor !== null; page++) {
    if (stackCursor !== null) {
      const { items, nextCursor }: Page<{ id: string }> = await listStacks(
        db,
        { state: 'all' },
        4,
        stackCursor === '' ? null : decodeCursor(stackCursor),
      )
      seen.stacks.push(...items.map(({ id }) => id))
      stackCursor = nextCursor
    }
    if (eventCursor !== null) {
      const { items, nextCursor }: Page<{ id: string }> = await listEvents(
        db,
        { state: 'all' },
        4,
        eventCursor === '' ? null : decodeCursor(eventCursor),
      )
      seen.events.push(...items.map(({ id }) => id))
      eventCursor = nextCursor
    }
    await applyRetention(db, plan, { now: at((page - 30) * 3 * DAY), signal: neverEnds, pauseMs: 0 })
    if (page === 3) await applyRetention(db, plan, { now: NOW, signal: neverEnds, pauseMs: 0 })
  }
  assert.equal(new Set(seen.stacks).size, 30)
  assert.equal(seen.stacks.length, 30)
  assert.equal(new Set(seen.events).size, seen.events.length)
  const left = await db.read<{ id: string }[]>`SELECT id FROM events`
  for (const { id } of left) assert.ok(seen.events.includes(id))
})

test('deliveries and refused bodies go by their age, a crowd as a whole', async () => {
  const facts = (days: number) => {
    const receivedAt = at(-days * DAY)
    const id = uuidv7({ msecs: receivedAt.getTime() })
    return { id, receivedAt, path: '/ingest', address: '::1', tokenId: null, tokenName: 'pve' }
  }
  const delivery = {
    userAgent: null,
    provider: null,
    status: 200,
    reason: null,
    durationMs: 1,
    bytes: 1,
    eventId: null,
    quarantineId: null,
    authenticated: true,
  }
  await insertDeliveries(
    db,
    [1, 29, 31, 400].map((days) => ({ ...facts(days), ...delivery })),
    [20, 30, 31, 50].map((days) =>
      chunkOf(Array.from({ length: 50 }, () => ({ ...facts(days), ...delivery }))),
    ),
  )
  for (const days of [10, 89, 91]) {
    const body = {
      contentType: null,
      providers: [],
      defaults: {},
      body: Buffer.from('{'),
      bytes: 1,
      problem: {},
    }
    await keepBody(db, { ...facts(days), ...body }, { rows: 100, bytes: 1_000 })
  }
  const policy = 'deliveries=30d; quarantine=90d'
  const foreseen = await foreseeRetention(db, planOf(policyOf(policy)), NOW)
  assert.deepEqual([foreseen.deliveries, foreseen.bodies], [102, 1])
  const result = await retain(policy)
  assert.deepEqual([result.deliveries, result.bodies], [102, 1])
  assert.equal((await db.read`SELECT 1 FROM deliveries`).length, 2)
  assert.equal((await db.read`SELECT 1 FROM delivery_chunks`).length, 2)
  assert.equal((await db.read`SELECT 1 FROM quarantine`).length, 2)
})

test('the server works in the background, tells of it once, and ends at once', async () => {
  await store(eventOf(100, { key: 'k' }), eventOf(100, { key: 'l' }), eventOf(1))
  const told: Record<string, unknown>[] = []
  const log = { ...silentLog, info: (facts: Record<string, unknown>) => void told.push(facts) }
  const releasers = createReleasers(10_000)
  let runs = 0
  const clock = () => {
    runs++
    return NOW
  }
  startRetention(policyOf('30d'), db, clock, log, releasers, { firstAfterMs: 0, everyMs: 1 })
  await eventually(async () => runs > 2)
  const failures: unknown[] = []
  await releasers.run((_, error) => failures.push(error))
  assert.deepEqual(failures, [])
  assert.deepEqual(told, [{ events: 2, stacks: 2, messages: 0, deliveries: 0, bodies: 0, skipped: 0 }])
  const runsAtEnd = runs
  startRetention(null, db, clock, log, createReleasers(0), { firstAfterMs: 0, everyMs: 1 })
  await new Promise(setImmediate)
  assert.equal(runs, runsAtEnd)
})

test('the command shows what would go, and with --apply lets it go', async (t) => {
  const env = { DATABASE_URL: database.url, TEMPO_DATA_DIR: await makeDataDir(t) }
  const days = (n: number, given: Partial<JudgedEvent> = {}) => {
    const startDate = new Date(Date.now() - n * DAY)
    return eventOf(0, { startDate, receivedAt: startDate, ...given })
  }
  await store(
    days(100),
    days(100, { severity: 'ok' }),
    days(100, { severity: 'error', metadata: { Message: 'x'.repeat(5_000) } }),
    days(1),
  )
  const unset = await tempo(['retention'], env)
  assert.deepEqual([unset.code, unset.stdout], [0, ''])
  assert.match(unset.stderr, /^TEMPO_RETENTION is not set/)

  const wrong = await tempo(['retention'], { ...env, TEMPO_RETENTION: 'inof=90d, error=3' })
  assert.equal(wrong.code, 1)
  assert.match(
    wrong.stderr,
    /^TEMPO_RETENTION item 1 .*\(info\?\)\nTEMPO_RETENTION item 2 must have an age .*\n$/,
  )

  const set = { ...env, TEMPO_RETENTION: 'info=90d; messages>4KiB=30d' }
  const dry = await tempo(['retention'], set)
  assert.deepEqual(
    dry.stdout.split('\n').map((line) => line.split(/ {2,}/)),
    [
      ['PROVIDER', 'BAND', 'OLDER THAN', 'EVENTS'],
      ['com.example', 'info', '90d', '2'],
      ['all', '2'],
      ['and would cut long texts of 1 events, delete 0 deliveries and 0 refused bodies'],
      [''],
    ],
  )
  assert.equal(dry.code, 0)
  assert.equal((await titles()).length, 4)

  const applied = await tempo(['retention', '--apply', '--json'], set)
  assert.deepEqual([applied.code, applied.stderr], [0, ''])
  const { events, stacks, messages } = JSON.parse(applied.stdout)
  assert.deepEqual([events, stacks, messages], [2, 2, 1])
  assert.equal((await titles()).length, 2)
})
