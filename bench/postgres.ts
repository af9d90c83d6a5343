/** The PostgreSQL of the contenders that bring none: the packaged one, with the settings of any fresh installation, or a given one. */
import { readFileSync } from 'node:fs'
import { createClient, type DatabaseTarget, type Sql } from '../src/storage/database.ts'
import { startEmbedded } from '../src/storage/embedded.ts'
import { CannotRun } from './contender.ts'
import { childrenOf } from './procfs.ts'

/** A database for one round. */
export type RoundDatabase = {
  /** As libpq and the drivers of Node take it. */
  url: string
  sql: Sql
  drop: () => Promise<void>
}

export type BenchPostgres = {
  /** The postmaster. */
  pid: number
  settings: string
  createDatabase: () => Promise<RoundDatabase>
  stop: () => Promise<void>
}

/** The defaults of PostgreSQL 18, where the embedded one is set up for little memory. */
const DEFAULTS = {
  max_connections: '100',
  shared_buffers: '128MB',
  maintenance_work_mem: '64MB',
  effective_cache_size: '4GB',
  min_wal_size: '80MB',
  max_wal_size: '1GB',
  wal_level: 'replica',
  max_wal_senders: '10',
  max_worker_processes: '8',
  max_logical_replication_workers: '4',
  max_parallel_workers_per_gather: '2',
  max_parallel_maintenance_workers: '2',
  autovacuum_max_workers: '3',
  io_method: 'worker',
}

const SHOWN = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'wal_level',
  'shared_buffers',
  'max_wal_size',
  'max_connections',
  'data_checksums',
]

/** Starts the packaged one in `dataDir`. */
export async function startPostgres(dataDir: string): Promise<BenchPostgres> {
  const options = { dataDir, role: 'command' as const, label: 'bench' }
  const first = await startEmbedded(options)
  await asAdmin(first, async (sql) => {
    for (const [name, value] of Object.entries(DEFAULTS))
      await sql.unsafe(`ALTER SYSTEM SET ${name} = '${value}'`)
  })
  await first.stop()
  const embedded = await startEmbedded(options)
  const { user, port, host, database, pid, stop } = embedded
  const url = `postgres://${user}@localhost:${port}/${database}?host=${host}`
  return benchPostgres({ url, pid, stop: () => stop() })
}

/** One that runs already, reached by a URL of its superuser. */
export async function benchPostgres({
  url,
  pid,
  stop,
}: {
  url: string
  pid: number
  stop: () => Promise<void>
}): Promise<BenchPostgres> {
  return { pid, settings: await asAdmin({ url }, readSettings), createDatabase: databasesOf(url), stop }
}

/**
 * The server of a URL, as it is set up. It must run on this machine, where its processes can be seen, and the role must be a
 * superuser. Only the databases of the rounds are made there, and dropped.
 */
export async function usePostgres(url: string): Promise<BenchPostgres> {
  const [row] = await asAdmin(
    { url },
    (sql) => sql<{ pid: number }[]>`
      SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int AS pid`,
  ).catch((error) => {
    throw new CannotRun(`--postgres cannot be used: ${error.message || error.code}`)
  })
  const { pid } = row!
  if (!isPostgres(pid)) throw new CannotRun('--postgres names a server that does not run on this machine')
  return benchPostgres({ url, pid, stop: async () => {} })
}

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'postgres\n'
  } catch {
    return false
  }
}

/** Makes databases of their own for rounds, on the server of a URL. */
function databasesOf(server: string): BenchPostgres['createDatabase'] {
  let count = 0
  const onServer = (...statements: string[]) =>
    asAdmin({ url: server }, async (sql) => {
      for (const statement of statements) await sql.unsafe(statement)
    })
  return async () => {
    const name = `tempo_bench_${process.pid}_${++count}`
    // A round must not pay for the pages that the one before has left to be written.
    await onServer(`CREATE DATABASE ${name}`, 'CHECKPOINT')
    const url = server.replace(/\/[^/?]*(\?|$)/, `/${name}$1`)
    const { sql } = createClient({ url }, { max: 1 })
    const drop = async () => {
      await sql.end()
      await onServer(`DROP DATABASE ${name} WITH (FORCE)`)
    }
    return { url, sql, drop }
  }
}

/** Does something on a connection of its own. */
export async function asAdmin<T>(target: DatabaseTarget, work: (sql: Sql) => Promise<T>): Promise<T> {
  const place = 'url' in target ? target : { ...pick(target) }
  const { sql } = createClient(place, { max: 1 })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

/** An embedded database has more than the driver understands. */
function pick({ host, port, user, database }: Exclude<DatabaseTarget, { url: string }>): DatabaseTarget {
  return { host, port, user, database }
}

/** Version and settings that decide how fast it may be, in a line. */
export async function readSettings(sql: Sql): Promise<string> {
  const rows = await sql<
    { name: string; value: string }[]
  >`SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY(${['server_version', ...SHOWN]})`
  const values = new Map(rows.map(({ name, value }) => [name, value]))
  return [
    `PostgreSQL ${values.get('server_version')}`,
    ...SHOWN.map((name) => `${name} ${values.get(name)}`),
  ].join(', ')
}

/** The postmaster with all its children. */
export function processesOf(postmaster: number): number[] {
  return [postmaster, ...childrenOf(postmaster)]
}
