import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type postgres from 'postgres'
import { unavailable } from '../errors.ts'
import { createPostgres } from './driver.ts'

export type Sql = postgres.Sql
export type Tx = postgres.TransactionSql
/** What both a pool and a transaction can run. */
export type Queryable = postgres.ISql

/** Where the database is: a URL, or the socket of the embedded one. */
export type DatabaseTarget = { url: string } | { host: string; port: number; user: string; database: string }

/** Two pools, so that slow readers never keep a sender waiting. */
export type Database = {
  /** For what a sender waits on: few connections, short deadlines. */
  write: Sql
  /** For everything people and programs read. */
  read: Sql
  /** Drizzle on the read pool, for statements that need no tuning. */
  orm: PostgresJsDatabase
  close: () => Promise<void>
}

/** Milliseconds that a statement on the way of a sender may take; Proxmox hangs up after 10 s. */
export const WRITE_DEADLINE_MS = 7_000
const READ_DEADLINE_MS = 20_000
const CONNECT_DEADLINE_S = 5
/** Between two attempts to connect. postgres.js would wait 20 s, and lose what comes when the database is back. */
const MAX_PAUSE_S = 1

function connect(target: DatabaseTarget, options: postgres.Options<Record<string, never>>): Sql {
  const all = {
    onnotice: () => {},
    connect_timeout: CONNECT_DEADLINE_S,
    backoff: (retries: number) => Math.min(0.05 * 2 ** retries, MAX_PAUSE_S),
    ...options,
    connection: { TimeZone: 'UTC', DateStyle: 'ISO', ...options.connection },
  }
  return 'url' in target ? createPostgres(...readUrl(target.url, all)) : createPostgres({ ...target, ...all })
}

/** Understands `?host=/folder` as libpq does: the folder of a Unix socket (PostgreSQL, 32.1.1.2 Connection URIs). */
function readUrl<T extends object>(text: string, options: T): [string, T] {
  const url = new URL(text.replace(/^(postgres(?:ql)?:\/\/[^/@]*@?)\//, '$1localhost/'))
  const host = url.searchParams.get('host')
  if (!host?.startsWith('/')) return [text, options]
  url.searchParams.delete('host')
  return [url.href, { ...options, host, port: Number(url.port || 5432) }]
}

/** OID of timestamptz (PostgreSQL, pg_type.dat). */
const TIMESTAMPTZ = 1184

/** Reads `0050-01-31 14:00:00.5+00` as ISO 8601; as it stands, Date would guess, and take that year for 1950. */
function readInstant(text: string): Date {
  return new Date(text.replace(' ', 'T').replace(/\+00$/, 'Z'))
}

/**
 * Makes a client that both Drizzle and plain statements use. Drizzle makes the conversion of dates the identity; dates
 * are put back, which Drizzle's own columns accept. JSON parameters stay text that the caller has written.
 */
export function createClient(
  target: DatabaseTarget,
  options: postgres.Options<Record<string, never>> = {},
): { sql: Sql; orm: PostgresJsDatabase } {
  const sql = connect(target, options)
  const orm = drizzle(sql)
  sql.options.parsers[TIMESTAMPTZ] = readInstant
  sql.options.serializers[TIMESTAMPTZ] = (at: Date | string) => (at instanceof Date ? at.toISOString() : at)
  return { sql, orm }
}

/**
 * Opens both pools. Nothing is asked of the database yet: postgres.js connects with the first statement and
 * reconnects by itself.
 */
export function openDatabase(target: DatabaseTarget, name = 'tempo'): Database {
  const connection = (deadline: number) => ({
    application_name: name,
    statement_timeout: deadline,
    idle_in_transaction_session_timeout: 15_000,
  })
  // An answer of 200 is a promise, whatever the default of the server or the role says.
  const durable = { ...connection(WRITE_DEADLINE_MS), synchronous_commit: 'on' }
  const { sql: write } = createClient(target, { max: 3, connection: durable })
  const { sql: read, orm } = createClient(target, { max: 8, connection: connection(READ_DEADLINE_MS) })
  return {
    write,
    read,
    orm,
    close: async () => {
      await Promise.all([write.end({ timeout: 3 }), read.end({ timeout: 3 })])
    },
  }
}

/** Runs several queries on one state of the database, so that their answers agree. */
export function readTogether<T>(db: Database, read: (tx: Tx) => Promise<T>): Promise<T> {
  return db.read.begin('isolation level repeatable read read only', read) as Promise<T>
}

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
])

/**
 * True when the database could not be asked or could not answer now, so that the same statement may succeed later.
 * SQLSTATE classes: 08 connection, 28 login refused, 3D no such database, 53 resources, 57P0x shutting down, 58 disk,
 * 40 rollback; 57014 deadline, 25006 read-only (a standby), 55000 no connections taken, 55P03 lock not available
 * (PostgreSQL, Appendix A). An operator mends some of these; until then the sender is to try again.
 */
export function isPassing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code !== 'string') return false
  if (CONNECTION_CODES.has(code)) return true
  return /^(08|28|3D|53|57P0|58|40|57014$|25006$|55000$|55P03$)/.test(code)
}

/** Runs a statement of a sender with a deadline of the client's own, for a network that answers nothing at all. */
export async function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`The database did not answer in ${ms} ms (${what}).`)), ms)
  })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}
