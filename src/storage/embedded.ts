/**
 * The embedded database: a real PostgreSQL in the data folder, reached by a socket only. Whoever needs it first starts
 * it, all others join it, and the last to leave stops it; docs/adr/0001-embedded-postgres.md tells why.
 */
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fatal, TempoError } from '../errors.ts'
import type { Host } from './embedded-binaries.ts'
import { DATABASE } from './embedded-cluster.ts'
import { locate, SOCKET_PORT, socketPath } from './embedded-folder.ts'
import { joinDatabase, leaveDatabase } from './embedded-join.ts'
import { boundLog } from './embedded-postmaster.ts'
import type { EmbeddedLog } from './embedded-process.ts'

/** There is at most one server in a data folder, beside any number of commands. */
export type EmbeddedRole = 'server' | 'command'

/** A database that runs for as long as somebody uses it. */
export type EmbeddedDatabase = {
  /** The directory of the socket, which postgres.js takes as `host`. */
  host: string
  port: number
  user: string
  database: string
  socketPath: string
  /** The postmaster; another one once a server had to start it again. */
  pid: number
  /** True when it was running already, started by somebody else. */
  adopted: boolean
  /** Gives up our share, and stops the database if nobody else has one. Close your own connections before. */
  stop(): Promise<void>
}

export type EmbeddedOptions = {
  dataDir: string
  role: EmbeddedRole
  /** Tells whom we keep out who we are, as `tempo serve, pid 123, port 7776`; PostgreSQL keeps 63 bytes of it. */
  label: string
  log?: EmbeddedLog
}

const RESTART_PAUSE_MS = 1_000
const LOG_CHECK_MS = 3_600_000

/** `./data`, or `/var/lib/tempo` for root, whose home no database's user can enter. */
export function defaultDataDir(): string {
  return process.getuid?.() === 0 ? '/var/lib/tempo' : resolve('data')
}

/** Starts or joins the database of a data folder. Only tests say what `host` they pretend to run on. */
export async function startEmbedded(options: EmbeddedOptions, host?: Host): Promise<EmbeddedDatabase> {
  const log = options.log ?? (() => {})
  const ending = new AbortController()
  const place = await explainRefusal(options.dataDir, () => locate(options.dataDir))
  const enter = () =>
    explainRefusal(place.dataDir, () => joinDatabase({ ...options, place, log, host, signal: ending.signal }))
  let share = await enter()

  /** Brings the database back when it dies under us, as by the out-of-memory killer. */
  async function keepRunning(): Promise<void> {
    const isEnding = new Promise((resolve) => ending.signal.addEventListener('abort', resolve))
    while (!ending.signal.aborted) {
      await Promise.race([share.session.closed, isEnding])
      if (ending.signal.aborted) return
      log('warn', 'the connection to the database was lost', { pid: share.pid })
      await share.session.close()
      await enterAgain()
    }
  }

  async function enterAgain(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        share = await enter()
        return
      } catch (error) {
        if (ending.signal.aborted) return
        log('warn', 'the database could not be started again', { reason: (error as Error).message })
        await delay(RESTART_PAUSE_MS, undefined, { signal: ending.signal }).catch(() => {})
      }
    }
  }

  const isServer = options.role === 'server'
  const keeping = isServer ? keepRunning() : Promise.resolve()
  const logCheck = isServer ? setInterval(() => boundLog(place).catch(() => {}), LOG_CHECK_MS) : undefined
  logCheck?.unref()

  async function stop(): Promise<void> {
    ending.abort()
    clearInterval(logCheck)
    await keeping
    await leaveDatabase(place, share.socketDir, share.session, log)
  }

  let stopped: Promise<void> | undefined
  return {
    host: share.socketDir,
    port: SOCKET_PORT,
    user: DATABASE,
    database: DATABASE,
    socketPath: socketPath(share.socketDir),
    get pid() {
      return share.pid
    },
    adopted: share.adopted,
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}

/** Says which path the system did not let us use, and what to do about it. */
async function explainRefusal<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, path, address } = error as { code?: string; path?: string; address?: string }
    if (error instanceof TempoError || !/^E(ACCES|PERM|ROFS|NOSPC|DQUOT|NOTDIR)$/.test(code ?? ''))
      throw error
    throw fatal(
      'data_dir_not_usable',
      `The data folder ${dataDir} cannot be used: ${code} at ${path ?? address ?? dataDir}.\n` +
        'Run this as the user who owns the folder, make room in it, or choose another with TEMPO_DATA_DIR.',
      error,
    )
  }
}
