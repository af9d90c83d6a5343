/** What the spool stores when the database is back is stored once, whatever became of the first try. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { v7 as uuidv7 } from 'uuid'
import type { JudgedEvent } from '../src/event.ts'
import type { Database } from '../src/storage/database.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { at, HOUR, judgedEvent, MINUTE } from './helpers/events.ts'
import { lockWaiters, storeHeld } from './helpers/held.ts'
import { assertInvariants } from './helpers/invariants.ts'

let database: TestDatabase
let db: Database
before(async () => {
  database = await createTestDatabase()
  db = database.open()
})
after(() => database.drop())

const replayOf = (event: JudgedEvent): JudgedEvent => ({ ...event, replay: true })

async function stored(provider: string) {
  return db.read<{ id: string; title: string; stackId: string; writtenBy: string | null }[]>`
    SELECT id, title, stack_id AS "stackId", written_by AS "writtenBy" FROM events WHERE provider = ${provider}
    ORDER BY id`
}

for (const [what, given] of Object.entries({
  'an event that stands alone': {},
  'an event of a stack': { key: 'k' },
  'an event of a session': { key: 'k', role: 'opens' as const },
  'an event with an externalID': { externalID: 'x', key: 'k' },
})) {
  test(`${what} is not stored again when it was stored unnoticed`, async () => {
    const event = judgedEvent({ provider: `com.once.${uuidv7()}`, ...given })
    const [first] = await storeEvents(db, [event])
    const other = judgedEvent({ provider: event.provider, startDate: at(MINUTE) })
    const [again] = await storeEvents(db, [replayOf(event), other])
    assert.deepEqual([again!.id, again!.stackId], [event.id, first!.stackId])
    assert.deepEqual(
      (await stored(event.provider)).map(({ id }) => id),
      [event.id, other.id],
    )
    await assertInvariants(db)
  })

  test(`${what} is not stored again when its first try is committed only now`, async () => {
    const event = judgedEvent({ provider: `com.late.${uuidv7()}`, ...given })
    const held = await storeHeld(db, [event, judgedEvent()])
    const replayed = storeEvents(db, [replayOf(event)])
    await lockWaiters(db, 2)
    const [first] = await held.commit()
    const [again] = await replayed
    assert.deepEqual([again!.id, again!.stackId], [event.id, first!.stackId])
    assert.equal((await stored(event.provider)).length, 1)
    await assertInvariants(db)
  })

  test(`${what} is stored when its first try is given up only now`, async () => {
    const event = judgedEvent({ provider: `com.aborted.${uuidv7()}`, ...given })
    const held = await storeHeld(db, [event, judgedEvent()])
    const replayed = storeEvents(db, [replayOf(event)])
    await lockWaiters(db, 2)
    await held.abort()
    assert.equal((await replayed)[0]!.id, event.id)
    assert.equal((await stored(event.provider)).length, 1)
    await assertInvariants(db)
  })
}

test('an update from the spool does not put an old state over a newer one, and a newer one is applied once', async () => {
  const provider = 'com.updates'
  const [v1, v2, v3] = ['v1', 'v2', 'v3'].map((title, n) =>
    judgedEvent({ provider, externalID: 'x', title, key: 'k', startDate: at(n * HOUR) }),
  ) as [JudgedEvent, JudgedEvent, JudgedEvent]
  const titles = async () => (await stored(provider)).map(({ title }) => title)
  await storeEvents(db, [v2])
  const [older] = await storeEvents(db, [replayOf(v1)])
  assert.deepEqual([older!.id, older!.created, await titles()], [v2.id, false, ['v2']])
  await storeEvents(db, [replayOf(v3)])
  assert.deepEqual(await titles(), ['v3'])
  await storeEvents(db, [replayOf(v3), replayOf(v1), replayOf(v2)])
  const [row] = await stored(provider)
  assert.deepEqual([row!.id, row!.title, row!.writtenBy], [v2.id, 'v3', v3.id])
  await assertInvariants(db)
})

test('updates of one externalID that wait together are applied in their order, whatever is stored of them', async () => {
  const provider = 'com.together'
  const [v1, v2, v3] = ['v1', 'v2', 'v3'].map((title) =>
    judgedEvent({ provider, externalID: 'x', title }),
  ) as [JudgedEvent, JudgedEvent, JudgedEvent]
  await storeEvents(db, [v1, v2])
  await storeEvents(db, [v1, v2, v3].map(replayOf))
  const rows = await stored(provider)
  assert.deepEqual(
    rows.map(({ id, title }) => [id, title]),
    [[v1.id, 'v3']],
  )
})

test('a live update is applied though another server’s clock is ahead', async () => {
  const provider = 'com.clocks'
  const behind = judgedEvent({ provider, externalID: 'x', title: 'last to come' })
  await storeEvents(db, [judgedEvent({ provider, externalID: 'x', title: 'first' })])
  await storeEvents(db, [behind])
  assert.deepEqual(
    (await stored(provider)).map(({ title }) => title),
    ['last to come'],
  )
})

test('a row from before the column is updated from the spool', async () => {
  const provider = 'com.old'
  const old = judgedEvent({ provider, externalID: 'x', title: 'old' })
  await storeEvents(db, [old])
  await db.read`UPDATE events SET written_by = NULL WHERE id = ${old.id}`
  await storeEvents(db, [replayOf(judgedEvent({ provider, externalID: 'x', title: 'new' }))])
  assert.equal((await stored(provider))[0]!.title, 'new')
})

test('an Idempotency-Key whose event waited is answered once, whoever was stored first', async () => {
  const provider = 'com.keys'
  const idempotency = { tokenId: uuidv7(), key: 'k' }
  const [waited, live] = [judgedEvent({ provider, idempotency }), judgedEvent({ provider, idempotency })]
  await storeEvents(db, [live])
  const [answer] = await storeEvents(db, [replayOf(waited)])
  assert.equal(answer!.id, live.id)
  assert.equal((await stored(provider)).length, 1)
})
