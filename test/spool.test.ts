/** An answer of 200 or 202 is a promise, also when the database is away and the server is killed meanwhile. */
import assert from 'node:assert/strict'
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDatabase } from '../src/storage/database.ts'
import { startEmbedded } from '../src/storage/embedded.ts'
import { createTestDatabase } from './helpers/database.ts'
import { openDatabaseProxy } from './helpers/database-proxy.ts'
import { assertInvariants } from './helpers/invariants.ts'
import { assertStored, startLoad } from './helpers/load.ts'
import { type Env, makeDataDir, type ServerProcess, startServer, tempo } from './helpers/process.ts'
import { eventually } from './helpers/server.ts'

const MAX_WAIT_MS = 5_000

async function makePlace(t: TestContext) {
  const dataDir = await makeDataDir(t)
  const database = await createTestDatabase()
  t.after(database.drop)
  const proxy = await openDatabaseProxy(database.url)
  t.after(proxy.close)
  const env: Env = { DATABASE_URL: proxy.url, TEMPO_DATA_DIR: dataDir }
  return { dataDir, db: database.open(), database, proxy, env, spoolDir: join(dataDir, 'spool') }
}

type Sent = { status: number; body: Record<string, string>; ms: number; retryAfter: string | null }

async function send(
  { url, adminToken }: Pick<ServerProcess, 'url' | 'adminToken'>,
  event: Record<string, unknown> | string,
  headers: Record<string, string> = {},
): Promise<Sent> {
  const begun = performance.now()
  const response = await fetch(`${url}/ingest`, {
    method: 'POST',
    headers: { 'X-Tempo-Token': adminToken, ...headers },
    body: typeof event === 'string' ? event : JSON.stringify({ providerIdentifier: 'com.example', ...event }),
  })
  const body = (await response.json()) as Record<string, string>
  const retryAfter = response.headers.get('retry-after')
  return { status: response.status, body, ms: performance.now() - begun, retryAfter }
}

/** Sends so many at once, which all must be accepted into the spool. */
async function spoolMany(server: ServerProcess, count: number, lead = 'event'): Promise<string[]> {
  const sent = await Promise.all(
    Array.from({ length: count }, (_, n) => send(server, { title: `${lead} ${n}` })),
  )
  for (const { status, ms, body } of sent) {
    assert.equal(status, 202, JSON.stringify(body))
    assert.ok(ms < MAX_WAIT_MS, `${ms} ms`)
  }
  return sent.map(({ body }) => body.id!)
}

async function killed(server: ServerProcess): Promise<void> {
  server.kill('SIGKILL')
  await server.exited
}

async function health({ url }: ServerProcess) {
  const response = await fetch(`${url}/health`)
  const body = (await response.json()) as { status: string; spool: { depth: number; bytes: number } }
  return { code: response.status, ...body }
}

async function drained(server: ServerProcess): Promise<void> {
  await eventually(async () => {
    const { status, spool } = await health(server)
    return status === 'ok' && spool.depth === 0
  }, 30_000)
}

async function segments(folder: string): Promise<string[]> {
  return (await readdir(folder))
    .filter((name) => name.endsWith('.spool'))
    .sort()
    .map((name) => join(folder, name))
}

test('after kill -9, a torn line, a damaged line and a start without the database, all else is stored once and in order', async (t) => {
  const { db, env, proxy, spoolDir } = await makePlace(t)
  const first = await startServer(t, env)
  assert.equal((await send(first, { title: 'before' })).status, 200)
  await proxy.refuse()
  const ids = await spoolMany(first, 300, 'first')
  await killed(first)
  const [path] = await segments(spoolDir)
  const lines = (await readFile(path!, 'latin1')).split('\n')
  assert.equal(lines.length, 301)
  const damagedId = /"id":"([^"]+)"/.exec(lines[100]!)![1]!
  lines[100] = lines[100]!.replace('com.example', 'com.exemple').replace(/\t(\w)(\w*=*)$/, '\tX$2')
  await writeFile(path!, `${lines.slice(0, -1).join('\n')}\n\x1e1\tdeadbeef\t{"id":"torn`, 'latin1')

  const second = await startServer(t, env)
  assert.equal((await health(second)).status, 'degraded')
  assert.equal((await health(second)).spool.depth, 299)
  ids.push(...(await spoolMany(second, 100, 'second')))
  await killed(second)
  const third = await startServer(t, env)
  await proxy.restore()
  await drained(third)
  const rows = await db.read<
    { id: string }[]
  >`SELECT id FROM events WHERE title <> 'before' ORDER BY placed_tx, id`
  assert.deepEqual(rows.map(({ id }) => id).sort(), ids.filter((id) => id !== damagedId).sort())
  assert.deepEqual(
    rows
      .map(({ id }) => id)
      .slice(0, 299)
      .every((id) => ids.indexOf(id) < 300),
    true,
  )
  const left = await readdir(spoolDir)
  assert.deepEqual(
    left.map((name) => name.split('.').at(-1)),
    ['damaged', 'damaged'],
  )
  assert.ok(
    third.log().some(({ msg, level }) => level === 50 && /damaged line of the spool was set aside/.test(msg)),
  )
  assert.equal((await send(third, { title: 'after' })).status, 200)
  await assertInvariants(db)
})

test('kill -9 while the spool is being stored neither loses nor doubles an event', async (t) => {
  const { db, env, proxy } = await makePlace(t)
  let server = await startServer(t, env)
  await proxy.refuse()
  const ids: string[] = []
  for (let lot = 0; lot < 8; lot++) ids.push(...(await spoolMany(server, 250, `lot ${lot}`)))
  await proxy.restore()
  for (let round = 0; round < 4; round++) {
    await eventually(
      async () => (await db.read`SELECT 1 FROM events LIMIT 1 OFFSET ${round * 400}`).length === 1,
      20_000,
    )
    await killed(server)
    server = await startServer(t, env)
  }
  await drained(server)
  const rows = await db.read<{ id: string }[]>`SELECT id FROM events`
  assert.deepEqual(rows.map(({ id }) => id).sort(), ids.sort())
})

test('a first start without the database listens, and goes on by itself when it comes', async (t) => {
  const { env, proxy, dataDir, db } = await makePlace(t)
  const mine = 'chosen-by-me-with-at-least-32-characters'
  for (const outage of ['refuse', 'hang'] as const) {
    await proxy[outage]()
    const server = await startServer(t, { ...env, TEMPO_ADMIN_TOKEN: mine })
    const { code, status } = await health(server)
    assert.deepEqual([code, status], [200, 'degraded'])
    const { status: answered, body, ms } = await send({ ...server, adminToken: mine }, { title: outage })
    assert.deepEqual([answered, ms < MAX_WAIT_MS], [202, true])
    const unknown = await send({ ...server, adminToken: `tempo_00000000_${'A'.repeat(43)}` }, { title: 'x' })
    assert.deepEqual([unknown.status, unknown.body.code], [503, 'unavailable'])
    await proxy.restore()
    await drained(server)
    assert.equal((await db.read`SELECT title FROM events WHERE id = ${body.id!}`)[0]!.title, outage)
    await killed(server)
  }
  await proxy.refuse()
  const late = await startServer(t, env)
  assert.equal(late.adminToken, '')
  await proxy.restore()
  await drained(late)
  const token = (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim()
  assert.equal((await send({ ...late, adminToken: token }, { title: 'x' })).status, 200)
})

test('tokens are known without the database after a restart, and a revoked one stays refused', async (t) => {
  const { env, proxy, database, dataDir } = await makePlace(t)
  const direct = { ...env, DATABASE_URL: database.url }
  const server = await startServer(t, env)
  const make = async (...options: string[]) =>
    (await tempo(['token', 'create', '--name', options.join(' ') || 'any', ...options], direct)).stdout.trim()
  const [good, bound, gone] = [
    await make(),
    await make('--provider', 'com.other'),
    await make('--scope', 'ingest'),
  ]
  const as = (adminToken: string) => ({ url: server.url, adminToken })
  for (const token of [good, gone]) assert.equal((await send(as(token), { title: 'x' })).status, 200)
  assert.equal((await tempo(['token', 'revoke', '--help'], direct)).code, 0)
  const tokens = await fetch(`${server.url}/api/v1/tokens`, {
    headers: { 'X-Tempo-Token': server.adminToken },
  })
  const { items } = (await tokens.json()) as { items: { id: string; prefix: string }[] }
  const { id } = items.find(({ prefix }) => gone.startsWith(prefix))!
  assert.equal((await tempo(['token', 'revoke', id], direct)).code, 0)
  await eventually(async () => (await send(as(gone), { title: 'x' })).status === 401)
  await killed(server)

  await proxy.hang()
  const again = await startServer(t, env)
  const on = (adminToken: string) => ({ url: again.url, adminToken })
  assert.equal((await send(on(good), { title: 'x' })).status, 202)
  assert.equal((await send(on(again.adminToken), { title: 'x' })).status, 202)
  assert.equal((await send(on(gone), { title: 'x' })).body.code, 'token_revoked')
  assert.equal((await send(on(bound), { title: 'x' })).body.code, 'provider_not_bound')
  assert.equal((await send(on(`tempo_00000000_${'A'.repeat(43)}`), { title: 'x' })).status, 503)
  const file = await readFile(join(dataDir, 'tokens.json'), 'utf8')
  for (const secret of [good, bound, gone, again.adminToken]) assert.ok(!file.includes(secret.slice(15)))
})

test('a full spool answers 503 with Retry-After and says so, and takes events when there is room', async (t) => {
  const { env, proxy, db } = await makePlace(t)
  const server = await startServer(t, { ...env, TEMPO_SPOOL_MAX_BYTES: '20000' })
  await proxy.refuse()
  const sent = await Promise.all(Array.from({ length: 80 }, (_, n) => send(server, { title: `event ${n}` })))
  const ids = sent.flatMap(({ status, body }) => (status === 202 ? [body.id] : []))
  const refused = sent.filter(({ status }) => status !== 202)
  assert.ok(ids.length > 10 && refused.length > 10)
  for (const { status, retryAfter } of refused) assert.deepEqual([status, retryAfter], [503, '5'])
  assert.ok(server.log().some(({ msg, level }) => level === 50 && /the spool is full/.test(msg)))
  await proxy.restore()
  await drained(server)
  const rows = await db.read<{ id: string }[]>`SELECT id FROM events`
  assert.deepEqual(rows.map(({ id }) => id).sort(), ids.sort())
})

test('when neither database nor disk can take anything, /health says down', async (t) => {
  const { env, proxy, spoolDir } = await makePlace(t)
  const server = await startServer(t, env)
  await writeFile(spoolDir, 'in the way')
  await proxy.refuse()
  const answer = await eventually(async () => {
    const sent = await send(server, { title: 'x' })
    return sent.status === 503 && sent
  })
  assert.match(answer.body.detail!, /spool cannot be written to/)
  const { code, status } = await eventually(async () => {
    const found = await health(server)
    return found.status === 'down' && found
  })
  assert.deepEqual([code, status], [503, 'down'])
  await proxy.restore()
  await eventually(async () => (await send(server, { title: 'x' })).status === 200, 10_000)
})

test('an Idempotency-Key is answered again while its event waits, also after a restart, and stored once', async (t) => {
  const { env, proxy, db } = await makePlace(t)
  const first = await startServer(t, env)
  await proxy.refuse()
  const key = { 'Idempotency-Key': 'the key' }
  const both = await Promise.all(['one', 'two'].map((title) => send(first, { title, odd: 1 }, key)))
  assert.deepEqual(both[0]!.body, both[1]!.body)
  await killed(first)
  const second = await startServer(t, env)
  const again = await send(second, { title: 'three' }, key)
  assert.deepEqual([again.status, again.body], [202, both[0]!.body])
  await proxy.restore()
  await drained(second)
  const last = await send(second, { title: 'four' }, key)
  assert.deepEqual([last.status, last.body.id], [200, both[0]!.body.id])
  assert.equal((await db.read`SELECT 1 FROM events`).length, 1)
})

test('an update that waited does not undo a newer one that another server has stored meanwhile', async (t) => {
  const { env, proxy, db, database } = await makePlace(t)
  const waiting = await startServer(t, env)
  const live = await startServer(t, { ...env, DATABASE_URL: database.url })
  const titles = async () => (await db.read`SELECT title FROM events ORDER BY id`).map(({ title }) => title)
  assert.equal((await send(live, { title: 'v1', externalID: 'x' })).status, 200)
  await proxy.refuse()
  assert.equal((await send(waiting, { title: 'v2', externalID: 'x' })).status, 202)
  assert.equal((await send(waiting, { title: 'y1', externalID: 'y' })).status, 202)
  assert.equal((await send(live, { title: 'v3', externalID: 'x' })).status, 200)
  await proxy.restore()
  await drained(waiting)
  assert.deepEqual(await titles(), ['v3', 'y1'])
})

test('two servers share a folder, and the one that lives goes on with what the other left', async (t) => {
  const { env, proxy, db } = await makePlace(t)
  const shared = { ...env, TEMPO_SPOOL_DIR: join(env.TEMPO_DATA_DIR!, 'shared') }
  const [one, two] = [await startServer(t, shared), await startServer(t, shared)]
  await proxy.refuse()
  const ids = [...(await spoolMany(one, 50, 'one')), ...(await spoolMany(two, 50, 'two'))]
  assert.equal((await segments(shared.TEMPO_SPOOL_DIR)).length, 2)
  await killed(one)
  await eventually(async () => (await health(two)).spool.depth === 100, 20_000)
  await proxy.restore()
  await drained(two)
  const rows = await db.read<{ id: string }[]>`SELECT id FROM events`
  assert.deepEqual(rows.map(({ id }) => id).sort(), ids.sort())
  await eventually(async () => (await readdir(shared.TEMPO_SPOOL_DIR)).length === 0)
})

test('an event that the database refuses is answered 422 and kept; one that fails otherwise waits until it works', async (t) => {
  const { env, db } = await makePlace(t)
  const server = await startServer(t, env)
  await db.read`ALTER TABLE events ADD CHECK (title <> 'bad')`
  const [bad, good] = await Promise.all([send(server, { title: 'bad' }), send(server, { title: 'good' })])
  assert.deepEqual([bad.status, bad.body.code, good.status], [422, 'unstorable', 200])
  const kept =
    await db.read`SELECT problem->>'detail' AS detail FROM quarantine WHERE id = ${bad.body.quarantineId!}`
  assert.match(kept[0]!.detail, /SQLSTATE 23514/)

  await db.read.unsafe(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.title = 'odd') EXECUTE FUNCTION fail();`)
  const odd = await send(server, { title: 'odd' })
  assert.equal(odd.status, 202)
  assert.equal((await send(server, { title: 'good' })).status, 200)
  await db.read`DROP TRIGGER fail ON events`
  await drained(server)
  assert.equal((await db.read`SELECT 1 FROM events WHERE id = ${odd.body.id!}`).length, 1)
})

test('what cannot be stored when the database is back goes to quarantine, and refused bodies follow too', async (t) => {
  const { env, proxy, db } = await makePlace(t)
  const server = await startServer(t, env)
  await proxy.refuse()
  const bad = await send(server, { title: 'bad' })
  const good = await send(server, { title: 'good' })
  const refused = await send(server, '{"title": "broken')
  assert.deepEqual([bad.status, good.status, refused.status], [202, 202, 422])
  await db.read`ALTER TABLE events ADD CHECK (title <> 'bad')`
  await proxy.restore()
  await drained(server)
  const rows = await db.read<{ id: string; body: Uint8Array }[]>`SELECT id, body FROM quarantine ORDER BY id`
  assert.deepEqual(
    rows.map(({ id }) => id),
    [bad.body.id, refused.body.quarantineId],
  )
  assert.equal(Buffer.from(rows[1]!.body).toString(), '{"title": "broken')
  assert.deepEqual(
    (await db.read`SELECT id FROM events`).map(({ id }) => id),
    [good.body.id],
  )
})

test('the metrics and the doctor tell of what waits, and the command send of what it was answered', async (t) => {
  const { env, proxy } = await makePlace(t)
  const server = await startServer(t, env)
  await proxy.refuse()
  await spoolMany(server, 3)
  const metrics = await (
    await fetch(`${server.url}/metrics`, { headers: { 'X-Tempo-Token': server.adminToken } })
  ).text()
  assert.match(metrics, /^tempo_spool_depth 3$/m)
  assert.match(metrics, /^tempo_spool_bytes [1-9]\d+$/m)
  assert.match(metrics, /^tempo_spool_oldest_age_seconds \d/m)
  const doctor = await tempo(['doctor'], { ...env, TEMPO_URL: server.url })
  assert.match(doctor.stdout, /spool.*3 event/)
  const sent = await tempo(['send', '--title', 'x'], { ...env, TEMPO_URL: server.url })
  assert.deepEqual([sent.code, JSON.parse(sent.stdout).spooled], [0, true])
  assert.match(sent.stderr, /spool/)
})

test('a segment that was cut short by somebody does not keep the rest from being stored', async (t) => {
  const { env, proxy, db, spoolDir } = await makePlace(t)
  const server = await startServer(t, env)
  await proxy.refuse()
  const ids = await spoolMany(server, 10)
  const [path] = await segments(spoolDir)
  await truncate(path!, Math.floor((await stat(path!)).size / 2))
  await proxy.restore()
  await eventually(async () => (await health(server)).spool.depth === 0, 20_000)
  const rows = await db.read<{ id: string }[]>`SELECT id FROM events`
  assert.ok(rows.length >= 3 && rows.every(({ id }) => ids.includes(id)))
})

/** Stops the postmaster, which could start others meanwhile, then all of its children; what is returned lets them go on. */
async function stopAll(postmaster: number): Promise<() => void> {
  process.kill(postmaster, 'SIGSTOP')
  const children = await childrenOf(postmaster)
  for (const pid of children) process.kill(pid, 'SIGSTOP')
  return () => {
    for (const pid of [postmaster, ...children]) process.kill(pid, 'SIGCONT')
  }
}

async function childrenOf(postmaster: number): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1])
    }),
  )
  return pids.filter((_, index) => parents[index] === postmaster)
}

test('a PostgreSQL that is stopped in the middle of its work, and goes on later, costs no sender 5 s and no event', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, async (t) => {
  const place = await makeDataDir(t)
  const postgres = await startEmbedded({ dataDir: place, role: 'command', label: 'a test' })
  t.after(postgres.stop)
  const url = `postgres://tempo@/tempo?host=${postgres.host}`
  const db = openDatabase({ url }, 'test')
  t.after(db.close)
  const server = await startServer(t, { DATABASE_URL: url, TEMPO_DATA_DIR: await makeDataDir(t) })
  const load = startLoad(server.url, server.adminToken)
  await eventually(() => load.answered.size > 100, 20_000)
  for (let round = 0; round < 3; round++) {
    const goOn = await stopAll(postgres.pid)
    try {
      const { status, ms } = await send(server, { title: 'one', metadata: { mark: `stopped ${round}` } })
      assert.deepEqual([status, ms < MAX_WAIT_MS], [202, true], `${ms} ms`)
      const spooled = load.spooled()
      await eventually(() => load.spooled() > spooled + 100, 20_000)
    } finally {
      goOn()
    }
    await drained(server)
  }
  await load.stop()
  assert.deepEqual([...load.refused.keys()], [])
  assert.ok(load.slowest() < MAX_WAIT_MS, `${load.slowest()} ms`)
  assert.equal(server.stderr(), '')
  await assertStored(db, [load])
})
