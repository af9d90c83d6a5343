/**
 * Real PostgreSQL servers of a test's own, on TCP ports of 127.0.0.1: one alone, or a primary and a standby that
 * follows it by streaming replication, synchronously, so that what is committed is on both.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  chmod,
  chown,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createClient, type Sql } from '../../src/storage/database.ts'
import { type Binaries, prepareBinaries, thisHost } from '../../src/storage/embedded-binaries.ts'
import { childOptions, run, type SystemUser } from '../../src/storage/embedded-process.ts'
import { chooseDatabaseUser } from '../../src/storage/embedded-user.ts'
import { eventually } from './server.ts'

/** Database and superuser have the same name. */
const DATABASE = 'tempo'
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'replica',
  max_wal_senders: '5',
  wal_keep_size: '1GB',
  max_connections: '60',
  shared_buffers: '32MB',
  max_wal_size: '512MB',
  io_method: 'sync',
  lc_messages: 'C',
  wal_receiver_timeout: '3s',
  wal_sender_timeout: '3s',
}

/** Why these servers cannot be made here; false when they can. */
export const withoutProcfs = process.platform === 'linux' ? false : 'finds the processes of a server in /proc'

export type PostgresServer = {
  port: number
  /** The URL of its own database, by itself. */
  url: string
  start: () => Promise<void>
  /** Ends it in order: connections are closed, all is on disk. */
  stop: () => Promise<void>
  /** `SIGKILL` to every process of it, `SIGSTOP`, `SIGCONT`. Resolves when it has gone, if it was killed. */
  signal: (signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT') => Promise<void>
  /** Makes a standby the primary. */
  promote: () => Promise<void>
  /** Makes a standby of this running server, which waits for it with each commit from then on. */
  addStandby: () => Promise<PostgresServer>
  /** How far a standby has received what its primary writes, in bytes of write-ahead log. */
  received: () => Promise<bigint>
  /**
   * Makes a standby follow another primary, which waits for it with each commit from then on. One that has received more
   * than that primary had when it was promoted cannot.
   */
  follow: (primary: PostgresServer) => Promise<void>
  /** Waits for so many standbys with each commit; resolves when they all follow. */
  waitFor: (standbys: number) => Promise<void>
  /** Runs something as the superuser, on a connection of its own. */
  ask: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>
}

/** Makes and starts a server with an empty database. It ends with the test, together with its standbys. */
export async function startPostgres(t: TestContext): Promise<PostgresServer> {
  const root = await mkdtemp(join(tmpdir(), 'tempo-postgres-'))
  await chmod(root, 0o755)
  const servers: { close: () => Promise<void> }[] = []
  t.after(async () => {
    for (const { close } of servers.toReversed()) await close()
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  })
  const user = process.getuid?.() === 0 ? await chooseDatabaseUser(() => {}) : undefined
  const binaries = await prepareBinaries(root, user, thisHost(), () => {})
  const machine: Machine = { root, user, binaries, servers }

  const folder = await makeFolder(machine)
  const auth = ['--auth-local=trust', '--auth-host=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  await runOrThrow(binaries.initdb, ['-D', folder, '-U', DATABASE, ...auth], user)
  const lines = Object.entries(SETTINGS).map(([name, value]) => `${name} = '${value}'\n`)
  await appendFile(join(folder, 'postgresql.conf'), lines.join(''))
  await runOrThrow(
    binaries.postgres,
    ['--single', '-D', folder, 'postgres'],
    user,
    `create database ${DATABASE}\n`,
  )
  const server = await createPostgresServer(machine, folder)
  await server.start()
  return server
}

const connectionTo = (port: number): string => `host=127.0.0.1 port=${port} user=${DATABASE}`

type Machine = {
  root: string
  user: SystemUser | undefined
  binaries: Binaries
  servers: { close: () => Promise<void> }[]
}

async function makeFolder({ root, user }: Machine): Promise<string> {
  const folder = await mkdtemp(join(root, 'cluster-'))
  if (user) await chown(folder, user.uid, user.gid)
  return folder
}

async function runOrThrow(
  command: string,
  args: string[],
  user: SystemUser | undefined,
  input = '',
): Promise<void> {
  const { ok, output } = await run(command, args, { user, input })
  if (!ok) throw new Error(`${command} failed: ${output}`)
}

async function createPostgresServer(machine: Machine, folder: string): Promise<PostgresServer> {
  const { binaries, user } = machine
  const port = await findFreePort()
  const url = `postgres://${DATABASE}@127.0.0.1:${port}/${DATABASE}`
  let child: ChildProcess | null = null
  let output = ''
  let standbys = 0

  async function ask<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const { sql } = createClient({ url }, { max: 1, connection: { application_name: 'the test itself' } })
    try {
      return await work(sql)
    } finally {
      await sql.end({ timeout: 1 })
    }
  }

  async function start(): Promise<void> {
    const spawned = spawn(binaries.postgres, ['-D', folder, '-p', String(port)], {
      ...childOptions(user, '/'),
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child = spawned
    spawned.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-10_000)
    })
    await eventually(async () => {
      if (spawned.exitCode !== null) throw new Error(`PostgreSQL did not start: ${output}`)
      return ask((sql) => sql`SELECT 1`).catch(() => null)
    }, 60_000)
  }

  async function signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const postmaster = child!
    // The postmaster first: it could start others meanwhile, or clear up after them.
    if (postmaster.exitCode === null && postmaster.signalCode === null) postmaster.kill(name)
    for (const pid of await processesIn(folder)) kill(pid, name)
    if (name !== 'SIGKILL') return
    if (postmaster.exitCode === null && postmaster.signalCode === null) await once(postmaster, 'exit')
    await eventually(async () => {
      const left = await processesIn(folder)
      for (const pid of left) kill(pid, name)
      return left.length === 0
    }, 20_000)
  }

  async function stop(): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    // A fast shutdown (PostgreSQL, 18.5 Shutting Down the Server).
    child.kill('SIGINT')
    await exited
  }

  async function addStandby(): Promise<PostgresServer> {
    const copy = await makeFolder(machine)
    // The low-level base backup (PostgreSQL, 25.3.4), since the packaged PostgreSQL has no pg_basebackup.
    const label = await ask(async (sql) => {
      await sql`SELECT pg_backup_start('standby', true)`
      // What vanishes while it is copied is not needed.
      await run('cp', ['-a', `${folder}/.`, copy], { user })
      const [end] = await sql<{ label: string }[]>`SELECT labelfile AS label FROM pg_backup_stop(false)`
      return end!.label
    })
    await rm(join(copy, 'postmaster.pid'), { force: true })
    await rm(join(copy, 'postmaster.opts'), { force: true })
    await writeFile(join(copy, 'backup_label'), label)
    await writeFile(join(copy, 'standby.signal'), '')
    const settings = `primary_conninfo = '${connectionTo(port)}'\nsynchronous_standby_names = ''\n`
    await writeFile(join(copy, 'postgresql.auto.conf'), settings)
    if (user) {
      for (const name of ['backup_label', 'standby.signal', 'postgresql.auto.conf'])
        await chown(join(copy, name), user.uid, user.gid)
    }
    const standby = await createPostgresServer(machine, copy)
    await standby.start()
    await waitFor(++standbys)
    return standby
  }

  async function waitFor(count: number): Promise<void> {
    standbys = count
    await ask(async (sql) => {
      await sql.unsafe(`ALTER SYSTEM SET synchronous_standby_names = 'FIRST ${count} (*)'`)
      await sql`SELECT pg_reload_conf()`
      await eventually(async () => {
        const rows =
          await sql`SELECT FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'`
        return rows.length === count
      }, 30_000)
    })
  }

  async function follow(primary: PostgresServer): Promise<void> {
    await ask(async (sql) => {
      await sql.unsafe(`ALTER SYSTEM SET primary_conninfo = '${connectionTo(primary.port)}'`)
      await sql`SELECT pg_reload_conf()`
    })
    await primary.waitFor(1)
  }

  const received = () =>
    ask(async (sql) => {
      const [row] = await sql<{ bytes: string }[]>`
        SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::text AS bytes`
      return BigInt(row!.bytes)
    })

  const promote = () => ask(async (sql) => void (await sql`SELECT pg_promote(true, 60)`))
  machine.servers.push({
    close: async () => {
      if (child) await signal('SIGKILL')
    },
  })
  return { port, url, start, stop, signal, promote, addStandby, received, follow, waitFor, ask }
}

/** The processes of a cluster: each works in its folder. */
async function processesIn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const isInside = (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === folder
      // A zombie has ended, and waits for nobody but its parent.
      const isZombie = / Z /.test(
        (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).replace(/.*\)/s, ''),
      )
      return isInside && !isZombie ? [Number(pid)] : []
    }),
  )
  return found.flat()
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

/** A port that nobody listens on now. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** The URL that names several servers, as the settings of a Tempo server would. */
export function urlOfAll(servers: PostgresServer[], parameters = 'target_session_attrs=primary'): string {
  const hosts = servers.map(({ port }) => `127.0.0.1:${port}`).join(',')
  return `postgres://${DATABASE}@${hosts}/${DATABASE}?${parameters}`
}
