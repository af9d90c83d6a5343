import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { v7 as uuidv7 } from 'uuid'
import type { JudgedEvent } from '../src/event.ts'
import type { Database, Tx } from '../src/storage/database.ts'
import { Series } from '../src/storage/placement.ts'
import { lockNames } from '../src/storage/series.ts'
import { storeAhead } from '../src/storage/store-ahead.ts'
import { CHANGES_CHANNEL, storeEvents } from '../src/storage/store-events.ts'
import { writeBeside, writeNew } from '../src/storage/write-events.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { at, DAY, HOUR, judgedEvent, MINUTE } from './helpers/events.ts'
import { assertInvariants } from './helpers/invariants.ts'

let database: TestDatabase
/** Two servers; each remembers what it wrote itself. */
let one: Database
let other: Database

before(async () => {
  database = await createTestDatabase()
  one = database.open()
  other = database.open()
})
after(() => database.drop())

const ahead = (db: Database, ...batch: JudgedEvent[]) => storeAhead(db, batch, CHANGES_CHANNEL)
const event = (key: string | null, minute: number, given: Partial<JudgedEvent> = {}) =>
  judgedEvent({ key, startDate: at(minute * MINUTE), ...given })

/** Stores as a server does, and checks that the rules of stacks hold; gives the stacks. */
async function store(db: Database, ...batch: JudgedEvent[]): Promise<string[]> {
  const answers = await storeEvents(db, batch)
  await assertInvariants(one)
  return answers.map(({ stackId }) => stackId)
}

test('what joins, or follows on, a stack that is remembered needs not ask the database first', async () => {
  assert.equal(await ahead(one, event('known', 0)), null)
  const [stack] = await store(one, event('known', 0))
  const [joined] = (await ahead(one, event('known', 30)))!
  assert.equal(joined!.stackId, stack)
  const later = (await ahead(
    one,
    event('known', 60),
    event(null, 0),
    event('known', 70),
    event('known', 121),
  ))!
  assert.equal(new Set(later.map(({ stackId }) => stackId)).size, 3)
  assert.equal(later[0]!.stackId, later[2]!.stackId)
  assert.notEqual(later[0]!.stackId, stack)
  // It is remembered where that has led to.
  assert.equal((await ahead(one, event('known', 130)))![0]!.stackId, later[3]!.stackId)
  await assertInvariants(one)
})

test('an event before what is remembered, of a session, with an externalID or from the spool asks first', async () => {
  await store(one, event('asks', 60))
  for (const asking of [
    event('asks', 59),
    event('asks', 60, { externalID: 'one' }),
    event('asks', 60, { role: 'opens' }),
    event('asks', 60, { replay: true }),
  ]) {
    assert.equal(await ahead(one, event('asks', 61), asking), null)
  }
  assert.notEqual(await ahead(one, event('asks', 61)), null)
})

test('what another server has changed is found, and nothing is stored by what was thought', async () => {
  await store(one, event('changed', 0))
  const [theirs] = await store(other, event('changed', 70))
  const late = event('changed', 100)
  assert.equal(await ahead(one, late), null)
  assert.equal((await one.read`SELECT 1 FROM events WHERE id = ${late.id}`).length, 0)
  assert.deepEqual(await store(one, late), [theirs])
  // From then on it is known again.
  assert.equal((await ahead(one, event('changed', 101)))![0]!.stackId, theirs)
})

test('a stack that is gone is not written to', async () => {
  const [stack] = await store(one, event('gone', 0), event('stays', 0))
  await other.write`DELETE FROM events WHERE stack_id = ${stack!}`
  await other.write`DELETE FROM stacks WHERE id = ${stack!}`
  const [again, stayed] = await store(one, event('gone', 1), event('stays', 1))
  assert.notEqual(again, stack)
  const stacks = await one.read<{ id: string; events: number }[]>`
    SELECT id, event_count AS events FROM stacks WHERE key IN ('gone', 'stays') ORDER BY events`
  assert.deepEqual(
    stacks.map(({ id, events }) => [id, events]),
    [
      [again, 1],
      [stayed, 2],
    ],
  )
})

test('a stack whose interval became shorter takes nothing in that is behind it', async () => {
  const [stack] = await store(one, event('cut', 0, { windowMs: DAY }))
  await other.write`UPDATE stack_windows SET closes_at = ${at(HOUR)} WHERE stack_id = ${stack!}`
  const [next] = await storeEvents(one, [event('cut', 90)])
  assert.notEqual(next!.stackId, stack)
  // No server leaves such an interval behind.
  await other.write`DELETE FROM events WHERE stack_id IN (SELECT id FROM stacks WHERE key = 'cut')`
  await other.write`DELETE FROM stacks WHERE key = 'cut'`
})

test('a batch that fails takes what was remembered for it along', async () => {
  await store(one, event('fails', 0))
  const bad = event('fails', 61, { title: 'a\u0000b' })
  await assert.rejects(storeEvents(one, [bad]), { code: /^22/ })
  assert.equal(await ahead(one, event('fails', 62)), null)
  const [stack] = await store(one, event('fails', 62))
  assert.deepEqual(await store(one, event('fails', 63)), [stack])
})

test('a notification that came another way already is answered as it was, whatever is remembered', async () => {
  const idempotency = { tokenId: uuidv7(), key: 'fingerprint' }
  await store(one, event('twice', 0))
  const [first] = await storeEvents(other, [event('twice', 1, { idempotency })])
  const repeated = [event('twice', 2, { idempotency }), event('twice', 3)]
  assert.equal(await ahead(one, ...repeated), null)
  const [again, fresh] = await storeEvents(one, repeated)
  assert.deepEqual(again, first)
  assert.equal(fresh!.id, repeated[1]!.id)
})

test('after a BEGIN that was refused nothing is written by the statements that went along with it', async () => {
  const backup = { cluster: 'c', node: 'n', vmid: '101', name: null, status: 'ok' as const, startedAt: at(0) }
  const told = event('loose', 0, {
    idempotency: { tokenId: uuidv7(), key: 'loose' },
    episode: { does: 'fails', key: 'loose', jobId: null },
    tell: [{ channelId: uuidv7(), occasion: 'event' }],
    report: {
      ...{
        cluster: 'c',
        node: 'n',
        jobId: 'j',
        startedAt: at(0),
        endedAt: at(1),
        incomplete: false,
        reason: null,
      },
      backups: [
        {
          ...backup,
          id: uuidv7(),
          eventId: uuidv7(),
          durationSeconds: 1,
          sizeBytes: 1,
          file: null,
          jobId: 'j',
          log: null,
        },
      ],
    },
  })
  const held = [
    'events',
    'stacks',
    'idempotency',
    'backup_reports',
    'guest_backups',
    'guests',
    'episodes',
    'outbox',
  ]
  const count = async () =>
    (
      await one.read.unsafe(
        held.map((table) => `SELECT count(*)::int AS n FROM ${table}`).join(' UNION ALL '),
      )
    ).map(({ n }) => n)
  const before = await count()
  const answers = new Map()
  // Each statement is a transaction of its own.
  const loose = one.write as unknown as Tx
  const outcomes = await Promise.allSettled([
    writeNew(loose, [told], new Map([['com.example loose', new Series([])]]), answers, true),
    writeBeside(loose, [told], [], answers),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  )
  assert.deepEqual(await count(), before)
  // The very same within a transaction.
  await one.write.begin(async (tx) => {
    await lockNames(tx, ['any'])
    await writeNew(tx, [told], new Map([['com.example loose', new Series([])]]), answers, true)
    await writeBeside(tx, [told], [], answers)
  })
  assert.deepEqual(
    await count(),
    before.map((n) => n + 1),
  )
})

test('servers that take turns at the same series never make two stacks where one belongs', async () => {
  const keys = ['a', 'b', 'c']
  for (let minute = 0; minute < 600; minute += 7) {
    const [first, second] = await Promise.all(
      [one, other].map((db) =>
        storeEvents(
          db,
          keys.map((key) => event(`turns ${key}`, minute)),
        ),
      ),
    )
    assert.deepEqual(
      first!.map(({ stackId }) => stackId),
      second!.map(({ stackId }) => stackId),
    )
  }
  await assertInvariants(one)
})
