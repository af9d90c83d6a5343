import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { type JudgedEvent, SEVERITIES } from '../src/event.ts'
import { type Cursor, decodeCursor, encodeCursor } from '../src/storage/cursor.ts'
import type { Database } from '../src/storage/database.ts'
import type { Filter } from '../src/storage/filters.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { findStack, listEvents, listStacks, type Page } from '../src/storage/timeline.ts'
import { triageEvents, triageStacks, VERBS } from '../src/storage/triage.ts'
import { forgetMoves } from '../src/storage/update-event.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { at, HOUR, judgedEvent, MINUTE } from './helpers/events.ts'
import { type HeldStore, storeHeld } from './helpers/held.ts'
import { assertInvariants } from './helpers/invariants.ts'

let database: TestDatabase
let db: Database
/** Another server, whose transactions stay open. */
let other: Database

before(async () => {
  database = await createTestDatabase()
  db = database.open()
  other = database.open()
})
after(() => database.drop())

async function clear(): Promise<void> {
  await db.write`TRUNCATE stacks, stack_windows, events, event_moves, idempotency`
}
beforeEach(clear)

type List = (limit: number, cursor: Cursor | null) => Promise<Page<{ id: string }>>

const stacksBy =
  (filter: Filter): List =>
  (limit, cursor) =>
    listStacks(db, filter, limit, cursor)
const eventsBy =
  (filter: Filter & { stackId?: string }): List =>
  (limit, cursor) =>
    listEvents(db, filter, limit, cursor)

const EVERYTHING: Filter = { state: 'all' }

/** Reads a list to its end; `between` runs after each page but the last. Returns all ids in their order. */
async function readAll(
  list: List,
  limit: number,
  between: (page: number) => Promise<void> = async () => {},
): Promise<string[]> {
  const ids: string[] = []
  let cursor: Cursor | null = null
  for (let page = 1; ; page++) {
    const { items, nextCursor }: Page<{ id: string }> = await list(limit, cursor)
    ids.push(...items.map(({ id }) => id))
    if (nextCursor === null) return ids
    assert.equal(items.length, limit)
    cursor = decodeCursor(nextCursor)
    await between(page)
  }
}

/** Stores one event `minute` minutes after the start, in a stack of its key. */
async function store(minute: number, key: string, given: Partial<JudgedEvent> = {}) {
  const [answer] = await storeEvents(db, [judgedEvent({ key, startDate: at(minute * MINUTE), ...given })])
  return answer!
}

/** Stacks `k0` (oldest) to `k9` (newest), an hour apart; returns their ids, newest first. */
async function tenStacks(): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < 10; n++) ids.unshift((await store(n * 60, `k${n}`)).stackId)
  return ids
}

test('a stack that was seen and is lifted does not come again, one not yet seen still comes', async () => {
  const ids = await tenStacks()
  const read = await readAll(stacksBy(EVERYTHING), 3, async (page) => {
    if (page === 1) {
      await store(601, 'k8')
      await store(602, 'k2')
      await store(603, 'k0')
    }
  })
  assert.deepEqual(read, ids)
})

test('stacks and late events that arrive between pages change neither order nor content of the list', async () => {
  const ids = await tenStacks()
  const read = await readAll(stacksBy(EVERYTHING), 2, async (page) => {
    await store(1_000 + page, `newer ${page}`)
    await store(page, `older ${page}`)
    await store(60 * page - 30, `k${page}`)
  })
  assert.deepEqual(read, ids)
})

test('a list of stacks that are all of one instant is read without loss', async () => {
  const events = Array.from({ length: 25 }, () => judgedEvent({ startDate: at(0) }))
  const answers = await storeEvents(db, events)
  const expected = answers.map(({ stackId }) => stackId).sort()
  assert.deepEqual((await readAll(stacksBy(EVERYTHING), 4)).reverse(), expected)
})

test('transactions open since before the first page change nothing for its list, whenever they commit', async () => {
  const ids = await tenStacks()
  const held = await storeHeld(other, [
    judgedEvent({ key: 'k0', startDate: at(30 * MINUTE) }),
    judgedEvent({ key: 'k9', startDate: at(570 * MINUTE) }),
    judgedEvent({ key: 'between', startDate: at(250 * MINUTE) }),
  ])
  const read = await readAll(stacksBy(EVERYTHING), 3, async (page) => {
    if (page === 2) await held.commit()
  })
  assert.deepEqual(read, ids)
  assert.deepEqual((await readAll(stacksBy(EVERYTHING), 100)).length, 11)
})

test('a stack whose only event moves by an update keeps its place in a list that is being read', async () => {
  const ids = await tenStacks()
  const seen = await store(530, 'up', { externalID: 'up' })
  const unseen = await store(15, 'down', { externalID: 'down' })
  const expected = ids.toSpliced(9, 0, unseen.stackId).toSpliced(1, 0, seen.stackId)
  const read = await readAll(stacksBy(EVERYTHING), 3, async (page) => {
    if (page !== 1) return
    const down = await store(45, 'up', { externalID: 'up' })
    const up = await store(900, 'down', { externalID: 'down' })
    assert.deepEqual([down.stackId, up.stackId], [seen.stackId, unseen.stackId])
  })
  assert.deepEqual(read, expected)
})

test('an event that moves between two stacks leaves both in their places', async () => {
  const ids = await tenStacks()
  await store(30, 'k0', { externalID: 'moving' })
  const read = await readAll(stacksBy(EVERYTHING), 3, async (page) => {
    if (page === 1) await store(570, 'k9', { externalID: 'moving' })
    if (page === 2) await store(270, 'k4', { externalID: 'moving' })
    if (page === 3) await store(31, 'k0', { externalID: 'moving' })
  })
  assert.deepEqual(read, ids)
})

test('a stack that is gone is left out, also when the cursor stands on it', async () => {
  const ids = await tenStacks()
  const gone = await store(450, 'gone', { externalID: 'moving' })
  const expected = ids.toSpliced(2, 0, gone.stackId)
  const read = await readAll(stacksBy(EVERYTHING), 3, async (page) => {
    if (page === 1) await store(0, 'k0', { externalID: 'moving' })
  })
  assert.deepEqual(read, expected)
  assert.equal(await findStack(db, gone.stackId), null)
})

test('events that move by updates come once, in the place they had at first', async () => {
  const answers = []
  for (let n = 0; n < 12; n++) answers.unshift(await store(n * 60, `k${n}`, { externalID: `job ${n}` }))
  const ids = answers.map(({ id }) => id)
  const read = await readAll(eventsBy(EVERYTHING), 4, async (page) => {
    await store(page * 10, 'k0', { externalID: `job ${12 - page}` })
    await store(1_000 + page, 'k9', { externalID: `job ${page}` })
    await store(1_000 + page, 'k9')
  })
  assert.deepEqual(read, ids)
})

test('an event that moves several times, twice in one transaction too, still stands where it was at first', async () => {
  const ids = await tenStacks()
  const moving = await store(530, 'moving', { externalID: 'moving' })
  const expected = ids.toSpliced(1, 0, moving.stackId)
  const move = (minute: number) =>
    judgedEvent({ key: 'moving', externalID: 'moving', startDate: at(minute * MINUTE) })
  const read = await readAll(stacksBy(EVERYTHING), 3, async () => {
    await storeEvents(db, [move(100), move(200)])
    await storeEvents(db, [move(10), move(900), move(44)])
  })
  assert.deepEqual(read, expected)
  const [row] = await db.read`SELECT count(*)::int AS count FROM event_moves`
  assert.ok(row!.count > 0)
})

test('old places are forgotten after a day', async () => {
  await store(0, 'k', { externalID: 'moving' })
  await store(100, 'k', { externalID: 'moving' })
  const count = async () => (await db.read`SELECT count(*)::int AS count FROM event_moves`)[0]!.count
  await forgetMoves(db)
  assert.equal(await count(), 1)
  await db.write`UPDATE event_moves SET moved_at = now() - interval '25 hours'`
  await forgetMoves(db)
  assert.equal(await count(), 0)
})

test('dismissing what was seen keeps the rest of an active list complete', async () => {
  const ids = await tenStacks()
  const seen: string[] = []
  const list: List = async (limit, cursor) => {
    const page = await listStacks(db, { state: 'active' }, limit, cursor)
    seen.push(...page.items.map(({ id }) => id))
    return page
  }
  const read = await readAll(list, 3, async () => {
    await triageStacks(db, 'dismiss', seen)
  })
  assert.deepEqual(read, ids)
})

const minutes = fc
  .tuple(fc.constantFrom(0, 60, 600), fc.integer({ min: 0, max: 90 }))
  .map(([cluster, minute]) => cluster + minute)
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f']

type Step = { key: string; minute: number; external: number | null; severity: number }
const step = fc.record<Step>({
  key: fc.constantFrom(...KEYS),
  minute: minutes,
  external: fc.option(fc.integer({ min: 1, max: 8 }), { freq: 2 }),
  severity: fc.integer({ min: 0, max: 4 }),
})

type Change =
  | { kind: 'store'; step: Step }
  | { kind: 'hold'; step: Step }
  | { kind: 'release'; how: 'commit' | 'abort' }
  | { kind: 'triage'; verb: (typeof VERBS)[number]; pick: number; what: 'stack' | 'event' }
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('store' as const), step }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), step }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      how: fc.constantFrom('commit' as const, 'commit' as const, 'abort' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('triage' as const),
      verb: fc.constantFrom(...VERBS),
      pick: fc.nat(),
      what: fc.constantFrom('stack' as const, 'event' as const),
    }),
  },
)

const SESSION_ROLES = ['opens', 'continues', 'closes'] as const

function eventOf({ key, minute, external, severity }: Step): JudgedEvent {
  return judgedEvent({
    key,
    externalID: external === null ? null : `job ${external}`,
    startDate: at(minute * MINUTE),
    windowMs: HOUR,
    severity: SEVERITIES[severity]!,
    node: `pve-${minute % 2}`,
    provider: key < 'e' ? 'com.example' : 'com.example.below',
    // Sessions move many events at once, when a late one splits or merges them.
    role: key === 'f' ? SESSION_ROLES[severity % 3]! : 'repeats',
  })
}

/** Makes changes, of which one transaction at a time stays open. While it is, others change what it does not hold. */
function createChanger() {
  const keyOf = new Map<string, string>()
  let held: { keys: string[]; store: HeldStore } | null = null

  async function release(how: 'commit' | 'abort'): Promise<void> {
    const store = held?.store
    held = null
    await store?.[how]()
  }

  /** Keys of the series that an event changes: the one it comes to, and the one it was in before. */
  function keysOf({ provider, externalID, key }: JudgedEvent): string[] {
    const name = `${provider} ${externalID}`
    const before = externalID === null ? undefined : keyOf.get(name)
    if (externalID !== null) keyOf.set(name, key!)
    return before === undefined ? [key!] : [key!, before]
  }

  async function make(change: Change): Promise<void> {
    if (change.kind === 'release') return release(change.how)
    if (change.kind === 'triage') {
      await release('commit')
      return triage(change)
    }
    const event = eventOf(change.step)
    const keys = keysOf(event)
    const wouldWait = keys.some((key) => held?.keys.includes(key))
    if (change.kind === 'hold' || wouldWait || event.externalID !== null) await release('commit')
    if (change.kind === 'hold') held = { keys, store: await storeHeld(other, [event]) }
    else await storeEvents(db, [event])
  }

  return { make, release }
}

async function triage({ verb, pick, what }: Extract<Change, { kind: 'triage' }>): Promise<void> {
  const ids = (what === 'stack' ? await stackIds() : await eventIds()).sort()
  const picked = ids[pick % ids.length]!
  await (what === 'stack' ? triageStacks(db, verb, [picked]) : triageEvents(db, verb, [picked]))
}

const idsOf = async (query: string) => (await db.read.unsafe<{ id: string }[]>(query)).map(({ id }) => id)
const stackIds = () => idsOf('SELECT id FROM stacks ORDER BY last_event_at DESC, id DESC')
const eventIds = () => idsOf('SELECT id FROM events ORDER BY start_date DESC, id DESC')

type Scenario = { first: Step[]; opening: Change[]; changes: Change[]; perPage: number; limit: number }
const scenario = fc.record<Scenario>({
  first: fc.array(step, { minLength: 3, maxLength: 30 }),
  opening: fc.array(change, { maxLength: 3 }),
  changes: fc.array(change, { maxLength: 40 }),
  perPage: fc.integer({ min: 1, max: 5 }),
  limit: fc.integer({ min: 1, max: 5 }),
})

/** Plays a scenario while a list is read; `look` is called whenever a page is about to be read. */
async function play(
  { first, opening, changes, perPage, limit }: Scenario,
  list: List,
  look: () => Promise<void>,
): Promise<string[]> {
  const changer = createChanger()
  try {
    for (const one of first) await changer.make({ kind: 'store', step: one })
    for (const one of opening) await changer.make(one)
    await look()
    const read = await readAll(list, limit, async (page) => {
      for (const one of changes.slice((page - 1) * perPage, page * perPage)) await changer.make(one)
      await look()
    })
    await changer.release('commit')
    await assertInvariants(db)
    return read
  } finally {
    await changer.release('abort')
  }
}

test('whatever happens between pages, the list of stacks is that of the first page without those gone', async () => {
  await fc.assert(
    fc
      .asyncProperty(scenario, async (all) => {
        let before: string[] | null = null
        const read = await play(all, stacksBy(EVERYTHING), async () => {
          before ??= await stackIds()
        })
        const left = new Set(await stackIds())
        const missing = before!.filter((id) => !read.includes(id))
        assert.deepEqual(
          missing.filter((id) => left.has(id)),
          [],
        )
        assert.deepEqual(
          read,
          before!.filter((id) => !missing.includes(id)),
        )
      })
      .beforeEach(clear),
    { numRuns: 60 },
  )
})

test('whatever happens between pages, the list of events is exactly that of the first page', async () => {
  await fc.assert(
    fc
      .asyncProperty(scenario, async (all) => {
        let before: string[] | null = null
        const read = await play(all, eventsBy(EVERYTHING), async () => {
          before ??= await eventIds()
        })
        assert.deepEqual(read, before)
      })
      .beforeEach(clear),
    { numRuns: 60 },
  )
})

const filters = fc.constantFrom<Filter>(
  { state: 'active' },
  { state: 'acked' },
  { state: 'dismissed' },
  { state: 'all', severity: 'warning' },
  { state: 'all', node: 'pve-1' },
  { state: 'all', provider: 'com.example.below' },
  { state: 'active', from: at(60 * MINUTE), to: at(650 * MINUTE) },
)

for (const [what, listBy] of [
  ['stacks', stacksBy],
  ['events', eventsBy],
] as const) {
  test(`with a filter, ${what} that pass it all the time come exactly once, the others once at the most`, async () => {
    await fc.assert(
      fc
        .asyncProperty(scenario, filters, async (all, filter) => {
          let passing: Set<string> | null = null
          const read = await play(all, listBy(filter), async () => {
            const { items } = await listBy(filter)(10_000, null)
            const now = new Set(items.map(({ id }) => id))
            passing = passing?.intersection(now) ?? now
          })
          const seen = new Set(read)
          assert.equal(seen.size, read.length, 'none twice')
          assert.deepEqual([...passing!.difference(seen)], [], 'none missed')
        })
        .beforeEach(clear),
      { numRuns: 50 },
    )
  })
}

test('the events of one stack that stay in it come exactly once', async () => {
  await fc.assert(
    fc
      .asyncProperty(scenario, fc.nat(), async (all, pick) => {
        let stackId: string | null = null
        let staying: Set<string> | null = null
        const list: List = (limit, cursor) =>
          listEvents(db, { ...EVERYTHING, stackId: stackId! }, limit, cursor)
        const read = await play(all, list, async () => {
          const stacks = await stackIds()
          stackId ??= stacks[pick % stacks.length]!
          const { items } = await list(10_000, null)
          const now = new Set(items.map(({ id }) => id))
          staying = staying?.intersection(now) ?? now
        })
        const seen = new Set(read)
        assert.equal(seen.size, read.length, 'none twice')
        assert.deepEqual([...staying!.difference(seen)], [], 'none missed')
      })
      .beforeEach(clear),
    { numRuns: 30 },
  )
})

test('a cursor comes back as it was, and any other text is refused', () => {
  const cursor: Cursor = {
    at: at(0),
    id: '019ddc5e-7c00-7000-8000-000000000000',
    snapshot: '1000:1010:1003,1007',
  }
  assert.deepEqual(decodeCursor(encodeCursor(cursor)), cursor)
  const forged: unknown[] = [
    null,
    'text',
    [],
    [cursor.at.getTime(), cursor.id],
    [Number.MAX_SAFE_INTEGER, cursor.id, cursor.snapshot],
    [-8.64e15, cursor.id, cursor.snapshot],
    [1.5, cursor.id, cursor.snapshot],
    [0, 'no-uuid', cursor.snapshot],
    [0, cursor.id, '10:5:'],
    [0, cursor.id, '5:10:7,6'],
    [0, cursor.id, '5:10:10'],
    [0, cursor.id, '0:0:'],
    [0, cursor.id, '10:4294967296:'],
    [0, cursor.id, 7],
  ]
  for (const value of forged) {
    const text = Buffer.from(JSON.stringify(value)).toString('base64url')
    assert.throws(() => decodeCursor(text), { status: 422 }, JSON.stringify(value))
  }
  for (const text of ['', '%', 'bm90IGpzb24', encodeCursor(cursor).slice(0, -3)]) {
    assert.throws(() => decodeCursor(text), { status: 422 })
  }
})

test('PostgreSQL reads every snapshot that a cursor may carry', async () => {
  const id = fc.bigInt({ min: 3n, max: 2n ** 32n - 1n })
  const snapshots = fc.tuple(id, fc.uniqueArray(id, { maxLength: 5 }), id).map(([xmin, more, span]) => {
    const underWay = more.map((n) => xmin + n).sort((a, b) => (a < b ? -1 : 1))
    return `${xmin}:${((underWay.at(-1) ?? xmin) + span) | 1n}:${underWay}`
  })
  await fc.assert(
    fc.asyncProperty(snapshots, async (snapshot) => {
      const cursor = decodeCursor(
        encodeCursor({ at: at(0), id: '019ddc5e-7c00-7000-8000-000000000000', snapshot }),
      )
      const [row] = await db.read`SELECT ${cursor.snapshot}::pg_snapshot::text AS text`
      assert.equal(row!.text, snapshot)
    }),
  )
})
