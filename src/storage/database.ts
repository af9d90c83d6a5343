import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type postgres from 'postgres'
import { unavailable } from '../errors.ts'
import { type Host, readDatabaseUrl } from './database-url.ts'
import { createPostgres } from './driver.ts'
import { codeOf, DEADLINE } from './failures.ts'
import { createPrimary } from './primary.ts'

export type Sql = postgres.Sql
export type Tx = postgres.TransactionSql
/** What both a pool and a transaction can run. */
export type Queryable = postgres.ISql

/** Where the database is: a URL, of one server or several, or the socket of the embedded one. */
export type DatabaseTarget = { url: string } | { host: string; port: number; user: string; database: string }

/** Pools of their own, so that slow readers never keep a sender waiting. */
export type Database = {
  /** For what a sender waits on: few connections, short deadlines. */
  write: Sql
  /** The same for transactions that are sent whole, one behind the other: a single connection (send-whole.ts). */
  ahead: Sql
  /** For everything people and programs read. */
  read: Sql
  /** Drizzle on the read pool, for statements that need no tuning. */
  orm: PostgresJsDatabase
  /** Closes the connections of a pool that was `write`, and of its `ahead`, with what is under way there, and opens others. */
  renewWrite: (pool: Sql) => void
  close: () => Promise<void>
}

/** Milliseconds that a statement on the way of a sender may take; Proxmox hangs up after 10 s. */
export const WRITE_DEADLINE_MS = 7_000
const READ_DEADLINE_MS = 20_000
const CONNECT_DEADLINE_S = 5
/** Seconds of silence after which the system asks whether the other machine is still there. */
const KEEP_ALIVE_S = 15
/** Between two attempts to connect. postgres.js would wait 20 s, and lose what comes when the database is back. */
const MAX_PAUSE_S = 1

/**
 * Writers look up some rows of large tables. A plan that was made while a table was small reads all of it, and would stay
 * in use until the statistics are next made.
 */
const BY_INDEX = { enable_seqscan: 'off', enable_hashjoin: 'off', enable_mergejoin: 'off' }

type ClientOptions = postgres.Options<Record<string, never>>

/** What the driver is told of a target; the pools that share it are always at the same one of several servers. */
type Route = { url?: string; options: ClientOptions }

function routeTo(target: DatabaseTarget): Route {
  if (!('url' in target)) return { options: target }
  const read = readDatabaseUrl(target.url)
  const [first, ...more] = read.hosts as [Host, ...Host[]]
  if (more.length === 0 && read.session === 'any') {
    // A list, which the driver does not look for colons in; the folder of a socket it takes as a text only.
    const host = first.host.startsWith('/') ? first.host : [first.host]
    return { url: read.common, options: { host, port: [first.port] } as object }
  }
  const names = read.hosts.map(({ host }) => host).join(',')
  // The driver itself makes sure again that the server which it was led to is no standby.
  const options = { host: [names], port: [first.port], target_session_attrs: 'primary' }
  return { url: read.common, options: { ...options, socket: createPrimary(read).openSocket } as object }
}

/**
 * Few statements here take as long as to compile their plans would (PostgreSQL, Just-in-Time Compilation). But estimates of
 * many branches are far too high, and what is estimated high is compiled by default: a third of PostgreSQL's time under load.
 */
const NOT_COMPILED = { jit: 'off' }

function connect({ url, options: place }: Route, options: ClientOptions): Sql {
  const all = {
    onnotice: () => {},
    connect_timeout: CONNECT_DEADLINE_S,
    keep_alive: KEEP_ALIVE_S,
    backoff: (retries: number) => Math.min(0.05 * 2 ** retries, MAX_PAUSE_S),
    ...place,
    ...options,
    connection: { TimeZone: 'UTC', DateStyle: 'ISO', ...NOT_COMPILED, ...options.connection },
  }
  return url === undefined ? createPostgres(all) : createPostgres(url, all)
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
  options: ClientOptions = {},
): { sql: Sql; orm: PostgresJsDatabase } {
  return createPool(routeTo(target), options)
}

function createPool(route: Route, options: ClientOptions): { sql: Sql; orm: PostgresJsDatabase } {
  const sql = connect(route, options)
  const orm = drizzle(sql)
  sql.options.parsers[TIMESTAMPTZ] = readInstant
  sql.options.serializers[TIMESTAMPTZ] = (at: Date | string) => (at instanceof Date ? at.toISOString() : at)
  return { sql, orm }
}

/**
 * Opens both pools. Nothing is asked of the database yet: postgres.js connects with the first statement and
 * reconnects by itself.
 */
export function openDatabase(
  target: DatabaseTarget,
  name = 'tempo',
  writeDeadlineMs: number = WRITE_DEADLINE_MS,
): Database {
  const connection = (deadline: number) => ({
    application_name: name,
    statement_timeout: deadline,
    idle_in_transaction_session_timeout: 15_000,
  })
  // An answer of 200 is a promise, whatever the default of the server or the role says.
  const durable = { ...connection(writeDeadlineMs), synchronous_commit: 'on', ...BY_INDEX }
  const route = routeTo(target)
  const openWrite = () => createPool(route, { max: 3, connection: durable }).sql
  const openAhead = () => createPool(route, { max: 1, connection: durable }).sql
  const { sql: read, orm } = createPool(route, { max: 8, connection: connection(READ_DEADLINE_MS) })
  const db: Database = {
    write: openWrite(),
    ahead: openAhead(),
    read,
    orm,
    renewWrite: (pool) => {
      if (pool !== db.write) return
      for (const old of [db.write, db.ahead]) old.end({ timeout: 0 }).catch(() => {})
      db.write = openWrite()
      db.ahead = openAhead()
    },
    close: async () => {
      await Promise.all([db.write, db.ahead, read].map((pool) => pool.end({ timeout: 3 })))
    },
  }
  return db
}

/** Runs several queries on one state of the database, so that their answers agree. */
export function readTogether<T>(db: Database, read: (tx: Tx) => Promise<T>): Promise<T> {
  return db.read.begin('isolation level repeatable read read only', read) as Promise<T>
}

/** Runs a statement of a sender with a deadline of the client's own, for a network that answers nothing at all. */
export async function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(noAnswer(ms, what)), ms)
  })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}

function noAnswer(ms: number, what: string): Error {
  const cause = Object.assign(new Error('the deadline has passed'), { code: DEADLINE })
  return unavailable(`The database did not answer in ${ms} ms (${what}).`, cause)
}

/**
 * The same for what writes. After the deadline the connections of `write` are closed and others opened: what is under
 * way there ends by that, and a server that is gone without a word holds nobody up.
 */
export async function withWriteDeadline<T>(
  db: Database,
  ms: number,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const pool = db.write
  try {
    return await withDeadline(work(), ms, what)
  } catch (error) {
    if (codeOf(error) === DEADLINE) db.renewWrite(pool)
    throw error
  }
}
