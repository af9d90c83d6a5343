import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type postgres from 'postgres'
import { serverUrl } from '../../test/helpers/database.ts'
import { openDatabaseProxy } from '../../test/helpers/database-proxy.ts'
import type { Sql } from './database.ts'
import { AHEAD, createPostgres } from './driver.ts'
import { sendWhole } from './send-whole.ts'

/** A client with one connection, how often something was written to it, and a way to change the next text in there. */
async function openCounted(t: TestContext) {
  const proxy = await openDatabaseProxy(serverUrl())
  const { hostname, port } = new URL(proxy.url)
  const sockets: Socket[] = []
  let writes = 0
  let change = (chunk: Buffer) => chunk
  const openSocket = async () => {
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
    socket.write = (...args: unknown[]) => {
      writes++
      return write(change(args[0] as Buffer), ...args.slice(1))
    }
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
  const spoil = (text: string, other: string) => {
    change = (chunk) => {
      if (!chunk.includes(text)) return chunk
      change = (untouched) => untouched
      return Buffer.from(chunk.toString('latin1').replace(text, other), 'latin1')
    }
  }
  return { sql, socket: () => sockets.at(-1)!, writes: () => writes, spoil }
}

/** Reads twice, then writes, without waiting for what it wrote. */
async function readAndWrite(sql: postgres.Sql, last: (tx: postgres.TransactionSql) => Promise<unknown>) {
  let written: Promise<unknown> = Promise.resolve()
  const rows = await sql.begin(AHEAD, async (tx) => {
    const read = await Promise.all([tx`SELECT now() AS at`.execute(), tx`SELECT now() AS at`.execute()])
    written = last(tx)
    written.catch(() => {})
    return read.map(([row]) => row?.at as Date)
  })
  await written
  return rows as Date[]
}

test('a transaction that begins ahead takes two writes: BEGIN with what is read, what is written with COMMIT', async (t) => {
  const { sql, writes } = await openCounted(t)
  await sql`CREATE TEMPORARY TABLE ahead (n int)`
  const work = () => readAndWrite(sql, (tx) => tx`INSERT INTO ahead VALUES (1)`.execute())
  await work()
  const before = writes()
  const [first, second] = await work()
  assert.equal(writes() - before, 2)
  assert.equal(first?.getTime(), second?.getTime())
  const [row] = await sql`SELECT count(*)::int AS n FROM ahead`
  assert.equal(row?.n, 2)
})

test('what fails behind the COMMIT that follows it takes everything back', async (t) => {
  const { sql } = await openCounted(t)
  await sql`CREATE TEMPORARY TABLE ahead (n int)`
  const broken = readAndWrite(sql, (tx) =>
    Promise.all([
      tx`INSERT INTO ahead VALUES (1)`.execute(),
      tx`INSERT INTO ahead SELECT 1 / (random() * 0)::int`.execute(),
    ]),
  )
  await assert.rejects(broken, { code: '22012' })
  const [row] =
    await sql`SELECT count(*)::int AS n, pg_current_xact_id_if_assigned() IS NULL AS fresh FROM ahead`
  assert.deepEqual(row, { n: 0, fresh: true })
})

test('what fails in front of the answers takes everything back', async (t) => {
  const { sql } = await openCounted(t)
  await sql`CREATE TEMPORARY TABLE ahead (n int)`
  const broken = sql.begin(AHEAD, async (tx) => {
    await Promise.all([tx`SELECT 1`.execute(), tx`SELECT 1 / (random() * 0)::int`.execute()])
    await tx`INSERT INTO ahead VALUES (1)`
  })
  await assert.rejects(broken, { code: '22012' })
  const [row] = await sql`SELECT count(*)::int AS n FROM ahead`
  assert.equal(row?.n, 0)
})

test('a statement that comes after the COMMIT does not run on its own', async (t) => {
  const { sql } = await openCounted(t)
  await sql`CREATE TEMPORARY TABLE ahead (n int)`
  let late: Promise<unknown> = Promise.resolve()
  await sql.begin(AHEAD, async (tx) => {
    await tx`INSERT INTO ahead VALUES (1)`
    late = new Promise((resolve) => setImmediate(resolve)).then(() => tx`INSERT INTO ahead VALUES (2)`)
    late.catch(() => {})
  })
  await assert.rejects(late, { code: 'TRANSACTION_ENDED' })
  assert.deepEqual([...(await sql`SELECT n FROM ahead`)], [{ n: 1 }])
})

test('a BEGIN that is refused lets nothing be written', async (t) => {
  const { sql, spoil } = await openCounted(t)
  await sql`CREATE TEMPORARY TABLE ahead (n int)`
  spoil('begin', 'begun')
  await assert.rejects(
    readAndWrite(sql, (tx) => tx`INSERT INTO ahead VALUES (1)`.execute()),
    { code: '42601' },
  )
  const [row] = await sql`SELECT count(*)::int AS n FROM ahead`
  assert.equal(row?.n, 0)
  assert.equal((await readAndWrite(sql, (tx) => tx`INSERT INTO ahead VALUES (1)`.execute())).length, 2)
})

for (const phase of ['the answers', 'the COMMIT'] as const) {
  test(`a connection that is lost before ${phase} fails the transaction and serves the next one`, async (t) => {
    const { sql, socket } = await openCounted(t)
    const broken = sql.begin(AHEAD, async (tx) => {
      const waiting = tx`SELECT pg_sleep(${phase === 'the answers' ? 5 : 0})`.execute()
      if (phase === 'the answers') setImmediate(() => socket().destroy())
      else await tx`SELECT 1`
      if (phase === 'the COMMIT') return void setImmediate(() => socket().destroy())
      await waiting
    })
    await assert.rejects(broken, { code: 'CONNECTION_CLOSED' })
    const rows = await readAndWrite(sql, (tx) => tx`SELECT 1`.execute())
    assert.equal(rows.length, 2)
  })
}

test('what is sent whole takes one write, also where statements are new to the connection', async (t) => {
  const { sql, writes } = await openCounted(t)
  await sql`CREATE TEMPORARY TABLE whole (n int)`
  const work = () =>
    sendWhole(sql as Sql, (tx) => [1, 2, 3].map((n) => tx`INSERT INTO whole VALUES (${n})`.execute()))
  for (const _ of [1, 2]) {
    const before = writes()
    await work()
    assert.equal(writes() - before, 1)
  }
  assert.deepEqual(
    (await sql`SELECT n FROM whole ORDER BY xmin::text::int, n`).map(({ n }) => n),
    [1, 2, 3, 1, 2, 3],
  )
})

test('the one whole that waits for a connection is one attempt to connect', async (t) => {
  let opened = 0
  const openSocket = async () => {
    opened++
    throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  }
  const options = { max: 1, backoff: 0, socket: openSocket }
  const sql = createPostgres('postgres://nobody@127.0.0.1/none', options as object)
  t.after(() => sql.end({ timeout: 0 }))
  const whole = sendWhole(sql as Sql, (tx) => [1, 2, 3].map((n) => tx`SELECT ${n}::int`.execute()))
  await assert.rejects(whole, { code: 'ECONNREFUSED' })
  assert.equal(opened, 1)
})
