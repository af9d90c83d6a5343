import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import type { JudgedEvent } from '../src/event.ts'
import type { Database } from '../src/storage/database.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { findEvent, findStack } from '../src/storage/timeline.ts'
import { idsOf, triageEvents, triageStacks, VERBS, type Verb } from '../src/storage/triage.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { at, judgedEvent, MINUTE } from './helpers/events.ts'
import { lockWaiters, storeHeld } from './helpers/held.ts'
import { assertInvariants } from './helpers/invariants.ts'

let database: TestDatabase
/** The server of the people, and that of the senders. */
let db: Database
let sender: Database

before(async () => {
  database = await createTestDatabase()
  db = database.open()
  sender = database.open()
})
after(() => database.drop())
beforeEach(async () => {
  await db.write`TRUNCATE stacks, stack_windows, events, event_moves, idempotency`
})

async function store(given: Partial<JudgedEvent> = {}) {
  const [answer] = await storeEvents(sender, [judgedEvent({ key: 'k', ...given })])
  return answer!
}

async function stateOf(what: 'stack' | 'event', id: string): Promise<string> {
  const found = what === 'stack' ? await findStack(db, id) : await findEvent(db, id)
  const states = [found!.ackedAt && 'acked', found!.dismissedAt && 'dismissed'].filter(Boolean)
  return states.join(' and ') || 'open'
}

test('what is done to a stack is done to all of its events, and can be undone', async () => {
  const first = await store()
  const second = await store()
  const steps: [Verb, string][] = [
    ['ack', 'acked'],
    ['dismiss', 'acked and dismissed'],
    ['unack', 'dismissed'],
    ['restore', 'open'],
  ]
  for (const [verb, state] of steps) {
    assert.deepEqual(await triageStacks(db, verb, [first.stackId]), [first.stackId])
    assert.equal(await stateOf('stack', first.stackId), state)
    assert.equal(await stateOf('event', first.id), state)
    assert.equal(await stateOf('event', second.id), state)
    await assertInvariants(db)
  }
})

test('a stack is acknowledged or dismissed when all of its events are', async () => {
  const { id: first, stackId } = await store()
  const { id: second } = await store()
  for (const [verb, undo, state] of [
    ['ack', 'unack', 'acked'],
    ['dismiss', 'restore', 'dismissed'],
  ] as const) {
    await triageEvents(db, verb, [first])
    assert.equal(await stateOf('stack', stackId), 'open')
    await triageEvents(db, verb, [second])
    assert.equal(await stateOf('stack', stackId), state)
    await triageEvents(db, undo, [first])
    assert.equal(await stateOf('stack', stackId), 'open')
    assert.equal(await stateOf('event', second), state)
    await triageEvents(db, undo, [second])
    await assertInvariants(db)
  }
})

test('the time of the first acknowledgement stays', async () => {
  const { id, stackId } = await store()
  await triageEvents(db, 'ack', [id])
  const { ackedAt } = (await findStack(db, stackId))!
  await triageStacks(db, 'ack', [stackId])
  await triageStacks(db, 'dismiss', [stackId])
  assert.deepEqual((await findStack(db, stackId))!.ackedAt, ackedAt)
  assert.deepEqual((await findEvent(db, id))!.ackedAt, ackedAt)
})

test('ids that do not exist are left out of the answer, and ids named twice count once', async () => {
  const { id, stackId } = await store()
  const unknown = '019ddc5e-7c00-7000-8000-000000000000'
  assert.deepEqual(await triageStacks(db, 'ack', [unknown, stackId, stackId]), [stackId])
  assert.deepEqual(await triageEvents(db, 'ack', [unknown, id, id]), [id])
  assert.deepEqual(await triageStacks(db, 'ack', [unknown]), [])
  assert.deepEqual(await triageEvents(db, 'ack', []), [])
})

test('a new event opens its stack again and leaves the states of the other events alone', async () => {
  const first = await store()
  await triageStacks(db, 'ack', [first.stackId])
  await triageStacks(db, 'dismiss', [first.stackId])
  const second = await store({ startDate: at(-MINUTE) })
  assert.equal(second.stackId, first.stackId)
  assert.equal(await stateOf('stack', first.stackId), 'open')
  assert.equal(await stateOf('event', first.id), 'acked and dismissed')
  assert.equal(await stateOf('event', second.id), 'open')
  await assertInvariants(db)
})

test('dismissing waits for an event that is being stored, and takes it in', async () => {
  const first = await store()
  const arriving = judgedEvent({ key: 'k' })
  const held = await storeHeld(sender, [arriving])
  const dismissed = triageStacks(db, 'dismiss', [first.stackId])
  await lockWaiters(db, 2)
  await held.commit()
  await dismissed
  assert.equal(await stateOf('stack', first.stackId), 'dismissed')
  assert.equal(await stateOf('event', arriving.id), 'dismissed')
  await assertInvariants(db)
})

test('dismissing known events never hides one that is being stored', async () => {
  const first = await store()
  const arriving = judgedEvent({ key: 'k' })
  const held = await storeHeld(sender, [arriving])
  const dismissed = triageEvents(db, 'dismiss', [first.id])
  await lockWaiters(db, 2)
  await held.commit()
  await dismissed
  assert.equal(await stateOf('stack', first.stackId), 'open')
  assert.equal(await stateOf('event', arriving.id), 'open')
  await assertInvariants(db)
})

test('a dismiss hides no event that arrives at the same moment, unless it dismissed that one too', async () => {
  for (let round = 0; round < 60; round++) {
    const key = `round ${round}`
    const first = await store({ key })
    const late = judgedEvent({ key })
    await Promise.all([storeEvents(sender, [late]), triageStacks(db, 'dismiss', [first.stackId])])
    const stack = await stateOf('stack', first.stackId)
    assert.equal(stack, await stateOf('event', late.id))
    assert.equal(await stateOf('event', first.id), 'dismissed')
  }
  await assertInvariants(db)
})

test('an event acknowledged while an update moves it is acknowledged where it comes to', async () => {
  const moving = await store({ key: 'from', externalID: 'moving' })
  const target = await store({ key: 'to' })
  await triageStacks(db, 'ack', [target.stackId])
  const held = await storeHeld(sender, [judgedEvent({ key: 'to', externalID: 'moving' })])
  const acked = triageEvents(db, 'ack', [moving.id])
  await lockWaiters(db, 2)
  await held.commit()
  assert.deepEqual(await acked, [moving.id])
  assert.equal(await findStack(db, moving.stackId), null)
  assert.equal(await stateOf('stack', target.stackId), 'acked')
  await assertInvariants(db)
})

test('a stack acknowledged while an update takes one of its events away stays acknowledged', async () => {
  const { id, stackId } = await store({ externalID: 'moving' })
  await store()
  const holder = await db.read.reserve()
  await holder`BEGIN`
  await holder`SELECT id FROM stacks WHERE id = ${stackId} FOR UPDATE`
  const acked = triageStacks(db, 'ack', [stackId])
  await lockWaiters(db, 1)
  const updated = storeEvents(sender, [judgedEvent({ key: 'to', externalID: 'moving' })])
  await lockWaiters(db, 2)
  await holder`COMMIT`
  holder.release()
  await Promise.all([acked, updated])
  assert.equal(await stateOf('event', id), 'acked')
  assert.equal(await stateOf('stack', stackId), 'acked')
  await assertInvariants(db)
})

type Action =
  | { kind: 'store'; key: string; minute: number; external: number | null }
  | { kind: 'stacks' | 'events'; verb: Verb; picks: number[] }
const action = fc.oneof(
  fc.record({
    kind: fc.constant('store' as const),
    key: fc.constantFrom('a', 'b', 'c'),
    minute: fc.integer({ min: 0, max: 150 }),
    external: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 1 }),
  }),
  fc.record({
    kind: fc.constantFrom('stacks' as const, 'events' as const),
    verb: fc.constantFrom(...VERBS),
    picks: fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
  }),
)

async function act(action: Action, db: Database): Promise<void> {
  if (action.kind === 'store') {
    const externalID = action.external === null ? null : `job ${action.external}`
    const event = judgedEvent({ key: action.key, externalID, startDate: at(action.minute * MINUTE) })
    await storeEvents(db, [event, judgedEvent({ key: 'd', startDate: event.startDate })])
    return
  }
  const known = await idsOf(db, action.kind, { state: 'all' })
  const picked = action.picks.map((pick) => known[pick % known.length]!)
  await (action.kind === 'stacks' ? triageStacks : triageEvents)(db, action.verb, picked)
}

test('states agree with the events, whatever people and senders do at the same moment', async () => {
  const lanes = fc.array(fc.array(action, { maxLength: 12 }), { minLength: 2, maxLength: 4 })
  await fc.assert(
    fc
      .asyncProperty(lanes, async (all) => {
        await act({ kind: 'store', key: 'a', minute: 0, external: null }, db)
        await Promise.all(
          all.map(async (lane, index) => {
            for (const one of lane) await act(one, index % 2 ? sender : db)
          }),
        )
        await assertInvariants(db)
      })
      .beforeEach(async () => {
        await db.write`TRUNCATE stacks, stack_windows, events, event_moves, idempotency`
      }),
    { numRuns: 60 },
  )
})

test('people and senders that take many stacks at once in different orders all succeed', async () => {
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`)
  const stored = await storeEvents(
    sender,
    keys.map((key) => judgedEvent({ key })),
  )
  const ids = stored.map(({ stackId }) => stackId)
  for (let round = 0; round < 15; round++) {
    const order = round % 2 ? keys : keys.toReversed()
    await Promise.all([
      triageStacks(db, 'dismiss', ids),
      storeEvents(
        sender,
        order.map((key) => judgedEvent({ key })),
      ),
      triageStacks(sender, 'ack', ids.toReversed()),
    ])
  }
  await assertInvariants(db)
})

test('what a filter names is changed in chunks, and what arrives later is not touched', async () => {
  const events = Array.from({ length: 1_200 }, (_, index) =>
    judgedEvent({ key: `k${index}`, severity: index % 4 ? 'info' : 'error' }),
  )
  for (let from = 0; from < events.length; from += 200)
    await storeEvents(sender, events.slice(from, from + 200))
  const named = await idsOf(db, 'stacks', { state: 'active', severity: 'error' })
  assert.equal(named.length, 300)
  const all = await idsOf(db, 'stacks', { state: 'all' })
  const later = await store({ key: 'later', severity: 'error' })

  assert.deepEqual((await triageStacks(db, 'dismiss', named)).sort(), named)
  assert.deepEqual(await idsOf(db, 'stacks', { state: 'dismissed' }), named)
  assert.deepEqual((await triageStacks(db, 'ack', all)).sort(), all)
  assert.equal(await stateOf('stack', later.stackId), 'open')
  const [row] =
    await db.read`SELECT count(DISTINCT changed_tx)::int AS count FROM stacks WHERE acked_at IS NOT NULL`
  assert.equal(row!.count, 3)

  const eventIds = await idsOf(db, 'events', { state: 'dismissed' })
  assert.equal(eventIds.length, 300)
  await triageEvents(db, 'restore', eventIds)
  assert.deepEqual(await idsOf(db, 'stacks', { state: 'dismissed' }), [])
  await assertInvariants(db)
})
