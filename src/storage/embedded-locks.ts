/**
 * One connection that holds our share in the database, by advisory locks. The kernel closes it when we are killed,
 * however that happens, so that a lock can never outlive its holder.
 */
import { realpath } from 'node:fs/promises'
import type postgres from 'postgres'
import { fatal } from '../errors.ts'
import { createPostgres } from './driver.ts'
import { DATABASE } from './embedded-cluster.ts'
import { type Place, SOCKET_PORT } from './embedded-folder.ts'

/** First key of our locks, the letters TEMP; the second keys follow. */
const LOCK_CLASS = 0x54454d50
/** Shared by all who use the database; held exclusively by the one who stops it. */
const IN_USE = 1
/** Held by the one server of this folder. */
const SERVER = 2

/** Who holds the lock of the server. */
export type Holder = { label: string; backend: number }

export type Session = {
  /** Settles when the connection is gone, and with it all locks. */
  closed: Promise<void>
  isClosed: () => boolean
  /** False while somebody is about to stop the database. */
  tryUse: () => Promise<boolean>
  tryServe: () => Promise<boolean>
  findServer: () => Promise<Holder | undefined>
  /** Gives up all locks; true when nobody else uses the database, and from then on nobody can. */
  releaseAsLast: () => Promise<boolean>
  close: () => Promise<void>
}

/** What a failed connection says about the database; anything else is thrown as it is. */
export type Absence = 'absent' | 'starting' | 'stopping'

/** Tells what the database is doing from the error that a connection or a statement met; undefined for others. */
export function readAbsence(error: unknown): Absence | undefined {
  const { code, message } = error as { code?: string; message?: string }
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'absent'
  // SQLSTATE cannot_connect_now: of its reasons only the text tells.
  if (code === '57P03') return /shutting down/.test(message ?? '') ? 'stopping' : 'starting'
  const passing = ['57P01', '57P02', '53300', 'ECONNRESET', 'EPIPE', 'CONNECT_TIMEOUT', 'CONNECTION_CLOSED']
  if (code && (passing.includes(code) || code.startsWith('CONNECTION_'))) return 'stopping'
}

/** Connects and makes sure that it is the database of this folder that answers. */
export async function openSession(place: Place, socketDir: string, label: string): Promise<Session> {
  let isClosed = false
  let settle = () => {}
  const closed = new Promise<void>((resolve) => {
    settle = resolve
  })
  const sql = createPostgres({
    host: socketDir,
    port: SOCKET_PORT,
    user: DATABASE,
    database: DATABASE,
    ssl: false,
    // postgres.js would end the connection after half an hour, or replace it unasked, and the locks with it.
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 5,
    prepare: false,
    fetch_types: false,
    connection: { application_name: label },
    onnotice: () => {},
    onclose: () => {
      isClosed = true
      settle()
    },
  })

  /** Runs a statement on the first connection or not at all: on another one it would speak of other locks. */
  async function ask<T extends object>(statement: () => postgres.PendingQuery<T[]>): Promise<T> {
    if (isClosed) throw Object.assign(new Error('the connection was lost'), { code: 'CONNECTION_CLOSED' })
    const [row] = await statement()
    return row as T
  }
  type Got = { got: boolean }

  const session: Session = {
    closed,
    isClosed: () => isClosed,
    tryUse: async () =>
      (
        await ask<Got>(
          () => sql`SELECT pg_try_advisory_lock_shared(${LOCK_CLASS}::int, ${IN_USE}::int) AS got`,
        )
      ).got,
    tryServe: async () =>
      (await ask<Got>(() => sql`SELECT pg_try_advisory_lock(${LOCK_CLASS}::int, ${SERVER}::int) AS got`)).got,
    findServer: () =>
      ask<Holder>(
        () => sql`
          SELECT application_name AS label, pid AS backend
          FROM pg_locks JOIN pg_stat_activity USING (pid)
          WHERE locktype = 'advisory' AND granted AND classid = ${LOCK_CLASS}::int AND objid = ${SERVER}::int`,
      ),
    // Released before it is asked for: two who leave at once and kept their share would each take the other for a
    // user, and leave the database running for nobody.
    releaseAsLast: async () => {
      await ask(() => sql`SELECT pg_advisory_unlock_all()`)
      return (
        await ask<Got>(() => sql`SELECT pg_try_advisory_lock(${LOCK_CLASS}::int, ${IN_USE}::int) AS got`)
      ).got
    },
    close: async () => {
      await sql.end({ timeout: 1 })
    },
  }

  try {
    const { path } = await ask<{ path: string }>(() => sql`SELECT current_setting('data_directory') AS path`)
    if ((await realpath(path).catch(() => path)) !== place.clusterDir) {
      throw fatal(
        'data_dir_foreign',
        `The database that answers in ${socketDir} works on ${path}, not on ${place.clusterDir}.\n` +
          'If the folder was moved or copied meanwhile, stop the server that used it and start again.',
      )
    }
    return session
  } catch (error) {
    await session.close()
    throw error
  }
}
