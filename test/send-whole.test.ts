import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type Database, openDatabase, type Tx } from '../src/storage/database.ts'
import { sendWhole } from '../src/storage/send-whole.ts'
import { LOCKED, lockNames } from '../src/storage/series.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { type DatabaseProxy, openDatabaseProxy } from './helpers/database-proxy.ts'
import { eventually } from './helpers/server.ts'

let database: TestDatabase
let proxy: DatabaseProxy
/** Behind a door that can be shut. */
let db: Database
/** Past that door. */
let read: Database['read']

before(async () => {
  database = await createTestDatabase()
  proxy = await openDatabaseProxy(database.url)
  db = openDatabase({ url: proxy.url })
  read = database.open().read
  await read`CREATE TABLE sent (n int, xid xid8 DEFAULT pg_current_xact_id())`
})
afterEach(async () => {
  await read`TRUNCATE sent`
})
after(async () => {
  await db.close()
  await proxy.close()
  await database.drop()
})

const insert = (tx: Tx, n: number) =>
  tx`INSERT INTO sent (n) SELECT ${n}::int WHERE ${tx.unsafe(LOCKED)}`.execute()
const failing = (tx: Tx) => tx`SELECT 1 / (random() * 0)::int`.execute()
const write = (...numbers: number[]) =>
  sendWhole(db.ahead, (tx) => [lockNames(tx, ['sent']), ...numbers.map((n) => insert(tx, n))])
/** Fails when two statements have been sent. */
const writeHalf = (n: number) =>
  sendWhole(db.ahead, (tx) => {
    lockNames(tx, ['sent'])
    insert(tx, n)
    throw new RangeError('too long')
  })
const found = async () => (await read`SELECT n FROM sent ORDER BY xid, n`).map(({ n }) => n as number)

test('transactions that are sent at once are stored one after the other, in their order', async () => {
  const ended: number[] = []
  await Promise.all([1, 2, 3].map((n) => write(n, n * 10).then(() => ended.push(n))))
  assert.deepEqual(ended, [1, 2, 3])
  assert.deepEqual(await found(), [1, 10, 2, 20, 3, 30])
  const [row] = await read`SELECT count(DISTINCT xid)::int AS transactions FROM sent`
  assert.equal(row!.transactions, 3)
})

test('one that fails takes back all of its own, and nothing of the next', async () => {
  const outcomes = await Promise.allSettled([
    write(1),
    sendWhole(db.ahead, (tx) => [lockNames(tx, ['sent']), insert(tx, 2), failing(tx), insert(tx, 2)]),
    write(3),
  ])
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === 'fulfilled' || outcome.reason.code),
    [true, '22012', true],
  )
  assert.deepEqual(await found(), [1, 3])
})

test('one that fails when it is committed is not there, and the next one is', async () => {
  await read`CREATE TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)`
  const twice = sendWhole(db.ahead, (tx) => [
    tx`INSERT INTO once VALUES (1)`.execute(),
    tx`INSERT INTO once VALUES (1)`.execute(),
  ])
  const outcomes = await Promise.allSettled([write(1), twice, write(2)])
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === 'fulfilled' || outcome.reason.code),
    [true, '23505', true],
  )
  assert.deepEqual([...(await read`SELECT n FROM once`)], [])
  assert.deepEqual(await found(), [1, 2])
})

test('what the driver cannot send fails with all of its own, and what is under way goes on', async () => {
  const nothing = undefined as unknown as string
  const spoilt = () =>
    sendWhole(db.ahead, (tx) => [lockNames(tx, ['sent']), insert(tx, 1), tx`SELECT ${nothing}`.execute()])
  await assert.rejects(spoilt(), { code: 'UNDEFINED_VALUE' })
  const outcomes = await Promise.allSettled([write(2), spoilt(), write(3)])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(await found(), [2, 3])
})

test('one that is larger than what a socket takes at once is stored like others', async () => {
  const text = 'x'.repeat(300_000)
  const large = (n: number) =>
    sendWhole(db.ahead, (tx) => [
      lockNames(tx, ['sent']),
      tx`INSERT INTO sent (n) SELECT length(${text}::text) + ${n}::int`.execute(),
      insert(tx, n),
    ])
  await Promise.all([large(1), large(2), large(3)])
  assert.deepEqual(await found(), [1, 300_001, 2, 300_002, 3, 300_003])
})

test('one of no statements is stored at once', async () => {
  assert.deepEqual(await sendWhole(db.ahead, () => []), [])
})

test('a connection that has forgotten its statements fails one, and is told them again', async () => {
  await write(1)
  await db.ahead.unsafe('DEALLOCATE ALL').simple()
  await assert.rejects(write(2), { code: '26000' })
  await write(3)
  assert.deepEqual(await found(), [1, 3])
})

test('one that cannot be put together leaves nothing for the next to store', async () => {
  const broken = writeHalf(1)
  const next = write(2)
  await assert.rejects(broken, RangeError)
  await next
  assert.deepEqual(await found(), [2])
})

test('one that cannot be put together when the connection is lost, too, is a failure like others', async () => {
  await write(1)
  const broken = assert.rejects(writeHalf(2))
  // A rejection that nobody hears would end the process, and fails this test.
  await Promise.all([broken, proxy.refuse()])
  await proxy.restore()
  await eventually(() => write(3).then(Boolean, () => false))
  assert.deepEqual(await found(), [1, 3])
})

test('whenever the connection is lost, what was told to be stored is stored whole, and nothing is there by halves', async () => {
  const stored = new Set<number>()
  let lost = 0
  let next = 0
  let isOver = false
  // As the writer does, each sends the next one as soon as it is answered.
  const sender = async () => {
    while (!isOver) {
      const n = next++
      try {
        await write(n, n, n)
        stored.add(n)
      } catch (error) {
        lost++
        assert.match(String((error as { code?: string }).code), /^(CONNECTION_|ECONN|EPIPE)/)
      }
    }
  }
  const senders = [sender(), sender(), sender()]
  for (let round = 0; round < 120; round++) {
    const before = stored.size
    // Of the others, the new connection does not know the statements yet, and they wait for each other.
    if (round % 3 === 0) await eventually(() => stored.size > before)
    for (let turn = 0; turn < round; turn++) await new Promise(setImmediate)
    await proxy.refuse()
    await proxy.restore()
  }
  isOver = true
  await Promise.all(senders)
  const rows = await read<
    { n: number; count: number }[]
  >`SELECT n, count(*)::int AS count FROM sent GROUP BY n`
  const counts = new Map(rows.map(({ n, count }) => [n, count]))
  assert.deepEqual(
    [...stored].filter((n) => counts.get(n) !== 3),
    [],
  )
  assert.deepEqual(
    [...counts].filter(([, count]) => count !== 3),
    [],
  )
  assert.ok(lost > 10, `${lost}`)
})
