/** `tempo backup` and `tempo restore`, as processes: files, pipes, exit codes, and servers that run meanwhile. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type Database, openDatabase } from '../src/storage/database.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { digests, fillDatabase } from './helpers/backups.ts'
import { createTestDatabase } from './helpers/database.ts'
import { judgedEvent } from './helpers/events.ts'
import { lockWaiters } from './helpers/held.ts'
import { assertInvariants } from './helpers/invariants.ts'
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
import { eventually } from './helpers/server.ts'

/** A database on the server of the tests, and a folder for its commands. */
async function makeExternal(t: TestContext): Promise<{ env: Env; db: Database }> {
  const dataDir = await makeDataDir(t)
  const database = await createTestDatabase()
  t.after(database.drop)
  return { env: { DATABASE_URL: database.url, TEMPO_DATA_DIR: dataDir }, db: database.open() }
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tempo-backup-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

function assertDone({ code, stdout, stderr }: Finished, told: RegExp): void {
  assert.match(stderr, told)
  assert.deepEqual({ code, stdout }, { code: 0, stdout: '' })
}

function assertRefused({ code, stdout, stderr }: Finished, why: RegExp, expectedCode = 1): void {
  assert.match(stderr, why)
  assert.doesNotMatch(stderr, /^\s+at /m)
  assert.deepEqual({ code, stdout }, { code: expectedCode, stdout: '' })
}

async function assertSameEvents(from: Record<string, string>, to: Database): Promise<void> {
  const actual = await digests(to)
  for (const name of ['stacks', 'stack_windows', 'events', 'scores', 'quarantine']) {
    assert.equal(actual[name], from[name], name)
  }
}

async function post(url: string, token: string, title: string): Promise<number> {
  const response = await fetch(`${url}/ingest`, {
    method: 'POST',
    headers: { 'X-Tempo-Token': token },
    body: JSON.stringify({ providerIdentifier: 'com.proxmox', title }),
  })
  await response.text()
  return response.status
}

async function titles(url: string, token: string): Promise<string[]> {
  const response = await fetch(`${url}/api/v1/events?state=all`, { headers: { 'X-Tempo-Token': token } })
  const { items } = (await response.json()) as { items: { title: string }[] }
  return items.map(({ title }) => title).sort()
}

const CREATE = ['token', 'create', '--name', 'pve', '--provider', 'com.proxmox']

for (const state of ['running', 'stopped'] as const) {
  test(`the embedded database moves to a server of one's own: both Tempo servers ${state}`, async (t) => {
    const old = { TEMPO_DATA_DIR: await makeDataDir(t) }
    const oldServer = await startServer(t, old)
    const token = (await tempo(CREATE, old)).stdout.trim()
    for (const title of ['a', 'b']) assert.equal(await post(oldServer.url, token, title), 200)
    const db = openDatabase((await embeddedDatabase(old.TEMPO_DATA_DIR)).target, 'test')
    await fillDatabase(db)
    const before = await digests(db)
    const expected = await titles(oldServer.url, oldServer.adminToken)
    await db.close()
    const { env, db: newDb } = await makeExternal(t)
    if (state === 'stopped') {
      oldServer.kill('SIGTERM')
      await oldServer.exited
    }
    const early = state === 'running' ? await startServer(t, env) : null
    const file = join(await makeFolder(t), 'tempo.backup')

    const made = await tempo(['backup', file, '--with-secrets'], old)
    assertDone(
      made,
      /^Backed up \d+ events in \d+ stacks to .*tempo\.backup \(0\.\d MB\)\.\nIt holds the hashes/,
    )
    assertDone(await tempo(['restore', file], env), /^Restored \d+ events in \d+ stacks\.\n$/)

    await assertSameEvents(before, newDb)
    const server = early ?? (await startServer(t, env))
    assert.equal((await embeddedDatabase(old.TEMPO_DATA_DIR)).pid === undefined, state === 'stopped')
    await eventually(async () => (await post(server.url, token, 'c')) === 200)
    const reader = server.adminToken || oldServer.adminToken
    const now = await titles(server.url, reader)
    assert.deepEqual(
      now.filter((title) => title !== 'c'),
      expected,
    )
    const scores = await tempo(['score', 'list'], env)
    assert.match(scores.stdout, /^com\.example\t/m)
  })
}

test('a restore tells which tokens to make anew, with the command that does it', async (t) => {
  const from = await makeExternal(t)
  const to = await makeExternal(t)
  await tempo([...CREATE, '--provider', 'com.example', '--cluster', 'the lab'], from.env)
  await tempo(
    ['token', 'create', '--name', "it's \u001b[31mred", '--scope', 'read', '--scope', 'admin'],
    from.env,
  )
  const expires = new Date(Date.now() + 86_400_000).toISOString()
  const sealing = { ...from.env, TEMPO_SECRET_KEY: 'a key of this test, which is long enough' }
  const signing = ['token', 'create', '--name', 'cloud', '--provider', 'com.proxcenter', '--expires', expires]
  for (const flag of ['--hmac', '--hmac-required'])
    assert.equal((await tempo([...signing, flag], sealing)).code, 0)
  const file = join(await makeFolder(t), 'tempo.backup')
  assertDone(await tempo(['backup', file], from.env), /Tokens will have to be made anew .*--with-secrets/)
  const restored = await tempo(['restore', file], to.env)
  assertDone(restored, /^Restored 0 events in 0 stacks\.\nThe backup was made without --with-secrets\./)
  const lines = restored.stderr.split('\n').slice(2)
  assert.deepEqual(lines, [
    "  tempo token create --name pve --provider com.proxmox --provider com.example --set 'Cluster=the lab'",
    "  tempo token create --name 'it'\\''s  [31mred' --scope read --scope admin",
    `  tempo token create --name cloud --provider com.proxcenter --expires ${expires} --hmac`,
    `  tempo token create --name cloud --provider com.proxcenter --expires ${expires} --hmac-required`,
    '',
  ])
  const { stdout } = await runProgram(
    'sh',
    ['-c', lines[0]!.replace('tempo', `'${process.execPath}' '${CLI}'`)],
    to.env,
  )
  assert.match(stdout, /^tempo_/)
})

test('a backup is a private file that appears when it is whole, and is not written over unasked', async (t) => {
  const { env, db } = await makeExternal(t)
  await storeEvents(db, [judgedEvent()])
  const folder = await makeFolder(t)
  const file = join(folder, 'tempo.backup')
  await writeFile(`${file}.partial`, 'what an earlier run has left', { mode: 0o644 })
  assertDone(await tempo(['backup', file, '--quiet'], env), /^$/)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(folder), ['tempo.backup'])
  const first = await readFile(file)
  assertRefused(await tempo(['backup', file], env), /tempo\.backup is there already\. .*--force\.\n$/)
  assert.deepEqual(await readFile(file), first)
  await storeEvents(db, [judgedEvent()])
  assertDone(await tempo(['backup', file, '--force'], env), /^Backed up 2 events/)
  const [header] = gunzipSync(await readFile(file))
    .toString()
    .split('\n')
  const { format, version, secrets, deliveries } = JSON.parse(header!)
  assert.deepEqual(
    { format, version, secrets, deliveries },
    { format: 'tempo-backup', version: 1, secrets: false, deliveries: true },
  )

  assertRefused(await tempo(['backup', folder], env), /is not a file/)
  assertRefused(await tempo(['backup', '/dev/null', '--force'], env), /^\/dev\/null is not a file/)
  assertRefused(await tempo(['backup', join(folder, 'none', 'x')], env), /^ENOENT: .*none/)
  assertRefused(await tempo(['backup'], env), /missing required argument 'file'/, 2)
  const nowhere = { ...env, DATABASE_URL: 'postgres://tempo@127.0.0.1:1/tempo' }
  assertRefused(await tempo(['backup', join(folder, 'other')], nowhere), /^The database cannot be reached/)
  assert.deepEqual(await readdir(folder), ['tempo.backup'])
})

test('a full disk fails a backup in one line, and leaves nothing', async (t) => {
  const { env, db } = await makeExternal(t)
  await storeEvents(db, [judgedEvent()])
  const node = `'${process.execPath}' '${CLI}'`
  const { code, stderr } = await runProgram('sh', ['-c', `${node} backup - > /dev/full`], env)
  assert.equal(code, 1)
  assert.match(stderr, /^Standard output cannot be written \(ENOSPC\)\..*\n$/)
})

test('a pipe takes a backup from one database to another, and a reader that leaves fails it', async (t) => {
  const from = await makeExternal(t)
  const to = await makeExternal(t)
  await fillDatabase(from.db)
  const before = await digests(from.db)
  const node = `'${process.execPath}' '${CLI}'`
  const piped = await runProgram(
    'sh',
    ['-c', `${node} backup - --quiet | DATABASE_URL="$TARGET" ${node} restore - --quiet`],
    { ...from.env, TARGET: to.env.DATABASE_URL! },
  )
  assert.deepEqual({ ...piped, ms: 0 }, { code: 0, signal: null, stdout: '', stderr: '', ms: 0 })
  await assertSameEvents(before, to.db)

  const left = await runProgram('bash', ['-c', `set -o pipefail; ${node} backup - | true`], from.env)
  assert.equal(left.code, 1)
  assert.match(left.stderr, /^Standard output cannot be written \(EPIPE\)/)
})

test('what is no whole backup is refused in one line, and the database stays empty', async (t) => {
  const from = await makeExternal(t)
  const to = await makeExternal(t)
  await fillDatabase(from.db)
  const folder = await makeFolder(t)
  const file = join(folder, 'tempo.backup')
  await tempo(['backup', file], from.env)
  const whole = await readFile(file)
  const altered = (position: number) => {
    const bytes = Buffer.from(whole)
    bytes[position]! ^= 0x10
    return bytes
  }
  const contents: [content: Buffer | string, why: RegExp][] = [
    ['', /^This is not a backup|^The backup is torn/],
    ['{"format":"tempo-backup"}', /^This is not a backup of Tempo server\.\n$/],
    [gzipSync('PGDMP'), /^This is not a backup/],
    [
      gzipSync(gunzipSync(whole).toString().replace('"version":1', '"version":2')),
      /has version 2 of its format/,
    ],
    [whole.subarray(0, whole.length - 1), /^The backup is torn or was altered: it ends too early\.\n/],
    [
      altered(300),
      /^(The backup is torn or was altered|This is not a backup|The database refused the rows of )/,
    ],
  ]
  for (const [content, why] of contents) {
    await writeFile(file, content)
    assertRefused(await tempo(['restore', file], to.env), why)
  }
  assertRefused(await tempo(['restore', folder], to.env), /is a folder/)
  assertRefused(await tempo(['restore', join(folder, 'none')], to.env), /^ENOENT: .*none'\n$/)
  assertRefused(await tempo(['restore', '-'], to.env, { input: '' }), /^This is not|^The backup is torn/)
  const [row] = await to.db.read`
    SELECT (SELECT count(*) FROM events)::int + (SELECT count(*) FROM stacks)::int + (SELECT count(*) FROM tokens)::int AS rows`
  assert.deepEqual(row, { rows: 0 })
  await writeFile(file, whole)
  assertDone(await tempo(['restore', file], to.env), /^Restored/)
  assertRefused(
    await tempo(['restore', file], to.env),
    /^The database is not empty: .*\n.*--replace\.\nNothing was/,
  )
  assertDone(await tempo(['restore', file, '--replace'], to.env), /^Restored/)
})

test('a running server shows what replaced its data, and goes on taking events', async (t) => {
  const { env, db } = await makeExternal(t)
  const server = await startServer(t, env)
  const token = (await tempo(CREATE, env)).stdout.trim()
  await eventually(async () => (await post(server.url, token, 'kept')) === 200)
  const file = join(await makeFolder(t), 'tempo.backup')
  assertDone(await tempo(['backup', file], env), /^Backed up 1 event in 1 stack/)
  assert.equal(await post(server.url, token, 'lost'), 200)
  assertDone(await tempo(['restore', file, '--replace'], env), /^Restored 1 event in 1 stack\.\n$/)
  assert.deepEqual(await titles(server.url, server.adminToken), ['kept'])
  assert.equal(await post(server.url, token, 'new'), 200)
  assert.deepEqual(await titles(server.url, server.adminToken), ['kept', 'new'])
  await assertInvariants(db)
})

for (const command of ['backup', 'restore'] as const) {
  test(`a ${command} that is interrupted while it waits ends at once and leaves nothing`, async (t) => {
    const { env, db } = await makeExternal(t)
    const folder = await makeFolder(t)
    const file = join(folder, 'tempo.backup')
    if (command === 'restore') await tempo(['backup', file], env)
    const holder = await db.read.reserve()
    await holder`SET idle_in_transaction_session_timeout = 0`
    await holder`BEGIN`
    await holder`LOCK TABLE events IN ACCESS EXCLUSIVE MODE`
    const child = spawn(process.execPath, [CLI, command, file], { env: { PATH: process.env.PATH, ...env } })
    t.after(() => child.kill('SIGKILL'))
    const text: string[] = []
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => text.push(chunk))
    const isWaiting = () =>
      lockWaiters(db, 1).then(
        () => true,
        () => false,
      )
    await eventually(isWaiting, 60_000)
    child.kill('SIGTERM')
    const begun = performance.now()
    const [code] = await once(child, 'close')
    assert.ok(performance.now() - begun < 20_000, 'it waited for the lock')
    assert.deepEqual([code, text.join('')], [1, 'Interrupted before it was done.\n'])
    assert.deepEqual(await readdir(folder), command === 'restore' ? ['tempo.backup'] : [])
    await holder`ROLLBACK`
    holder.release()
  })
}
