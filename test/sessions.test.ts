import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import type { JudgedEvent } from '../src/event.ts'
import type { Database } from '../src/storage/database.ts'
import { compareEvents, type SessionRole, segmentEvents } from '../src/storage/sessions.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { at, judgedEvent, MINUTE } from './helpers/events.ts'
import { assertInvariants } from './helpers/invariants.ts'

let database: TestDatabase
let servers: Database[]

before(async () => {
  database = await createTestDatabase()
  servers = [database.open(), database.open(), database.open()]
})

after(() => database.drop())

beforeEach(async () => {
  await servers[0]!.write`TRUNCATE events, stacks, stack_windows, event_moves, idempotency`
})

function sessionEvent(role: SessionRole, minute: number, more: Partial<JudgedEvent> = {}): JudgedEvent {
  const severity = role === 'closes' ? 'ok' : 'error'
  return judgedEvent({
    role,
    key: 'db',
    windowMs: null,
    currentState: true,
    severity,
    startDate: at(minute * MINUTE),
    ...more,
  })
}

type StackRow = { minutes: number[]; resolved: boolean; severity: number }

/** All stacks with the minutes of their events, in order. */
async function readStacks(): Promise<StackRow[]> {
  const rows = await servers[0]!.read<{ starts: number[]; resolved: boolean; severity: number }[]>`
    SELECT json_agg(extract(epoch FROM e.start_date) * 1000 ORDER BY e.start_date, e.id) AS starts, s.resolved, s.severity
    FROM stacks s JOIN events e ON e.stack_id = s.id GROUP BY s.id ORDER BY min(e.start_date), min(e.id::text)`
  return rows.map(({ starts, ...row }) => ({
    ...row,
    minutes: starts.map((start) => (start - at(0).getTime()) / MINUTE),
  }))
}

async function storeOneByOne(...events: JudgedEvent[]): Promise<void> {
  for (const event of events) await storeEvents(servers[0]!, [event])
}

test('down, still down, up make one stack, which is resolved and shows how things are now', async () => {
  await storeOneByOne(sessionEvent('opens', 0), sessionEvent('continues', 1), sessionEvent('closes', 2))
  assert.deepEqual(await readStacks(), [{ minutes: [0, 1, 2], resolved: true, severity: 0 }])
})

test('a problem after the end opens the next session', async () => {
  await storeOneByOne(sessionEvent('opens', 0), sessionEvent('closes', 1), sessionEvent('opens', 2))
  assert.deepEqual(await readStacks(), [
    { minutes: [0, 1], resolved: true, severity: 0 },
    { minutes: [2], resolved: false, severity: 3 },
  ])
})

test('an up without a down stands alone, until a late down that belongs before it arrives', async () => {
  await storeOneByOne(sessionEvent('closes', 5))
  assert.deepEqual(await readStacks(), [{ minutes: [5], resolved: false, severity: 0 }])
  await storeOneByOne(sessionEvent('opens', 3))
  assert.deepEqual(await readStacks(), [{ minutes: [3, 5], resolved: true, severity: 0 }])
})

test('a late up splits a session in two', async () => {
  await storeOneByOne(sessionEvent('opens', 0), sessionEvent('opens', 10), sessionEvent('closes', 20))
  await storeOneByOne(sessionEvent('closes', 5))
  assert.deepEqual(await readStacks(), [
    { minutes: [0, 5], resolved: true, severity: 0 },
    { minutes: [10, 20], resolved: true, severity: 0 },
  ])
})

test('two downs at once on two servers make one stack', async () => {
  for (let round = 0; round < 20; round++) {
    const key = `round ${round}`
    const answers = await Promise.all(
      servers.map((server) => storeEvents(server, [sessionEvent('opens', 0, { key })])),
    )
    assert.equal(new Set(answers.map(([answer]) => answer!.stackId)).size, 1)
  }
  await assertInvariants(servers[0]!)
})

test('a closed cycle shows the severity that its score gives it', async () => {
  await storeOneByOne(sessionEvent('opens', 0), sessionEvent('closes', 1, { closedSeverity: 'warning' }))
  assert.deepEqual(await readStacks(), [{ minutes: [0, 1], resolved: true, severity: 2 }])
})

test('an update by externalID moves an event out of its session and into another', async () => {
  const down = sessionEvent('opens', 0, { externalID: 'down' })
  await storeOneByOne(down, sessionEvent('continues', 1), sessionEvent('closes', 2))
  await storeOneByOne(sessionEvent('opens', 0, { externalID: 'down', key: 'web' }))
  assert.deepEqual(
    (await readStacks()).map(({ minutes, resolved }) => ({ minutes, resolved })),
    [
      { minutes: [0], resolved: false },
      { minutes: [1], resolved: false },
      { minutes: [2], resolved: false },
    ],
  )
  await storeOneByOne(sessionEvent('opens', 0, { externalID: 'down' }))
  assert.deepEqual(await readStacks(), [{ minutes: [0, 1, 2], resolved: true, severity: 0 }])
  await assertInvariants(servers[0]!)
})

test('sessions are the same in whatever order their events arrive, also at several servers at once', async () => {
  const generated = fc.array(
    fc.record({
      role: fc.constantFrom<SessionRole>('opens', 'continues', 'closes'),
      minute: fc.integer({ min: 0, max: 40 }),
      windowMs: fc.constantFrom(null, null, 10 * MINUTE),
      externalID: fc.option(fc.constantFrom('a', 'b'), { nil: null, freq: 4 }),
    }),
    { minLength: 1, maxLength: 14 },
  )
  await fc.assert(
    fc.asyncProperty(generated, fc.boolean(), async (wanted, atOnce) => {
      await servers[0]!.write`TRUNCATE events, stacks, stack_windows, event_moves`
      const events = wanted.map(({ minute, role, ...more }) => sessionEvent(role, minute, more))
      if (atOnce) {
        const mine = (index: number) => events.filter((_, place) => place % servers.length === index)
        await Promise.all(
          servers.map(async (server, index) => {
            for (const event of mine(index)) await storeEvents(server, [event])
          }),
        )
      } else {
        await storeEvents(servers[0]!, events)
      }
      await assertSegments()
      await assertInvariants(servers[0]!)
    }),
    { numRuns: 120 },
  )
})

/** The stacks are what the pure rule makes of all stored events in their order. */
async function assertSegments(): Promise<void> {
  const rows = await servers[0]!.read<
    { id: string; at: Date; role: SessionRole; windowMs: string | null; stackId: string }[]
  >`
    SELECT id, start_date AS at, session_role AS role, session_ms AS "windowMs", stack_id AS "stackId" FROM events`
  const events = rows
    .map((row) => ({
      ...row,
      at: row.at.getTime(),
      windowMs: row.windowMs === null ? null : Number(row.windowMs),
    }))
    .sort(compareEvents)
  const expected = segmentEvents(events).map((segment) => segment.events.map(({ id }) => id))
  const actual = Map.groupBy(events, ({ stackId }) => stackId)
  assert.deepEqual(
    [...actual.values()].map((group) => group.map(({ id }) => id)),
    expected,
  )
}
