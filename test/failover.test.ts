/** Several PostgreSQL servers in DATABASE_URL: whichever of them takes writes is used, also when that changes. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Database, openDatabase } from '../src/storage/database.ts'
import { type EventStream, openEventStream } from './helpers/event-stream.ts'
import { makeDataDir, type ServerProcess, startServer, tempo } from './helpers/process.ts'
import { type PostgresServer, startPostgres, urlOfAll, withoutProcfs } from './helpers/replication.ts'
import { eventually } from './helpers/server.ts'
import { assertKept, type SteadyLoad, startSteadyLoad } from './helpers/steady-load.ts'

const ADMIN = 'an-admin-token-for-the-tests-of-failover'
const WARM = 300
/** Milliseconds in which the servers must be well again after a promotion. */
const RECOVERY_MS = 30_000

async function startPair(t: TestContext): Promise<{ primary: PostgresServer; standby: PostgresServer }> {
  const primary = await startPostgres(t)
  return { primary, standby: await primary.addStandby() }
}

async function startTempo(t: TestContext, url: string): Promise<ServerProcess> {
  const dataDir = await makeDataDir(t)
  return startServer(t, { DATABASE_URL: url, TEMPO_DATA_DIR: dataDir, TEMPO_ADMIN_TOKEN: ADMIN })
}

function openOn(t: TestContext, { url }: { url: string }): Database {
  const db = openDatabase({ url }, 'test')
  t.after(db.close)
  return db
}

async function post(
  server: ServerProcess,
  title: string,
  token = ADMIN,
): Promise<{ status: number; id: string }> {
  const response = await fetch(`${server.url}/ingest`, {
    method: 'POST',
    headers: { 'X-Tempo-Token': token },
    body: JSON.stringify({ providerIdentifier: 'com.proxmox', title }),
  })
  return { status: response.status, id: ((await response.json()) as { id: string }).id }
}

const stores = async (server: ServerProcess, title: string): Promise<string | false> => {
  const { status, id } = await post(server, title)
  return status === 200 && id
}

const openStream = async (t: TestContext, server: ServerProcess): Promise<EventStream> => {
  const stream = await openEventStream(`${server.url}/api/v1/stream`, ADMIN)
  t.after(stream.close)
  await stream.wait(({ event }) => event === 'ready')
  return stream
}

async function warm(loads: SteadyLoad[]): Promise<void> {
  for (const load of loads) {
    const before = load.stored.size
    await eventually(() => load.stored.size > before + WARM, RECOVERY_MS)
  }
}

const resets = ({ messages }: EventStream): number => messages.filter(({ event }) => event === 'reset').length

/** Both servers store again by themselves, tell each other's events to their streams, and know of new tokens. */
async function assertWell(servers: ServerProcess[], streams: EventStream[]): Promise<void> {
  // What was committed last before a promotion cannot be told from what came first after it.
  for (const stream of streams) await stream.wait(({ event }) => event === 'reset')
  for (const [index, server] of servers.entries()) {
    const before = streams.map(resets)
    const id = await eventually(() => stores(server, `after the failover, at ${index}`), RECOVERY_MS)
    for (const [of, stream] of streams.entries()) {
      // Among very many others it may be one of those for which a client is told to load anew.
      await eventually(
        () =>
          resets(stream) > before[of]! ||
          stream.messages.some(({ event, data }) => event === 'event' && data.id === id),
        RECOVERY_MS,
      )
    }
  }
  const [first, second] = servers as [ServerProcess, ServerProcess]
  const headers = { 'X-Tempo-Token': ADMIN, 'Content-Type': 'application/json' }
  const body = JSON.stringify({ name: 'made after it', scopes: ['ingest'], providers: [] })
  const made = await fetch(`${first.url}/api/v1/tokens`, { method: 'POST', headers, body })
  const { id, token } = (await made.json()) as { id: string; token: string }
  assert.equal((await post(second, 'with a new token', token)).status, 200)
  const revoked = await fetch(`${first.url}/api/v1/tokens/${id}`, { method: 'DELETE', headers })
  assert.ok(revoked.ok, `${revoked.status}`)
  await eventually(async () => (await post(second, 'with a revoked token', token)).status === 401, 10_000)
}

const LOSSES: [name: string, lose: (primary: PostgresServer) => Promise<void>][] = [
  ['is killed', (primary) => primary.signal('SIGKILL')],
  ['hangs', (primary) => primary.signal('SIGSTOP')],
]

for (const [name, lose] of LOSSES) {
  test(`when the primary ${name} and the standby is promoted, two servers go on and nothing is lost`, {
    skip: withoutProcfs,
  }, async (t) => {
    const { primary, standby } = await startPair(t)
    const url = urlOfAll([primary, standby])
    const servers = await Promise.all([startTempo(t, url), startTempo(t, url)])
    const streams = await Promise.all(servers.map((server) => openStream(t, server)))
    const loads = servers.map((server) => startSteadyLoad(() => [server.url], ADMIN, { senders: 10 }))
    t.after(() => Promise.all(loads.map((load) => load.stop())))
    await warm(loads)
    await lose(primary)
    await standby.promote()
    const begun = Date.now()
    await warm(loads)
    t.diagnostic(`${Date.now() - begun} ms until both stored ${WARM} events again`)
    await Promise.all(loads.map((load) => load.stop()))
    const longest = Math.max(...loads.map((load) => load.longestMs()))
    assert.ok(longest < 10_000, `a sender waited for ${longest} ms`)
    await assertWell(servers, streams)
    await assertKept(openOn(t, standby), loads)
    for (const server of servers) assert.equal(server.stderr(), '')
  })
}

test('a primary that was made read-only and lives on is left for the promoted one, also by who only listens', {
  skip: withoutProcfs,
}, async (t) => {
  const { primary, standby } = await startPair(t)
  const url = urlOfAll([primary, standby], 'target_session_attrs=read-write')
  const servers = await Promise.all([startTempo(t, url), startTempo(t, url)])
  const streams = await Promise.all(servers.map((server) => openStream(t, server)))
  const load = startSteadyLoad(() => servers.map((server) => server.url), ADMIN)
  t.after(load.stop)
  await warm([load])
  await primary.ask(async (sql) => {
    await sql`ALTER SYSTEM SET default_transaction_read_only = on`
    await sql`SELECT pg_reload_conf()`
  })
  await eventually(() => (load.refused.get(503) ?? 0) + load.spooled.size > 0, RECOVERY_MS)
  await standby.promote()
  await warm([load])
  await load.stop()
  await assertWell(servers, streams)
  await assertKept(openOn(t, standby), [load])
  await eventually(async () => {
    const left = await primary.ask(
      (sql) => sql`SELECT FROM pg_stat_activity WHERE application_name ~ '^tempo serve'`,
    )
    return left.length === 0
  })
})

test('commands and servers find the primary wherever it stands in the list, and of two the promoted one', {
  skip: withoutProcfs,
}, async (t) => {
  const { primary, standby } = await startPair(t)
  const env = async (servers: PostgresServer[], parameters?: string) => ({
    DATABASE_URL: urlOfAll(servers, parameters),
    TEMPO_DATA_DIR: await makeDataDir(t),
    TEMPO_ADMIN_TOKEN: ADMIN,
  })
  const migrated = await tempo(['migrate'], await env([standby, primary]))
  assert.deepEqual([migrated.code, migrated.stderr], [0, 'The schema is up to date.\n'])
  for (const parameters of ['', 'target_session_attrs=any', 'target_session_attrs=read-write']) {
    const made = await tempo(['token', 'create', '--name', 'pve'], await env([standby, primary], parameters))
    assert.match(made.stdout, /^tempo_\S+\n$/, made.stderr)
  }
  const alone = await tempo(['migrate'], await env([standby]))
  assert.equal(alone.code, 1)
  assert.match(alone.stderr, new RegExp(`no server takes writes: 127.0.0.1:${standby.port} is a standby`))

  await standby.promote()
  await primary.ask(async (sql) => {
    await sql`ALTER SYSTEM RESET synchronous_standby_names`
    await sql`SELECT pg_reload_conf()`
  })
  const made = await tempo(['token', 'create', '--name', 'after'], await env([primary, standby]))
  assert.match(made.stdout, /^tempo_\S+\n$/, made.stderr)
  const names = await standby.ask(
    (sql) => sql<{ name: string }[]>`SELECT name FROM tokens WHERE name = 'after'`,
  )
  assert.equal(names.length, 1)

  await primary.signal('SIGKILL')
  await standby.signal('SIGKILL')
  const gone = await tempo(['migrate'], await env([primary, standby]))
  assert.equal(gone.code, 1)
  assert.match(gone.stderr, /^The database cannot be reached \(ECONNREFUSED\)/)
})

test('a stream that resumes after a promotion is told to load anew', { skip: withoutProcfs }, async (t) => {
  const { primary, standby } = await startPair(t)
  const server = await startTempo(t, urlOfAll([primary, standby]))
  const before = await openStream(t, server)
  const { id } = await post(server, 'before')
  await before.wait(({ event, data }) => event === 'event' && data.id === id)
  await before.close()
  await primary.signal('SIGKILL')
  await standby.promote()
  await eventually(() => stores(server, 'after'), RECOVERY_MS)
  const after = await openEventStream(`${server.url}/api/v1/stream`, ADMIN, before.lastId())
  t.after(after.close)
  await after.wait(({ event }) => event === 'reset')
})

test('a commit that was told to wait no longer for the standby is not taken for done', {
  skip: withoutProcfs,
}, async (t) => {
  const { primary, standby } = await startPair(t)
  const db = openOn(t, primary)
  const write = (n: number) => db.write.begin((tx) => tx`INSERT INTO written VALUES (${n}::int)`)
  await db.write`CREATE TABLE written (n int)`
  await write(1)
  await standby.signal('SIGSTOP')
  const waiting = assert.rejects(write(2), { code: '57014' })
  const cancel = () =>
    db.read`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname IS NOT NULL`
  await eventually(async () => (await cancel()).length === 1)
  await waiting
  await standby.signal('SIGCONT')
  await eventually(async () => (await write(3).catch(() => null)) !== null, RECOVERY_MS)
})
