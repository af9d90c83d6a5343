import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type postgres from 'postgres'
import { serverUrl } from '../../test/helpers/database.ts'
import { openDatabaseProxy } from '../../test/helpers/database-proxy.ts'
import { createPostgres, repair } from './driver.ts'

type Breakable = {
  connection?: Record<string, string | number>
  /** Called before each connection; may throw. */
  refuse?: () => void
  /** The first connection comes after the client has ended. */
  isHeld?: boolean
}

/** A client with one connection, whose socket the test can break. */
async function openBreakable(t: TestContext, { connection = {}, refuse, isHeld = false }: Breakable = {}) {
  const proxy = await openDatabaseProxy(serverUrl())
  const { hostname, port } = new URL(proxy.url)
  const sockets: Socket[] = []
  const opening = Promise.withResolvers<void>()
  const openSocket = async () => {
    refuse?.()
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    sockets.push(socket)
    opening.resolve()
    if (isHeld) await ended.promise
    return socket
  }
  const ended = Promise.withResolvers<void>()
  const options = { max: 1, backoff: 0, onnotice: () => {}, socket: openSocket, connection }
  const sql = createPostgres(proxy.url, options as unknown as postgres.Options<Record<string, never>>)
  t.after(async () => {
    await sql.end({ timeout: 1 })
    await proxy.close()
  })
  if (!refuse && !isHeld) await sql`SELECT 1`
  const end = (sql.end as typeof sql.end).bind(sql)
  sql.end = async (how) => {
    await end(how)
    ended.resolve()
  }
  return { sql, proxy, opening: opening.promise, socket: () => sockets.at(-1)! }
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

test('a server that refuses to write is not asked again', async (t) => {
  const { sql } = await openBreakable(t)
  const write = () =>
    sql.begin(async (tx) => {
      await tx`CREATE TABLE written_by_the_test (id int)`
      await tx`DROP TABLE written_by_the_test`
    })
  await sql`SET default_transaction_read_only = on`
  assert.match(await failure(write()), /^(25006|CONNECTION_CLOSED)$/)
  assert.equal(await failure(answer(write)), 'none')
})

test('a server that owes an answer long after its own deadline is given up', async (t) => {
  const { sql, proxy } = await openBreakable(t, { connection: { statement_timeout: 100 } })
  const answered = await sql`SELECT pg_sleep(0.05)`
  assert.equal(answered.length, 1)
  proxy.hang()
  const lost = await Promise.all([failure(sql`SELECT 1`), failure(sql`SELECT 2`)])
  assert.deepEqual(lost, ['ETIMEDOUT', 'ETIMEDOUT'])
  await proxy.restore()
  assert.deepEqual([...(await answer(() => sql`SELECT 3 AS n`))], [{ n: 3 }])
})

test('a connection that cannot be made fails its statement, and the next one tries again', async (t) => {
  let isDown = true
  const { sql } = await openBreakable(t, {
    refuse: () => {
      if (isDown) throw Object.assign(new Error('no server'), { code: 'ECONNREFUSED' })
    },
  })
  for (let round = 0; round < 3; round++) {
    const both = [sql`SELECT 1`, sql`SELECT 2`].map(failure)
    assert.deepEqual(await Promise.all(both), ['ECONNREFUSED', 'ECONNREFUSED'])
  }
  isDown = false
  assert.equal((await sql`SELECT 1`).length, 1)
})

test('a connection that comes after the end is closed', async (t) => {
  const { sql, socket, opening } = await openBreakable(t, { isHeld: true })
  const asked = failure(sql`SELECT 1`)
  await opening
  await sql.end({ timeout: 0 })
  assert.equal(await asked, 'CONNECTION_DESTROYED')
  await once(socket(), 'close')
})

test('a statement goes out though the one before is not answered yet', async (t) => {
  const setNoDelay = t.mock.method(Socket.prototype, 'setNoDelay')
  const proxy = await openDatabaseProxy(serverUrl())
  const sql = createPostgres(proxy.url, { max: 1 })
  t.after(async () => {
    await sql.end()
    await proxy.close()
  })
  await sql`SELECT 1`
  assert.deepEqual(
    setNoDelay.mock.calls.map(({ arguments: [on] }) => on),
    [true],
  )
})

test('a postgres.js with another text is not repaired blindly', () => {
  assert.throws(() => repair('connection.js', 'something else'), /postgres\.js has changed/)
})
