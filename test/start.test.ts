/** What the first start and a start with wrong settings do, and what the log never holds. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createTestDatabase } from './helpers/database.ts'
import { openDatabaseProxy } from './helpers/database-proxy.ts'
import {
  CLI,
  type Env,
  makeDataDir,
  runProgram,
  type ServerProcess,
  startServer,
  tempo,
} from './helpers/process.ts'
import { eventually } from './helpers/server.ts'

const IS_ROOT = process.getuid?.() === 0
const HAS_SCRIPT = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false

async function makePlace(t: TestContext) {
  const dataDir = await makeDataDir(t)
  const database = await createTestDatabase()
  t.after(database.drop)
  return { dataDir, database, env: { TEMPO_DATA_DIR: dataDir, DATABASE_URL: database.url } }
}

async function stopped(server: ServerProcess): Promise<void> {
  server.kill('SIGTERM')
  assert.equal((await server.exited).code, 0)
}

async function post(server: ServerProcess, token: string, body: string): Promise<number> {
  const headers = { 'X-Tempo-Token': token }
  const response = await fetch(`${server.url}/ingest`, { method: 'POST', headers, body })
  await response.text()
  return response.status
}

test('the first start writes the admin token to a private file and not to the log', async (t) => {
  const { dataDir, env } = await makePlace(t)
  const first = await startServer(t, { ...env, TEMPO_LOG_LEVEL: 'trace' })
  const { mode } = await stat(join(dataDir, 'admin-token'))
  assert.equal(mode & 0o777, 0o600)
  assert.match(first.adminToken, /^tempo_[0-9a-f]{8}_[\w-]{43}$/)
  assert.equal(await post(first, first.adminToken, '{"providerIdentifier":"com.x","title":"x"}'), 200)
  await stopped(first)
  const told = first.log().filter(({ msg }) => /admin token was written to a file/.test(msg))
  assert.deepEqual(
    told.map(({ path }) => path),
    [join(dataDir, 'admin-token')],
  )
  assert.ok(!first.stdout().includes(first.adminToken) && first.stderr() === '')
  assert.deepEqual(await readdir(dataDir), ['admin-token', 'secret-key', 'tokens.json'])
  assert.equal((await stat(join(dataDir, 'secret-key'))).mode & 0o777, 0o600)
  assert.equal((await stat(join(dataDir, 'tokens.json'))).mode & 0o777, 0o600)

  const second = await startServer(t, env)
  assert.equal(second.adminToken, first.adminToken)
  assert.ok(!second.log().some(({ msg }) => /admin token/.test(msg)))
})

test('a terminal is shown the admin token once, and what to do next', { skip: !HAS_SCRIPT }, async (t) => {
  const { dataDir, env } = await makePlace(t)
  /** Starts the server on a terminal, and sends it what Ctrl-C sends as soon as it is ready. */
  const onTerminal = async (): Promise<string> => {
    const serve = `'${process.execPath}' '${CLI}' serve`
    const session = `${serve} & server=$!
      for i in $(seq 600); do grep -qs 'npx tempo token create' '${dataDir}/../typescript' && break; sleep 0.1; done
      kill -INT $server; wait $server`
    const typescript = join(dataDir, '../typescript')
    const { stdout } = await runProgram(
      'script',
      ['--quiet', '--flush', '--return', '--command', session, typescript],
      {
        ...env,
        TEMPO_PORT: '0',
      },
    )
    return stdout
  }
  const first = await onTerminal()
  const token = (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim()
  assert.match(first, /Tempo server \d+\.\d+\.\d+ is ready at http:\/\/127\.0\.0\.1:\d+\//)
  assert.equal(first.split(token).length, 2)
  assert.match(first, /stopped/)
  const second = await onTerminal()
  assert.match(second, /is ready at/)
  assert.ok(!second.includes(token))
})

test('with TEMPO_ADMIN_TOKEN no token is made, and that one opens everything', async (t) => {
  const { dataDir, database, env } = await makePlace(t)
  const mine = 'chosen-by-me-with-at-least-32-characters'
  const file = `${dataDir}.secret`
  await writeFile(file, `${mine}\n`)
  for (const setting of [{ TEMPO_ADMIN_TOKEN: mine }, { TEMPO_ADMIN_TOKEN_FILE: file }]) {
    const server = await startServer(t, { ...env, ...setting })
    assert.equal(server.adminToken, '')
    assert.equal(await post(server, mine, '{"providerIdentifier":"com.x","title":"x"}'), 200)
    await stopped(server)
    assert.ok(!server.stdout().includes(mine))
  }
  assert.deepEqual([...(await database.open().read`SELECT name FROM tokens`)], [])
})

test('an admin token that cannot be written stops the start, and does not count', async (t) => {
  const { dataDir, database, env } = await makePlace(t)
  await mkdir(join(dataDir, 'admin-token', 'in the way'), { recursive: true })
  const refused = await tempo(['serve'], { ...env, TEMPO_PORT: '0' })
  assert.equal(refused.code, 1)
  assert.match(
    refused.stderr,
    /^The first admin token cannot be written to .*admin-token: E\w+\.\nMake TEMPO_DATA_DIR a folder .*TEMPO_ADMIN_TOKEN\.\n$/,
  )
  assert.deepEqual([...(await database.open().read`SELECT name FROM tokens`)], [])
})

test('a data folder that is a file is named', async (t) => {
  const { dataDir, env } = await makePlace(t)
  await writeFile(dataDir, '')
  const external = await tempo(['serve'], { ...env, TEMPO_PORT: '0' })
  assert.match(external.stderr, /^The first admin token cannot be written to .*: (EEXIST|ENOTDIR)\./)
  const embedded = await tempo(['serve'], { TEMPO_DATA_DIR: dataDir, TEMPO_PORT: '0' })
  assert.match(embedded.stderr, /^The data folder .* cannot be used: /)
  for (const { code, stderr } of [external, embedded]) {
    assert.equal(code, 1)
    assert.doesNotMatch(stderr, /^\s+at /m)
  }
})

test('each bad setting is one line on stderr, and no value is repeated', async (t) => {
  const dataDir = await makeDataDir(t)
  const secret = 'sw0rdfish'
  await writeFile(`${dataDir}.empty`, '\n')
  const env: Env = {
    TEMPO_DATA_DIR: dataDir,
    TEMPO_PORT: `${secret}1`,
    TEMPO_LOG_LEVEL: secret,
    TEMPO_BASE_PATH: secret,
    TEMPO_MAX_BODY_BYTES: '12',
    TEMPO_ADMIN_TOKEN: secret,
    DATABASE_URL: `postgres://tempo:${secret}#1@db/tempo`,
    TEMPO_SCORES_DIR_FILE: `/nowhere/${secret}`,
    TEMPO_DELIVERIES_MAX_FILE: `${dataDir}.empty`,
    TEMPO_RATE_LIMIT: '1',
    TEMPO_RATE_LIMIT_FILE: `${dataDir}.empty`,
  }
  const { code, stdout, stderr } = await tempo(['serve'], env)
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' })
  assert.doesNotMatch(stderr, new RegExp(secret))
  assert.deepEqual(
    stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0])
      .sort(),
    [
      'DATABASE_URL',
      'TEMPO_ADMIN_TOKEN',
      'TEMPO_BASE_PATH',
      'TEMPO_DELIVERIES_MAX_FILE',
      'TEMPO_LOG_LEVEL',
      'TEMPO_MAX_BODY_BYTES',
      'TEMPO_PORT',
      'TEMPO_RATE_LIMIT',
      'TEMPO_SCORES_DIR_FILE',
    ],
  )
})

test('a setting may come from a file, and a name that is none is warned about', async (t) => {
  const { dataDir, database, env } = await makePlace(t)
  await writeFile(`${dataDir}.url`, `${database.url}\n`)
  const { DATABASE_URL: _, ...rest } = env
  const server = await startServer(t, {
    ...rest,
    DATABASE_URL_FILE: `${dataDir}.url`,
    TEMPO_PROT: 'sw0rdfish',
  })
  assert.equal(server.log().find(({ msg }) => msg === 'listening')?.database, 'postgres')
  const warnings = server.log().filter(({ level }) => level === 40)
  assert.deepEqual(
    warnings.map(({ msg }) => msg),
    ['TEMPO_PROT is not a setting; the README lists them'],
  )
  assert.ok(!server.stdout().includes('sw0rdfish'))
})

test('a host that is not of this machine is named', async (t) => {
  const { env } = await makePlace(t)
  for (const host of ['192.0.2.1', 'nowhere.invalid']) {
    const { code, stderr } = await tempo(['serve'], { ...env, TEMPO_HOST: host })
    assert.equal(stderr, `${host} is not an address of this machine. Correct TEMPO_HOST.\n`)
    assert.equal(code, 1)
  }
})

test('a database that takes connections and says nothing, or ends them, does not hold up the start', async (t) => {
  const start = async (isOpen: boolean) => {
    const dataDir = await makeDataDir(t)
    const other = createServer((socket) => {
      socket.on('error', () => {})
      if (!isOpen) socket.end()
    })
    t.after(() => other.close())
    await once(other.listen(0, '127.0.0.1'), 'listening')
    const { port } = other.address() as { port: number }
    const env = { TEMPO_DATA_DIR: dataDir, DATABASE_URL: `postgres://tempo@127.0.0.1:${port}/tempo` }
    const begun = Date.now()
    const server = await startServer(t, env)
    const ms = Date.now() - begun
    assert.ok(ms < 20_000, `${ms} ms`)
    const health = await fetch(`${server.url}/health`)
    const { status } = (await health.json()) as { status: string }
    assert.deepEqual([health.status, status], [200, 'degraded'])
    assert.ok(server.log().some(({ level, msg }) => level === 40 && /^the database is away/.test(msg)))
    await stopped(server)
  }
  await Promise.all([start(true), start(false)])
})

test('a database that refuses us for good ends the first start with a sentence, and not one that has run before', async (t) => {
  const { dataDir, database, env } = await makePlace(t)
  const url = new URL(database.url)
  url.pathname = '/nowhere'
  const wrong = { ...env, DATABASE_URL: url.href }
  const refused = await tempo(['serve'], { ...wrong, TEMPO_PORT: '0' })
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /^The database refused: .*nowhere.* \(3D000\)\. Check DATABASE_URL\.\n$/)
  assert.deepEqual(await readdir(dataDir).catch(() => []), [])

  const first = await startServer(t, env)
  await stopped(first)
  const again = await startServer(t, wrong)
  assert.equal(await post(again, first.adminToken, '{"providerIdentifier":"com.x","title":"x"}'), 202)
  assert.ok(
    again.log().some(({ level, msg }) => level === 50 && /^the database refuses this server/.test(msg)),
  )
  await stopped(again)
})

test('the log holds no payload, no token and no password, also when the database fails', async (t) => {
  const { dataDir, database } = await makePlace(t)
  const proxy = await openDatabaseProxy(database.url)
  t.after(proxy.close)
  const url = new URL(proxy.url)
  url.password ||= 'sw0rdfish'
  const server = await startServer(t, { DATABASE_URL: url.href, TEMPO_DATA_DIR: dataDir })
  const secret = (await tempo(['token', 'create', '--name', 'pve'], { DATABASE_URL: url.href })).stdout.trim()
  const payload = (title: unknown) =>
    JSON.stringify({ providerIdentifier: 'com.x', title, metadata: { Message: 'marlin' } })

  assert.equal(await post(server, secret, payload('good marlin')), 200)
  assert.equal(await post(server, secret, payload({ marlin: 1 })), 422)
  assert.equal(await post(server, secret, '{"title": "marlin'), 422)
  assert.equal(await post(server, 'tempo_00000000_marlin', payload('x')), 401)
  // What PostgreSQL refuses comes back with the row that it refused.
  await database.open().read`ALTER TABLE events ADD CHECK (title <> 'bad marlin')`
  await database.open().read`ALTER TABLE quarantine ADD CHECK (false) NOT VALID`
  assert.equal(await post(server, secret, payload('bad marlin')), 422)
  assert.equal(await post(server, secret, payload({ marlin: 1 })), 422)
  await proxy.refuse()
  assert.equal(await post(server, secret, payload('late marlin')), 202)
  assert.equal(await post(server, secret, '{"title": "marlin'), 422)
  await proxy.restore()
  await eventually(async () => (await post(server, secret, payload('again'))) === 200, 10_000)
  await stopped(server)

  const output = server.stdout() + server.stderr()
  assert.match(output, /the database refuses an event/)
  assert.match(output, /the database is away/)
  for (const text of [url.password, 'marlin', secret, server.adminToken]) {
    const line = output.split('\n').find((line) => line.includes(text))
    assert.equal(line, undefined)
  }
})

test('someone else’s admin token cannot be looked at, and doctor says so', { skip: !IS_ROOT }, async (t) => {
  const { dataDir, env } = await makePlace(t)
  await stopped(await startServer(t, env))
  await chmod(dataDir, 0o700)
  const command = `'${process.execPath}' '${CLI}' doctor`
  const setpriv = ['--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c', command]
  if (
    (await runProgram('setpriv', [...setpriv.slice(0, -1), `'${process.execPath}' --check '${CLI}'`]))
      .code !== 0
  ) {
    t.skip('an ordinary user cannot read this checkout')
    return
  }
  const { code, stdout, stderr } = await runProgram('setpriv', setpriv, env)
  assert.deepEqual([code, stderr], [1, ''])
  assert.match(stdout, /^bad {3}.*admin-token cannot be looked at \(EACCES\)$/m)
})
