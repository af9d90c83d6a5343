/** The commands, as processes: what they print where, and their exit codes. */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createTestDatabase } from './helpers/database.ts'
import {
  CLI,
  type Env,
  embeddedDatabase,
  type Finished,
  makeDataDir,
  runProgram,
  startServer,
  tempo,
} from './helpers/process.ts'
import { eventually, fixture } from './helpers/server.ts'

const TOKEN = /^tempo_[0-9a-f]{8}_[\w-]{43}$/
const DAY_MS = 86_400_000

type Kind = 'embedded' | 'external'

async function makePlace(t: TestContext, kind: Kind = 'external'): Promise<Env> {
  const dataDir = await makeDataDir(t)
  if (kind === 'embedded') return { TEMPO_DATA_DIR: dataDir }
  const database = await createTestDatabase()
  t.after(database.drop)
  return { TEMPO_DATA_DIR: dataDir, DATABASE_URL: database.url }
}

function assertDone({ code, stderr }: Finished, expectedStderr: string | RegExp = ''): void {
  if (typeof expectedStderr === 'string') assert.equal(stderr, expectedStderr)
  else assert.match(stderr, expectedStderr)
  assert.equal(code, 0)
}

/** It failed, told why on stderr and without a stack, and printed nothing that a script would take for a result. */
function assertRefused({ code, stdout, stderr }: Finished, why: RegExp, expectedCode = 1): void {
  assert.match(stderr, why)
  assert.doesNotMatch(stderr, /^\s+at /m)
  assert.deepEqual({ code, stdout }, { code: expectedCode, stdout: '' })
}

async function ingest(url: string, token: string): Promise<number> {
  const response = await fetch(`${url}/ingest`, {
    method: 'POST',
    headers: { 'X-Tempo-Token': token },
    body: JSON.stringify({ providerIdentifier: 'com.proxmox', title: 'x' }),
  })
  await response.text()
  return response.status
}

for (const kind of ['embedded', 'external'] as const) {
  for (const state of ['running', 'stopped'] as const) {
    test(`tokens are made, listed and revoked: ${kind} database, server ${state}`, async (t) => {
      const env = await makePlace(t, kind)
      const server = state === 'running' ? await startServer(t, env) : null

      const made = await tempo(['token', 'create', '--name', 'pve', '--provider', 'com.proxmox'], env)
      assertDone(made)
      assert.match(made.stdout, /^\S+\n$/)
      const token = made.stdout.trim()
      assert.match(token, TOKEN)
      if (server) assert.equal(await ingest(server.url, token), 200)

      const options = ['--scope', 'read', '--scope', 'admin', '--expires', '90d', '--json']
      const other = await tempo(['token', 'create', '--name', 'ops', ...options], env)
      assertDone(other)
      const facts = JSON.parse(other.stdout)
      assert.deepEqual(Object.keys(facts), ['id', 'name', 'token', 'scopes', 'providers', 'expiresAt'])
      assert.deepEqual([facts.name, facts.scopes, facts.providers], ['ops', ['read', 'admin'], []])
      assert.match(facts.token, TOKEN)
      assert.ok(Math.abs(Date.parse(facts.expiresAt) - Date.now() - 90 * DAY_MS) < 60_000)

      const list = await tempo(['token', 'list'], env)
      assertDone(list)
      const row = list.stdout.split('\n').find((line) => line.includes(' pve '))!
      assert.match(row, /tempo_[0-9a-f]{8} +ingest +com\.proxmox +in force/)
      const json = await tempo(['token', 'list', '--json'], env)
      for (const { stdout } of [list, json]) {
        assert.ok(!stdout.includes(token) && !stdout.includes(facts.token))
        assert.doesNotMatch(stdout, /hash/i)
      }
      const ids = JSON.parse(json.stdout).map(({ name, id }: Record<string, string>) => [name, id])
      assert.equal(new Map(ids).get('ops'), facts.id)

      assertDone(await tempo(['token', 'revoke', 'pve'], env), /^Revoked pve \(tempo_[0-9a-f]{8}\)\.\n$/)
      if (server) await eventually(async () => (await ingest(server.url, token)) === 401, 500)
      assertDone(await tempo(['token', 'revoke', facts.id], env), /^Revoked ops/)
      assertRefused(await tempo(['token', 'revoke', 'pve'], env), /^No token in force has the id.* pve\.\n$/)
      const after = await tempo(['token', 'list'], env)
      assert.equal(after.stdout.match(/ revoked /g)?.length, 2)
      if (kind === 'embedded') {
        assert.equal((await embeddedDatabase(env.TEMPO_DATA_DIR!)).pid !== undefined, server !== null)
      }
    })
  }
}

test('a token is revoked by its prefix, and a name that two have is not enough', async (t) => {
  const env = await makePlace(t)
  const create = ['token', 'create', '--name', 'twin', '--expires', '2099-01-31T00:00:00Z', '--json']
  const first = JSON.parse((await tempo(create, env)).stdout)
  assert.equal(first.expiresAt, '2099-01-31T00:00:00.000Z')
  assert.deepEqual(first.scopes, ['ingest'])
  const second = JSON.parse((await tempo(create, env)).stdout)
  const ambiguous = await tempo(['token', 'revoke', 'twin'], env)
  assertRefused(ambiguous, /^2 tokens have the name twin; give the id:\n/)
  assert.ok(ambiguous.stderr.includes(first.id) && ambiguous.stderr.includes(second.id))
  assertDone(await tempo(['token', 'revoke', first.token.slice(0, 14)], env), /^Revoked twin/)
  assertDone(await tempo(['token', 'revoke', 'twin'], env), /^Revoked twin/)
})

test('a wish that makes no sense is refused, and nothing is printed that looks like a token', async (t) => {
  const env = await makePlace(t)
  const create = (...options: string[]) => tempo(['token', 'create', ...options], env)
  const named = ['--name', 'x']
  const wishes: [Promise<Finished>, why: RegExp, code?: number][] = [
    [create(...named, '--provider', 'Not A Provider'), /a provider looks like com\.proxmox/],
    [create(...named, '--scope', 'root'), /choose one of .*ingest/],
    [create(...named, '--expires', 'soon'), /^--expires: give a later instant/],
    [create(...named, '--expires', '2020-01-01T00:00:00Z'), /^--expires: give a later/],
    [create('--name', ' '), /^--name: give 1 to 100 characters/],
    [create(), /required option '--name <name>' not specified/, 2],
    [create(...named, '--colour', 'red'), /unknown option '--colour'/, 2],
    [tempo(['token', 'revoke'], env), /missing required argument 'id'/, 2],
    [tempo(['tokens'], env), /unknown command 'tokens'/, 2],
  ]
  for (const [wish, why, code] of wishes) assertRefused(await wish, why, code)
  assert.equal((await tempo(['token', 'list', '--json'], env)).stdout, '[]\n')
})

test('every command has a help that says what it does, and needs no database for it', async () => {
  const env = { DATABASE_URL: 'nonsense' }
  const visit = async (path: string[]): Promise<number> => {
    const help = await tempo([...path, '--help'], env)
    assertDone(help)
    const [usage, empty, about] = help.stdout.split('\n')
    assert.ok(usage?.startsWith(`Usage: ${['tempo', ...path].join(' ')} `), usage)
    assert.deepEqual([empty, (about ?? '').length > 10], ['', true])
    assert.ok(help.stdout.split('\n').every((line) => line.length <= 80))
    const commands = help.stdout.split('\nCommands:\n')[1] ?? ''
    const names = [...commands.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name!)
    const below = names.filter((name) => name !== 'help').map((name) => visit([...path, name]))
    return (await Promise.all(below)).reduce((sum, count) => sum + count, 1)
  }
  assert.ok((await visit([])) >= 12)
  assert.match((await tempo(['--version'], env)).stdout, /^\d+\.\d+\.\d+\n$/)
  assertRefused(await tempo([], env), /^Usage: tempo /, 2)
})

test('send posts options, a file or standard input with the admin token of the data folder', async (t) => {
  const env = await makePlace(t)
  const server = await startServer(t, env)
  const at = { ...env, TEMPO_URL: server.url }
  const folder = await mkdtemp(join(tmpdir(), 'tempo-cli-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'payload.json')
  await writeFile(file, await fixture('pve/vzdump-failed.json'))

  const severity = ['--severity', 'error', '--node', 'pve-01', '--vmid', '100', '--message', 'It "broke"\n']
  const probe = await tempo(['send', '--title', 'probe', ...severity], at)
  assertDone(probe)
  assert.deepEqual([JSON.parse(probe.stdout).title, JSON.parse(probe.stdout).severity], ['probe', 'error'])
  const fromFile = await tempo(['send', file], at)
  assertDone(fromFile)
  assert.equal(JSON.parse(fromFile.stdout).provider, 'com.proxmox')
  const input = await fixture('pve/replication.json')
  assertDone(await tempo(['send', '-', '--url', `${server.url}/`], { ...env }, { input }))
  const response = await fetch(`${server.url}/api/v1/events`, {
    headers: { 'X-Tempo-Token': server.adminToken },
  })
  const { items } = (await response.json()) as { items: { derivedFrom: string | null }[] }
  assert.equal(items.filter(({ derivedFrom }) => derivedFrom === null).length, 3)

  assertRefused(await tempo(['send', '-'], at, { input: '{"title": "a" "b"}' }), /answered 422: .*not JSON/)
  assertRefused(await tempo(['send', join(folder, 'none.json')], at), /^ENOENT: no such file.*none\.json'\n$/)
  for (const secret of ['wrong-token-of-mine', 'unfit\u0001ünfit']) {
    const refused = await tempo(['send', '--token', secret], at)
    assertRefused(refused, /answered 401|No server answers/)
    assert.ok(!refused.stderr.includes(secret))
  }
  assertRefused(await tempo(['send'], { ...at, TEMPO_TOKEN: 'wrong' }), /answered 401/)
  const elsewhere = { ...at, TEMPO_DATA_DIR: folder }
  assertRefused(await tempo(['send'], elsewhere), /^Give a token with --token or TEMPO_TOKEN: .*is not there/)

  server.kill('SIGTERM')
  await server.exited
  assertRefused(
    await tempo(['send'], at),
    /^No server answers at .*\(ECONNREFUSED\)\. Start it with: npm start\n$/,
  )
})

test('score list shows the scores in force, and score validate says what is wrong and where', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'tempo-scores-'))
  t.after(() => rm(folder, { recursive: true }))
  const good = join(folder, 'good.tempo-score')
  const bad = join(folder, 'bad.json')
  await writeFile(good, JSON.stringify({ providerIdentifier: 'com.example', displayName: 'Mine' }))
  await writeFile(bad, '{\n  "displayName": 7\n')
  await mkdir(join(folder, 'empty'))

  const place = await makePlace(t)
  const bundled = await tempo(['score', 'list'], place)
  assertDone(bundled)
  assert.match(bundled.stdout, /^com\.proxmox\t.+\tbundled$/m)
  const own = await tempo(['score', 'list'], { ...place, TEMPO_SCORES_DIR: folder })
  assert.match(own.stdout, /^com\.example\tMine\town$/m)
  assert.ok(own.stderr.startsWith(bad))
  assert.equal(own.code, 1)

  const valid = await tempo(['score', 'validate', good])
  assertDone(valid)
  assert.equal(valid.stdout, `${good}: good (com.example)\n`)
  assertRefused(await tempo(['score', 'validate', bad]), /bad\.json\S*: .*is not JSON.*line 3/)
  const both = await tempo(['score', 'validate', folder])
  assert.deepEqual([both.code, both.stdout], [1, `${good}: good (com.example)\n`])
  assertRefused(await tempo(['score', 'validate', join(folder, 'none')]), /^ENOENT: .*none'\n$/)
  assertRefused(await tempo(['score', 'validate', join(folder, 'empty')]), /has no score files/)
})

test('doctor says what is well and what is not', async (t) => {
  const env = await makePlace(t)
  const server = await startServer(t, env)
  const at = { ...env, TEMPO_URL: server.url }
  const well = await tempo(['doctor'], at)
  assertDone(well)
  assert.doesNotMatch(well.stdout, /^bad/m)
  assert.match(well.stdout, /^good {2}server \d+\.\d+\.\d+ at .* says it is ok$/m)
  assert.match(well.stdout, /^good {2}the PostgreSQL of DATABASE_URL answers: version \d+/m)
  assert.match(well.stdout, /^note {2}no token for senders yet/m)
  assert.match(well.stdout, /^good {2}.*admin-token is there, and private$/m)

  await chmod(join(env.TEMPO_DATA_DIR!, 'admin-token'), 0o644)
  const open = await tempo(['doctor'], { ...at, TEMPO_PROT: '1' })
  assert.equal(open.code, 1)
  assert.match(open.stdout, /^bad {3}.*admin-token can be read by others: chmod 600 /m)
  assert.match(open.stdout, /^note {2}TEMPO_PROT is not a setting/m)
  await chmod(join(env.TEMPO_DATA_DIR!, 'admin-token'), 0o600)

  server.kill('SIGTERM')
  await server.exited
  const down = await tempo(['doctor'], at)
  assertDone(down)
  assert.match(down.stdout, /^note {2}no Tempo server answers at .*; start it with: npm start$/m)

  const nowhere = { ...at, DATABASE_URL: 'postgres://tempo:sw0rdfish@127.0.0.1:1/tempo' }
  const lost = await tempo(['doctor'], nowhere)
  assert.deepEqual([lost.code, lost.stderr], [1, ''])
  assert.match(lost.stdout, /^bad {3}the PostgreSQL of DATABASE_URL: The database cannot be reached/m)
  assert.doesNotMatch(lost.stdout, /sw0rdfish|^\s+at /m)
})

test('migrate makes the schema of an empty database, and needs no second time', async (t) => {
  const database = await createTestDatabase('empty')
  t.after(database.drop)
  const env = { DATABASE_URL: database.url }
  for (let time = 0; time < 2; time++) {
    assertDone(await tempo(['migrate'], env), 'The schema is up to date.\n')
  }
  assertDone(await tempo(['token', 'list'], env))
})

test('the socket of a PostgreSQL is named by ?host=', async (t) => {
  const place = await makePlace(t, 'embedded')
  await startServer(t, place)
  const { target } = await embeddedDatabase(place.TEMPO_DATA_DIR!)
  const { host } = target as { host: string }
  for (const url of [
    `postgres://tempo@/tempo?host=${host}`,
    `postgres://tempo@localhost/tempo?host=${host}`,
  ]) {
    const { stdout } = await tempo(['token', 'list', '--json'], { DATABASE_URL: url })
    assert.deepEqual(
      JSON.parse(stdout).map(({ name }: { name: string }) => name),
      ['admin'],
    )
  }
})

test('a database that is not there is one clear line, soon', async (t) => {
  const env = await makePlace(t)
  const urls: [url: string, line: RegExp][] = [
    ['postgres://tempo:sw0rdfish@127.0.0.1:1/tempo', /^The database cannot be reached \(ECONNREFUSED\)\. /],
    ['postgres://tempo:sw0rdfish@localhost:1/tempo', /^The database cannot be reached \(ECONNREFUSED\)\. /],
    ['postgres://tempo:sw0rdfish@nowhere.invalid/tempo', /^The database cannot be reached \(E\w+\)\. /],
    ['postgres://tempo:sw0rdfish@/tempo?host=/nowhere', /^The database cannot be reached \(ENOENT\)\. /],
    [env.DATABASE_URL!.replace(/tempo_test_\w+/, 'none'), /^The database refused: .*"none" does not exist/],
  ]
  const attempts = urls.flatMap(([url, line]) =>
    // A server waits for a database that is away, and listens meanwhile.
    [...(url.includes('/none') ? [['serve']] : []), ['token', 'list']].map(async (command) => {
      const refused = await tempo(command, { ...env, DATABASE_URL: url })
      assertRefused(refused, line)
      assert.match(refused.stderr, /^.*Check DATABASE_URL.*\n$/)
      assert.doesNotMatch(refused.stderr, /sw0rdfish/)
      assert.ok(refused.ms < 15_000, `${refused.ms} ms`)
    }),
  )
  await Promise.all(attempts)
  assert.deepEqual(await readdir(join(env.TEMPO_DATA_DIR!, '..')), [])
})

test('a reader that leaves early is no failure', async (t) => {
  const env = await makePlace(t)
  const node = process.execPath
  const { code, stdout, stderr } = await runProgram(
    'sh',
    ['-c', `'${node}' '${CLI}' token --help | head -n 1`],
    env,
  )
  assert.deepEqual(
    { code, stdout, stderr },
    { code: 0, stdout: 'Usage: tempo token [options] [command]\n', stderr: '' },
  )
})
