import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type postgres from 'postgres'
import { serverUrl } from '../../test/helpers/database.ts'
import { openDatabaseProxy } from '../../test/helpers/database-proxy.ts'
import { createPostgres, repair } from './driver.ts'

/** A client with one connection, whose socket the test can break. */
async function openBreakable(t: TestContext) {
  const proxy = await openDatabaseProxy(serverUrl())
  const { hostname, port } = new URL(proxy.url)
  const sockets: Socket[] = []
  const openSocket = async () => {
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    sockets.push(socket)
    return socket
  }
  const options = { max: 1, backoff: 0, onnotice: () => {}, socket: openSocket }
  const sql = createPostgres(proxy.url, options as unknown as postgres.Options<Record<string, never>>)
  t.after(async () => {
    await sql.end({ timeout: 1 })
    await proxy.close()
  })
  await sql`SELECT 1`
  return { sql, socket: () => sockets.at(-1)! }
}

/** The two ways in which a connection ends: the other side says so, or it breaks. */
const ENDS: [name: string, end: (socket: Socket) => void][] = [
  ['closed', (socket) => socket.destroy()],
  ['reset', (socket) => socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))],
]

async function failure(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error) => error.code,
  )
}

const LOST = /^(CONNECTION_CLOSED|ECONNRESET)$/

/** Asks until there is an answer: a statement that meets the dying connection may fail too. */
async function answer<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = 10; ; left--) {
    try {
      return await ask()
    } catch (error) {
      if (left === 0 || !LOST.test((error as { code: string }).code)) throw error
    }
  }
}

for (const [name, end] of ENDS) {
  test(`${name}: a statement that is not sent yet fails, and the next one is answered`, async (t) => {
    const { sql, socket } = await openBreakable(t)
    for (let round = 0; round < 3; round++) {
      const unsent = sql`SELECT 'unsent'`.execute()
      end(socket())
      assert.match(await failure(unsent), LOST)
      const rows = await answer(() => sql`SELECT ${round}::int AS round`.execute())
      assert.deepEqual([...rows], [{ round }])
    }
  })

  test(`${name}: statements under way fail, and later ones get their own answers`, async (t) => {
    const { sql, socket } = await openBreakable(t)
    const waiting = [
      sql`SELECT pg_sleep(5), 'first'`,
      sql`SELECT pg_sleep(5), 'second'`,
      sql`SELECT pg_sleep(5), 'third'`,
    ].map(failure)
    await new Promise((resolve) => setImmediate(resolve))
    end(socket())
    for (const code of await Promise.all(waiting)) assert.match(code, LOST)
    for (let n = 0; n < 5; n++) {
      assert.deepEqual([...(await answer(() => sql`SELECT ${n}::int AS n`.execute()))], [{ n }])
    }
  })

  test(`${name}: a transaction under way fails, and does not touch the next one`, async (t) => {
    const { sql, socket } = await openBreakable(t)
    const broken = sql.begin(async (tx) => {
      await tx`SELECT 1`
      const waiting = tx`SELECT pg_sleep(5)`.execute()
      await new Promise((resolve) => setImmediate(resolve))
      end(socket())
      await waiting
    })
    assert.match(await failure(broken), LOST)
    const [row] = await answer(() =>
      sql.begin((tx) => tx`SELECT pg_current_xact_id_if_assigned() IS NULL AS fresh`),
    )
    assert.equal(row?.fresh, true)
  })

  test(`${name}: a transaction that lost its connection between two statements asks nothing more`, async (t) => {
    const { sql, socket } = await openBreakable(t)
    let late: string | undefined
    const broken = sql.begin(async (tx) => {
      await tx`SELECT 1`
      end(socket())
      // Long enough for the connection to be somebody else's again.
      while (!isTaken) await new Promise((resolve) => setTimeout(resolve, 5))
      late = await failure(tx`SELECT 1`)
      throw new Error('and now it would roll back')
    })
    let isTaken = false
    assert.match(await failure(broken), LOST)
    const [row] = await sql.begin(async (tx) => {
      const [before] = await tx`SELECT pg_current_xact_id()::text AS id`
      isTaken = true
      while (late === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
      return tx`SELECT pg_current_xact_id()::text = ${before!.id} AS same`
    })
    assert.equal(row?.same, true)
    assert.match(late!, LOST)
  })
}

test('a postgres.js with another text is not repaired blindly', () => {
  assert.throws(() => repair('connection.js', 'something else'), /postgres\.js has changed/)
})
