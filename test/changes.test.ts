import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import type { JudgedEvent, StoredEvent, StoredStack } from '../src/event.ts'
import {
  type Changes,
  changesSince,
  currentPosition,
  isAhead,
  isPosition,
  listen,
  type Position,
} from '../src/storage/changes.ts'
import type { Database } from '../src/storage/database.ts'
import { deleteEvents } from '../src/storage/delete-events.ts'
import { CHANGES_CHANNEL, storeEvents } from '../src/storage/store-events.ts'
import { findEvent, findStack } from '../src/storage/timeline.ts'
import { triageStacks } from '../src/storage/triage.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { at, judgedEvent, MINUTE } from './helpers/events.ts'
import { type HeldStore, storeHeld } from './helpers/held.ts'
import { eventually } from './helpers/server.ts'

const PLENTY = 1_000

let database: TestDatabase
let db: Database

before(async () => {
  database = await createTestDatabase()
  db = database.open()
})
after(() => database.drop())
beforeEach(clear)

async function clear(): Promise<void> {
  await db.write`TRUNCATE stacks, stack_windows, events, event_moves, idempotency`
}

async function store(given: Partial<JudgedEvent> = {}) {
  const [answer] = await storeEvents(db, [judgedEvent(given)])
  return answer!
}

const ids = (rows: { id: string }[]) => rows.map(({ id }) => id)

test('what is committed after a position is read from there, and not again from the next one', async () => {
  const before = await store()
  const start = await currentPosition(db)
  const first = await store()
  const second = await store()
  const changes = await changesSince(db, start, null, PLENTY)
  assert.deepEqual(ids(changes.events), [first.id, second.id])
  assert.deepEqual(ids(changes.stacks).sort(), [first.stackId, second.stackId].sort())
  assert.ok(!ids(changes.events).includes(before.id))
  const next = await changesSince(db, changes.position, null, PLENTY)
  assert.deepEqual([next.events, next.stacks, next.overflow], [[], [], false])
})

test('changes carry the events and stacks as they are', async () => {
  const start = await currentPosition(db)
  const { id, stackId } = await store({ key: 'k' })
  await triageStacks(db, 'ack', [stackId])
  const { events, stacks } = await changesSince(db, start, null, PLENTY)
  assert.deepEqual(events, [await findEvent(db, id)])
  assert.deepEqual(stacks, [await findStack(db, stackId)])
})

test('a stack that lost an event is told, by retention as by an update that moves one', async () => {
  const [old, kept] = [
    await store({ key: 'k', startDate: at(0) }),
    await store({ key: 'k', startDate: at(MINUTE) }),
  ]
  const start = await currentPosition(db)
  const scopes = [{ provider: null, except: [], lowest: 0, highest: 4 }]
  const deleted = await deleteEvents(db, [old.id], [{ before: new Date(Date.now() + MINUTE), scopes }])
  assert.deepEqual(deleted, { events: 1, stacks: 0 })
  const { position, ...changes } = await changesSince(db, start, null, PLENTY)
  assert.deepEqual(changes, { events: [], stacks: [await findStack(db, kept.stackId)], overflow: false })

  const moved = await store({ key: 'k', externalID: 'moves', startDate: at(2 * MINUTE) })
  const before = await currentPosition(db)
  const there = await store({ key: 'other', externalID: 'moves', startDate: at(2 * MINUTE) })
  const { events, stacks } = await changesSince(db, before, null, PLENTY)
  assert.deepEqual(ids(events), [moved.id])
  assert.deepEqual(ids(stacks).sort(), [kept.stackId, there.stackId].sort())
  assert.ok(isPosition(position))
})

test('a transaction open over several reads is told once, after its commit, whatever committed before it', async () => {
  const start = await currentPosition(db)
  const late = judgedEvent({ key: 'late' })
  const held = await storeHeld(database.open(), [late])
  let position = start
  for (let n = 0; n < 5; n++) {
    const other = await store()
    const changes = await changesSince(db, position, null, PLENTY)
    assert.deepEqual(ids(changes.events), [other.id])
    position = changes.position
  }
  await held.commit()
  const changes = await changesSince(db, position, null, PLENTY)
  assert.deepEqual(ids(changes.events), [late.id])
  const next = await changesSince(db, changes.position, null, PLENTY)
  assert.deepEqual(next.events, [])
  assert.equal((await changesSince(db, start, null, PLENTY)).events.length, 6)
})

test('a transaction that is rolled back is never told', async () => {
  const start = await currentPosition(db)
  const held = await storeHeld(database.open(), [judgedEvent()])
  const while_ = await changesSince(db, start, null, PLENTY)
  await held.abort()
  const then = await changesSince(db, while_.position, null, PLENTY)
  assert.deepEqual([...while_.events, ...then.events], [])
})

test('with a bound, only what was committed until then is read, and the rest follows from there', async () => {
  const start = await currentPosition(db)
  const held = await storeHeld(database.open(), [judgedEvent()])
  const early = await store({ key: 'early' })
  const bound = await currentPosition(db)
  const [open] = await held.commit()
  const late = await store({ key: 'late' })
  await triageStacks(db, 'ack', [early.stackId])

  const before = await changesSince(db, start, bound, PLENTY)
  assert.deepEqual([before.events, before.stacks, before.position], [[], [], bound], 'early changed since')
  const rest = await changesSince(db, bound, null, PLENTY)
  assert.deepEqual(ids(rest.events).sort(), [open!.id, early.id, late.id].sort())
})

test('with a bound, what did not change since is read up to it', async () => {
  const start = await currentPosition(db)
  const early = await store()
  const bound = await currentPosition(db)
  const late = await store()
  assert.deepEqual(ids((await changesSince(db, start, bound, PLENTY)).events), [early.id])
  assert.deepEqual(ids((await changesSince(db, bound, null, PLENTY)).events), [late.id])
})

test('more than the limit is an overflow that lists nothing and goes on from its end', async () => {
  const start = await currentPosition(db)
  for (let n = 0; n < 4; n++) await store({ key: 'one stack' })
  const exact = await changesSince(db, start, null, 4)
  assert.deepEqual([exact.events.length, exact.stacks.length, exact.overflow], [4, 1, false])
  const over = await changesSince(db, start, null, 3)
  assert.deepEqual([over.events, over.stacks, over.overflow], [[], [], true])
  const after = await store()
  assert.deepEqual(ids((await changesSince(db, over.position, null, 3)).events), [after.id])
})

test('only what this database can have given is a position, and one from its future is ahead', async () => {
  const now = await currentPosition(db)
  assert.ok(isPosition(now))
  assert.ok(isPosition('5:10:5,7'))
  for (const text of ['', '1', '5:10', '10:5:', '5:10:7,6', '5:10:10', "5:10:'", '5:10:5,']) {
    assert.ok(!isPosition(text), text)
  }
  await store()
  const later = await currentPosition(db)
  assert.deepEqual([isAhead(later, now), isAhead(now, later), isAhead(now, now)], [true, false, false])
})

type Step =
  | { kind: 'store'; lane: number }
  | { kind: 'open' | 'commit' | 'abort'; lane: number }
  | { kind: 'read' | 'bound' }
const LANES = 4
const lane = fc.nat(LANES - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('store' as const), lane }),
  fc.record({ kind: fc.constantFrom('open' as const, 'commit' as const, 'abort' as const), lane }),
  fc.record({ kind: fc.constantFrom('read' as const, 'bound' as const) }),
)

/** Keeps what a reader was told, and says when it was told something twice. */
function createReader(start: Position) {
  const told = new Map<string, StoredEvent>()
  const stacks = new Map<string, StoredStack>()
  let position = start

  function take(changes: Changes): void {
    assert.equal(changes.overflow, false)
    for (const event of changes.events) {
      assert.ok(!told.has(event.id), 'an event that did not change was told twice')
      told.set(event.id, event)
    }
    for (const stack of changes.stacks) stacks.set(stack.id, stack)
    position = changes.position
  }

  return {
    told,
    stacks,
    read: async () => take(await changesSince(db, position, null, PLENTY)),
    /** In two halves, as a client that resumes while others go on. */
    readWithBound: async () => {
      const bound = await currentPosition(db)
      take(await changesSince(db, position, bound, PLENTY))
    },
  }
}

test('nothing is missed and nothing told twice, in whatever order transactions open, commit and are read', async () => {
  const lanes = Array.from({ length: LANES }, () => database.open())
  await fc.assert(
    fc
      .asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const reader = createReader(await currentPosition(db))
        const open = new Map<number, { store: HeldStore; event: JudgedEvent }>()
        const committed: string[] = []
        async function end(lane: number, how: 'commit' | 'abort'): Promise<void> {
          const held = open.get(lane)
          if (!held) return
          open.delete(lane)
          await held.store[how]()
          if (how === 'commit') committed.push(held.event.id)
        }
        try {
          for (const one of steps) {
            if (!('lane' in one)) await (one.kind === 'read' ? reader.read() : reader.readWithBound())
            else if (one.kind === 'commit' || one.kind === 'abort') await end(one.lane, one.kind)
            else if (!open.has(one.lane)) {
              const event = judgedEvent({ key: `lane ${one.lane}`, startDate: at(committed.length * MINUTE) })
              if (one.kind === 'open') {
                open.set(one.lane, { store: await storeHeld(lanes[one.lane]!, [event]), event })
              } else committed.push((await storeEvents(lanes[one.lane]!, [event]))[0]!.id)
            }
          }
        } finally {
          for (const lane of open.keys()) await end(lane, 'commit')
        }
        await reader.read()
        assert.deepEqual([...reader.told.keys()].sort(), committed.sort())
        for (const [id, stack] of reader.stacks) assert.deepEqual(stack, await findStack(db, id))
      })
      .beforeEach(clear),
    { numRuns: 40 },
  )
})

test('a reader follows many writers at once without a gap', async () => {
  const writers = Array.from({ length: 6 }, () => database.open())
  const reader = createReader(await currentPosition(db))
  let writing = true
  const reading = (async () => {
    while (writing) await reader.read()
  })()
  const answers = await Promise.all(
    writers.map(async (writer, index) => {
      const own: string[] = []
      for (let n = 0; n < 40; n++) {
        const batch = Array.from({ length: 1 + ((n + index) % 4) }, () => judgedEvent({ key: `k${n % 7}` }))
        own.push(...ids(await storeEvents(writer, batch)))
      }
      return own
    }),
  )
  writing = false
  await reading
  await reader.read()
  assert.deepEqual([...reader.told.keys()].sort(), answers.flat().sort())
  for (const [id, stack] of reader.stacks) assert.deepEqual(stack, await findStack(db, id))
})

test('a listener wakes after each commit of another server, and finds what was committed', async () => {
  const elsewhere = database.open()
  const start = await currentPosition(db)
  let wakes = 0
  const unlisten = await listen(db, CHANGES_CHANNEL, () => wakes++)
  assert.equal(wakes, 1, 'it wakes when it begins to listen')
  for (let n = 2; n < 6; n++) {
    const [answer] = await storeEvents(elsewhere, [judgedEvent()])
    await eventually(() => wakes >= n)
    const changes = await changesSince(db, start, null, PLENTY)
    assert.ok(ids(changes.events).includes(answer!.id))
    if (n === 5) {
      const seen = wakes
      await triageStacks(elsewhere, 'ack', [answer!.stackId])
      await eventually(() => wakes > seen)
    }
  }
  await unlisten()
})

test('a listener whose connection was cut listens again, wakes for what it may have missed, and goes on', async () => {
  const listening = database.open()
  let wakes = 0
  const unlisten = await listen(listening, CHANGES_CHANNEL, () => wakes++)
  for (let round = 0; round < 3; round++) {
    const seen = wakes
    const cut = await db.read`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query ILIKE 'listen%'`
    assert.equal(cut.length, 1)
    await eventually(() => wakes > seen)
    const again = wakes
    await storeEvents(db, [judgedEvent()])
    await eventually(() => wakes > again)
  }
  await unlisten()
})
