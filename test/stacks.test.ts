import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { v7 as uuidv7 } from 'uuid'
import { type JudgedEvent, SEVERITIES } from '../src/event.ts'
import type { Database, Queryable } from '../src/storage/database.ts'
import { findAnswer, forgetAnswers } from '../src/storage/kept-answers.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { findStack } from '../src/storage/timeline.ts'
import { triageEvents } from '../src/storage/triage.ts'
import { updateEvent } from '../src/storage/update-event.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { at, DAY, HOUR, judgedEvent, MINUTE } from './helpers/events.ts'
import { lockWaiters } from './helpers/held.ts'
import { assertInvariants } from './helpers/invariants.ts'
import { eventually } from './helpers/server.ts'
import { StackModel, splitGreedily } from './helpers/stack-model.ts'

/** Pools of servers that share one database. */
const SERVERS = 8

let database: TestDatabase
let servers: Database[]
let db: Database

before(async () => {
  database = await createTestDatabase()
  servers = Array.from({ length: SERVERS }, () => database.open())
  db = servers[0]!
})
after(() => database.drop())

/** Empties the stacks, so that each run of a property is checked on its own. */
async function clear(): Promise<void> {
  await db.write`TRUNCATE stacks, stack_windows, events, event_moves, idempotency`
}

let made = 0
/** A provider that no other run has used. */
const newProvider = () => `com.example.p${++made}`

type Step = {
  key: string | null
  minute: number
  windowMs: number | null
  severity: (typeof SEVERITIES)[number]
  /** Null: no externalID. */
  external: number | null
}

const windowLengths = fc.constantFrom(10 * MINUTE, HOUR, DAY, null)
/** Clusters of some hours, an hour apart or days, so that windows begin, end and meet among them. */
const minutes = fc
  .tuple(fc.constantFrom(0, 60, 90, 24 * 60, 72 * 60), fc.integer({ min: 0, max: 100 }))
  .map(([cluster, minute]) => cluster + minute)
const steps = (external: fc.Arbitrary<number | null>) =>
  fc.array(
    fc.record<Step>({
      key: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('a', 'b') }, fc.constant(null)),
      minute: minutes,
      windowMs: windowLengths,
      severity: fc.constantFrom(...SEVERITIES),
      external,
    }),
    { minLength: 1, maxLength: 40 },
  )
const noExternal = fc.constant(null)
const fewExternals = fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 6 }))

function eventOf(step: Step, provider: string): JudgedEvent {
  return judgedEvent({
    provider,
    key: step.key,
    startDate: at(step.minute * MINUTE),
    windowMs: step.windowMs,
    severity: step.severity,
    label: `${step.severity} ${step.minute}`,
    title: `${step.severity} at ${step.minute}`,
    node: `pve-${step.minute % 3}`,
    externalID: step.external === null ? null : `job ${step.external}`,
  })
}

function inBatches<T>(items: T[], sizes: number[]): T[][] {
  const batches: T[][] = []
  for (let from = 0, turn = 0; from < items.length; turn++) {
    const size = sizes[turn % sizes.length]!
    batches.push(items.slice(from, from + size))
    from += size
  }
  return batches
}

const batchSizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 })

/** What is stored of a provider: the names of the events of each stack. */
async function storedStacks(
  provider: string,
): Promise<{ key: string | null; names: string[]; span: string }[]> {
  const rows = await db.read<
    { key: string | null; names: string[]; opened: Date | null; closes: Date | null }[]
  >`
    SELECT s.key, w.opened_at AS opened, w.closes_at AS closes, array_agg(e.external_id ORDER BY e.external_id) AS names
    FROM stacks s JOIN events e ON e.stack_id = s.id LEFT JOIN stack_windows w ON w.stack_id = s.id
    WHERE s.provider = ${provider} GROUP BY s.id, w.stack_id`
  return rows
    .map(({ key, names, opened, closes }) => ({
      key,
      names,
      span: key === null ? 'alone' : `${opened?.toISOString()} to ${closes?.toISOString() ?? 'no end'}`,
    }))
    .sort((a, b) => (a.names[0]! < b.names[0]! ? -1 : 1))
}

test('stacks are those of the model, in any order of arrival and split into any batches', async () => {
  await fc.assert(
    fc
      .asyncProperty(steps(noExternal), batchSizes, async (all, sizes) => {
        const provider = newProvider()
        const models = new Map<string | null, StackModel>()
        const events = all.map((step, index) => {
          const name = String(index).padStart(3, '0')
          const series = step.key ?? `alone ${index}`
          if (!models.has(series)) models.set(series, new StackModel())
          models.get(series)!.add({ name, at: step.minute }, step.windowMs && step.windowMs / MINUTE)
          return { ...eventOf(step, provider), externalID: name }
        })
        for (const batch of inBatches(events, sizes)) await storeEvents(db, batch)
        assert.deepEqual(await storedStacks(provider), expectedStacks(models))
        await assertInvariants(db)
      })
      .beforeEach(clear),
    { numRuns: 60 },
  )
})

function expectedStacks(models: Map<string | null, StackModel>) {
  return Array.from(models, ([series, model]) =>
    model.stacks.map((stack) => {
      const alone = series?.startsWith('alone')
      const { opensAt, closesAt } = model.interval(stack)
      const instant = (minute: number) => (minute === Infinity ? 'no end' : at(minute * MINUTE).toISOString())
      return {
        key: alone ? null : series,
        names: stack.events.map(({ name }) => name).sort(),
        span: alone ? 'alone' : `${instant(opensAt)} to ${instant(closesAt)}`,
      }
    }),
  )
    .flat()
    .sort((a, b) => (a.names[0]! < b.names[0]! ? -1 : 1))
}

test('updates by externalID leave the stacks that the model says, and the events their ids', async () => {
  await fc.assert(
    fc
      .asyncProperty(steps(fewExternals), async (all) => {
        const provider = newProvider()
        const models = new Map<string | null, StackModel>()
        const seen = new Map<string, { id: string; step: Step }>()
        for (const [index, step] of all.entries()) {
          const name = step.external === null ? `once ${index}` : `job ${step.external}`
          const event = { ...eventOf(step, provider), externalID: name }
          const known = seen.get(name)
          const [answer] = await storeEvents(db, [event])
          assert.equal(answer!.created, !known)
          assert.equal(answer!.id, known?.id ?? event.id)
          seen.set(name, { id: answer!.id, step })
          const stays = known && known.step.key === step.key && known.step.minute === step.minute
          if (stays) continue
          for (const model of models.values()) model.remove(name)
          const series = step.key ?? `alone ${name}`
          if (!models.has(series)) models.set(series, new StackModel())
          models.get(series)!.add({ name, at: step.minute }, step.windowMs && step.windowMs / MINUTE)
        }
        assert.deepEqual(await storedStacks(provider), expectedStacks(models))
        await assertInvariants(db)
      })
      .beforeEach(clear),
    { numRuns: 60 },
  )
})

test('all rules hold whatever several servers write at once, updates that move events included', async () => {
  await fc.assert(
    fc
      .asyncProperty(
        steps(fewExternals),
        batchSizes,
        fc.integer({ min: 2, max: 4 }),
        async (all, sizes, writers) => {
          const provider = newProvider()
          const events = all.map((step) => eventOf(step, provider))
          await Promise.all(
            servers.slice(0, writers).map(async (server, writer) => {
              const own = events.filter((_, index) => index % writers === writer)
              for (const batch of inBatches(own, sizes)) {
                const answers = await storeEvents(server, batch)
                assert.equal(answers.length, batch.length)
              }
            }),
          )
          await assertInvariants(db)
          const names = new Set(events.map((event) => event.externalID ?? event.id))
          const [row] = await db.read`SELECT count(*)::int AS count FROM events WHERE provider = ${provider}`
          assert.equal(row!.count, names.size)
          const kept = await db.read<{ id: string; key: string | null; at: Date }[]>`
        SELECT e.id, s.key, e.start_date AS at FROM events e JOIN stacks s ON s.id = e.stack_id
        WHERE e.provider = ${provider} AND e.external_id IS NULL`
          const stored = new Map(kept.map((event) => [event.id, event]))
          for (const event of events.filter(({ externalID }) => externalID === null)) {
            assert.deepEqual(stored.get(event.id), { id: event.id, key: event.key, at: event.startDate })
          }
        },
      )
      .beforeEach(clear),
    { numRuns: 60 },
  )
})

test('events within less than one window form one stack, whichever servers write them, in whatever order', async () => {
  const within = fc.array(fc.integer({ min: 0, max: DAY - 1 }), { minLength: 2, maxLength: 30 })
  await fc.assert(
    fc
      .asyncProperty(within, batchSizes, async (times, sizes) => {
        const provider = newProvider()
        const events = times.map((ms) =>
          judgedEvent({ provider, key: 'one', windowMs: DAY, startDate: at(ms) }),
        )
        await Promise.all(
          servers.slice(0, 4).map(async (server, writer) => {
            const own = events.filter((_, index) => index % 4 === writer)
            for (const batch of inBatches(own, sizes)) await storeEvents(server, batch)
          }),
        )
        const stacks = await storedStacks(provider)
        assert.equal(stacks.length, 1)
        assert.equal(stacks[0]!.names.length, events.length)
        await assertInvariants(db)
      })
      .beforeEach(clear),
    { numRuns: 30 },
  )
})

test('events that arrive in order are split greedily', async () => {
  const ordered = fc.array(minutes, { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc
      .asyncProperty(ordered, batchSizes, windowLengths, async (all, sizes, windowMs) => {
        const provider = newProvider()
        const inOrder = all.toSorted((a, b) => a - b)
        const events = inOrder.map((minute) =>
          judgedEvent({ provider, key: 'k', windowMs, startDate: at(minute * MINUTE) }),
        )
        for (const batch of inBatches(events, sizes)) await storeEvents(db, batch)
        const rows = await db.read<{ stackId: string; at: Date }[]>`
        SELECT stack_id AS "stackId", start_date AS at FROM events WHERE provider = ${provider} ORDER BY start_date`
        const stored = Map.groupBy(rows, ({ stackId }) => stackId)
        const expected = splitGreedily(inOrder, windowMs && windowMs / MINUTE)
        assert.deepEqual(
          Array.from(stored.values(), (stack) => stack.map((event) => event.at)),
          expected.map((stack) => stack.map((minute) => at(minute * MINUTE))),
        )
      })
      .beforeEach(clear),
    { numRuns: 30 },
  )
})

test('eight writers of one key at the same moment make one stack', async () => {
  for (let round = 0; round < 100; round++) {
    const provider = newProvider()
    const answers = await Promise.all(
      servers.map((server, writer) =>
        storeEvents(server, [judgedEvent({ provider, key: 'same', startDate: at(writer) })]),
      ),
    )
    assert.equal(new Set(answers.map(([answer]) => answer!.stackId)).size, 1)
  }
  await assertInvariants(db)
})

test('eight writers that mix the same keys in different orders do not stand in the way of each other', async () => {
  const keys = Array.from({ length: 30 }, (_, index) => `k${index}`)
  for (let round = 0; round < 10; round++) {
    const provider = newProvider()
    await Promise.all(
      servers.map((server, writer) => {
        const turned = [...keys.slice(writer * 3), ...keys.slice(0, writer * 3)]
        const ordered = writer % 2 ? turned : turned.reverse()
        return storeEvents(
          server,
          ordered.map((key) => judgedEvent({ provider, key })),
        )
      }),
    )
    const [row] = await db.read`SELECT count(*)::int AS count FROM stacks WHERE provider = ${provider}`
    assert.equal(row!.count, keys.length)
  }
  await assertInvariants(db)
})

test('an update whose event was taken away meanwhile is a race, which a second try wins', async () => {
  const update = judgedEvent({ provider: newProvider(), externalID: 'taken away' })
  const updating = db.write.begin((tx) => updateEvent(tx, update))
  await assert.rejects(updating, { code: '40001', message: /is gone/ })
})

test('an update that waits for somebody to take its event away is stored as a new one', async () => {
  const named = { provider: newProvider(), externalID: 'taken away', key: null }
  const [first] = await storeEvents(db, [judgedEvent(named)])
  const taker = await servers[1]!.write.reserve()
  try {
    await taker`BEGIN`
    await taker`DELETE FROM events WHERE id = ${first!.id}`
    const update = judgedEvent({ ...named, title: 'Still there' })
    const updating = storeEvents(db, [update])
    await lockWaiters(db, 1)
    await taker`COMMIT`
    const [second] = await updating
    assert.equal(second!.created, true)
    assert.deepEqual(
      [...(await db.read`SELECT id, title FROM events WHERE provider = ${named.provider}`)],
      [{ id: second!.id, title: 'Still there' }],
    )
  } finally {
    taker.release()
    await db.write`DELETE FROM stacks s WHERE NOT EXISTS (SELECT FROM events e WHERE e.stack_id = s.id)`
  }
})

test('an event that moves leaves its old stack right, and a stack that lost its last event is gone', async () => {
  const provider = newProvider()
  const store = async (minute: number, key: string | null, externalID: string | null) => {
    const event = judgedEvent({ provider, key, externalID, startDate: at(minute * MINUTE) })
    return (await storeEvents(db, [event]))[0]!
  }
  const first = await store(0, 'a', 'moving')
  await store(30, 'a', null)
  const moved = await store(300, 'a', 'moving')
  assert.equal(moved.id, first.id)
  assert.notEqual(moved.stackId, first.stackId)
  const left = await findStack(db, first.stackId)
  assert.deepEqual([left!.count, left!.openedAt, left!.closesAt], [1, at(30 * MINUTE), at(90 * MINUTE)])

  const keyless = await store(300, null, 'moving')
  assert.notEqual(keyless.stackId, moved.stackId, 'the id of a stack is for its key')
  assert.equal(await findStack(db, moved.stackId), null)

  const again = await store(600, 'a', 'moving')
  const later = await store(900, 'a', 'moving')
  assert.equal(later.stackId, again.stackId, 'the id stays while the key does')
  await assertInvariants(db)
})

test('a stack that was cut short by a stack that is gone has its whole window again', async () => {
  const provider = newProvider()
  const store = async (minute: number, key: string, externalID: string | null) => {
    const event = judgedEvent({ provider, key, externalID, startDate: at(minute * MINUTE) })
    return (await storeEvents(db, [event]))[0]!
  }
  await store(50, 'a', 'one')
  await store(70, 'a', 'two')
  const late = await store(0, 'a', null)
  assert.deepEqual((await findStack(db, late.stackId))!.closesAt, at(50 * MINUTE))
  await store(50, 'b', 'one')
  await store(70, 'b', 'two')
  assert.deepEqual((await findStack(db, late.stackId))!.closesAt, at(60 * MINUTE))
  assert.equal((await store(55, 'a', null)).stackId, late.stackId)
  await assertInvariants(db)
})

test('an event alone in its stack may move into the next one and pull it back over its old place', async () => {
  const provider = newProvider()
  const store = async (minute: number, externalID: string | null) => {
    const event = judgedEvent({ provider, key: 'a', externalID, startDate: at(minute * MINUTE) })
    return (await storeEvents(db, [event]))[0]!
  }
  const alone = await store(0, 'moving')
  const next = await store(75, null)
  const moved = await store(50, 'moving')
  assert.equal(moved.stackId, next.stackId)
  assert.equal(await findStack(db, alone.stackId), null)
  assert.deepEqual((await findStack(db, next.stackId))!.openedAt, at(50 * MINUTE))
  await assertInvariants(db)
})

test('an update keeps what people did to the event', async () => {
  const provider = newProvider()
  const event = (minute: number) =>
    judgedEvent({ provider, key: 'a', externalID: 'job', startDate: at(minute * MINUTE) })
  const [stored] = await storeEvents(db, [event(0)])
  await triageEvents(db, 'ack', [stored!.id])
  const before = await findStack(db, stored!.stackId)
  for (const minute of [0, 10, 500]) {
    const [updated] = await storeEvents(db, [event(minute)])
    const stack = await findStack(db, updated!.stackId)
    assert.deepEqual(stack!.ackedAt, before!.ackedAt)
    assert.deepEqual(stack!.latest.ackedAt, before!.latest.ackedAt)
  }
  await assertInvariants(db)
})

test('an update that changes neither time nor key stays in its stack', async () => {
  const provider = newProvider()
  const store = async (minute: number, externalID: string, severity: 'info' | 'critical') => {
    const event = judgedEvent({ provider, key: 'a', externalID, severity, startDate: at(minute * MINUTE) })
    return (await storeEvents(db, [event]))[0]!
  }
  const first = await store(50, 'one', 'info')
  await store(70, 'two', 'info')
  await store(0, 'late', 'info')
  await store(500, 'two', 'info')
  const same = await store(50, 'one', 'critical')
  assert.equal(same.stackId, first.stackId)
  assert.equal((await findStack(db, first.stackId))!.severity, 'critical')
  await assertInvariants(db)
})

test('the same externalID twice in a batch is one event, as the last one says', async () => {
  const provider = newProvider()
  const twice = [0, 300].map((minute) =>
    judgedEvent({ provider, key: `k${minute}`, externalID: 'job', startDate: at(minute * MINUTE) }),
  )
  const [first, second] = await storeEvents(db, twice)
  assert.deepEqual([first!.created, second!.created, second!.id], [true, false, first!.id])
  assert.equal((await findStack(db, second!.stackId))!.key, 'k300')
  assert.equal(await findStack(db, first!.stackId), null)
  await assertInvariants(db)
})

test('the same externalID of two providers is two events', async () => {
  const events = [newProvider(), newProvider()].map((provider) =>
    judgedEvent({ provider, externalID: 'job' }),
  )
  const answers = await storeEvents(db, events)
  assert.deepEqual(
    answers.map(({ created }) => created),
    [true, true],
  )
})

/** Makes a stack with one event and an interval of one hour, taking no locks, as no part of the server does. */
async function writeWithoutLocks(sql: Queryable, provider: string, minute: number): Promise<string> {
  const [stackId, eventId] = [uuidv7(), uuidv7()]
  const from = at(minute * MINUTE)
  await sql`
    INSERT INTO stacks (id, provider, key, title, first_event_at, last_event_at, latest_event_id, event_count,
                        severity, label, severity_at)
    VALUES (${stackId}, ${provider}, 'k', 'rogue', ${from}, ${from}, ${eventId}, 1, 1, 'INFO', ${from})`
  await sql`
    INSERT INTO events (id, stack_id, provider, title, start_date, received_at, event_type, severity, label, color,
                        metadata, payload)
    VALUES (${eventId}, ${stackId}, ${provider}, 'rogue', ${from}, now(), 'alert', 1, 'INFO', '#888888', '{}', '{}')`
  await sql`
    INSERT INTO stack_windows (stack_id, provider, key, opened_at, closes_at, window_ms)
    VALUES (${stackId}, ${provider}, 'k', ${from}, ${at(minute * MINUTE + HOUR)}, ${HOUR})`
  return stackId
}

test('the database refuses an interval that overlaps another, whoever writes it', async () => {
  const provider = newProvider()
  await storeEvents(db, [judgedEvent({ provider, key: 'k', startDate: at(30 * MINUTE) })])
  await assert.rejects(
    db.write.begin((tx) => writeWithoutLocks(tx, provider, 0)),
    { code: '23P01' },
  )
  await assertInvariants(db)
})

/** A transaction that has made a stack without locks and is still open. */
async function openRogue(server: Database, provider: string) {
  const connection = await server.read.reserve()
  await connection`BEGIN`
  const stackId = await writeWithoutLocks(connection, provider, 0)
  const end = async (how: 'COMMIT' | 'ROLLBACK') => {
    await connection.unsafe(how)
    connection.release()
  }
  return { stackId, end }
}

test('an event joins the stack that a writer without locks made at the same moment', async () => {
  for (let round = 0; round < 20; round++) {
    const provider = newProvider()
    const rogue = await openRogue(servers[1]!, provider)
    const stored = storeEvents(db, [judgedEvent({ provider, key: 'k', startDate: at(10 * MINUTE) })])
    await lockWaiters(db, 1)
    await rogue.end('COMMIT')
    assert.equal((await stored)[0]!.stackId, rogue.stackId)
  }
  await assertInvariants(db)
})

test('a writer without locks that gives up keeps nobody from storing', async () => {
  const provider = newProvider()
  const rogue = await openRogue(servers[1]!, provider)
  const stored = storeEvents(db, [judgedEvent({ provider, key: 'k', startDate: at(10 * MINUTE) })])
  await lockWaiters(db, 1)
  await rogue.end('ROLLBACK')
  assert.equal((await findStack(db, (await stored)[0]!.stackId))!.count, 1)
  await assertInvariants(db)
})

const keyed = (tokenId: string, key = 'once') => judgedEvent({ key: 'k', idempotency: { tokenId, key } })

async function countByToken(tokenId: string, ids: string[]): Promise<[answers: number, events: number]> {
  const [row] = await db.read<{ answers: number; events: number }[]>`
    SELECT (SELECT count(*)::int FROM idempotency WHERE token_id = ${tokenId}) AS answers,
           (SELECT count(*)::int FROM events WHERE id IN ${db.read(ids)}) AS events`
  return [row!.answers, row!.events]
}

test('an Idempotency-Key gives the first answer again: in one batch, in a later one, on another server', async () => {
  const tokenId = uuidv7()
  const [first, twin, later, elsewhere] = [0, 1, 2, 3].map(() => keyed(tokenId))
  const together = await storeEvents(db, [first!, judgedEvent(), twin!])
  const again = await storeEvents(db, [later!])
  const there = await storeEvents(servers[1]!, [elsewhere!])
  for (const answer of [together[2], again[0], there[0], await findAnswer(db, tokenId, 'once')]) {
    assert.deepEqual(answer, together[0])
  }
  assert.notEqual(together[1]!.id, first!.id)
  assert.deepEqual(await countByToken(tokenId, [first!.id, twin!.id, later!.id, elsewhere!.id]), [1, 1])
})

test('an Idempotency-Key stores one event, however many servers get it at once', async () => {
  for (let round = 0; round < 30; round++) {
    const tokenId = uuidv7()
    const events = servers.map(() => keyed(tokenId))
    const answers = await Promise.all(servers.map((server, index) => storeEvents(server, [events[index]!])))
    assert.equal(new Set(answers.map(([answer]) => answer!.id)).size, 1)
    assert.deepEqual(
      await countByToken(
        tokenId,
        events.map(({ id }) => id),
      ),
      [1, 1],
    )
  }
})

test('an Idempotency-Key is of one token', async () => {
  const events = [keyed(uuidv7()), keyed(uuidv7())]
  const answers = await storeEvents(db, events)
  assert.deepEqual(
    answers.map(({ id }) => id),
    events.map(({ id }) => id),
  )
})

test('an Idempotency-Key older than 24 hours is forgotten, also before it is cleared away', async () => {
  const tokenId = uuidv7()
  const age = (hours: number, minutes: number) => db.write`
    UPDATE idempotency SET created_at = now() - make_interval(hours => ${hours}::int, mins => ${minutes}::int)
    WHERE token_id = ${tokenId}`
  const [first] = await storeEvents(db, [keyed(tokenId)])
  await age(23, 59)
  await forgetAnswers(db)
  assert.equal((await storeEvents(db, [keyed(tokenId)]))[0]!.id, first!.id)
  await age(24, 1)
  assert.equal(await findAnswer(db, tokenId, 'once'), null)
  const [second] = await storeEvents(db, [keyed(tokenId)])
  assert.notEqual(second!.id, first!.id)
  assert.deepEqual(await findAnswer(db, tokenId, 'once'), second)
  await age(24, 1)
  await forgetAnswers(db)
  assert.deepEqual(await countByToken(tokenId, [first!.id, second!.id]), [0, 2])
})

test('an event that joins a stack in its last second adds to no index of the stacks', async (t) => {
  const own = await createTestDatabase()
  t.after(own.drop)
  const writer = own.open()
  const startDate = at(0)
  for (let n = 0; n < 6; n++) await storeEvents(writer, [judgedEvent({ key: 'k', startDate })])
  // A session tells its statistics when it ends.
  await writer.close()
  const { read } = own.open()
  const told = async () => {
    const [row] = await read`
      SELECT n_tup_ins::int AS made, n_tup_upd::int AS grown, n_tup_hot_upd::int AS "withoutEntries"
      FROM pg_stat_user_tables WHERE relname = 'stacks'`
    return row?.made > 0 ? row : null
  }
  assert.deepEqual(await eventually(told), { made: 1, grown: 5, withoutEntries: 5 })
})

test('of a batch with one bad row nothing is stored', async () => {
  const provider = newProvider()
  const tokenId = uuidv7()
  const good = judgedEvent({ provider, key: 'k', idempotency: { tokenId, key: 'once' } })
  const bad = judgedEvent({ provider, key: 'k', title: 'a \0 that PostgreSQL refuses' })
  await assert.rejects(storeEvents(db, [good, bad, judgedEvent({ provider })]), { code: /^22/ })
  assert.deepEqual(await storedStacks(provider), [])
  assert.equal(await findAnswer(db, tokenId, 'once'), null)
  assert.equal((await storeEvents(db, [good]))[0]!.id, good.id)
  await assertInvariants(db)
})
