import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from './log.ts'

export type ReadinessOptions = {
  /** Brings the database and all that is read from it to where they must be; is called until it succeeds. */
  prepare: () => Promise<void>
  onReady: () => void
  /** The database answers, and will not have us until somebody changes something. */
  isRefusedForGood: (error: unknown) => boolean
  /** A server that has run before goes on with what it knows, whatever is wrong with the database. */
  mayWait: boolean
  log: Log
}

export type Readiness = {
  /** Resolves when all is ready, or when that has to wait; throws when a first start cannot succeed. */
  begin: () => Promise<void>
  stop: () => void
}

/** How long the start waits for a migration before it listens; what comes meanwhile goes to the spool. */
const PATIENCE_MS = 30_000
const RETRY_MS = 1_000
/** Between two lines of the log that say the same. */
const REPEAT_LOG_MS = 60_000

/** Waits for the database at the start: the server listens, and the rest follows when the database comes. */
export function createReadiness({
  prepare,
  onReady,
  isRefusedForGood,
  mayWait,
  log,
}: ReadinessOptions): Readiness {
  const ending = new AbortController()
  let toldAt = 0

  async function attempt(): Promise<void> {
    await prepare()
    if (!ending.signal.aborted) onReady()
  }

  function tell(error: unknown): void {
    if (Date.now() - toldAt < REPEAT_LOG_MS) return
    toldAt = Date.now()
    if (isRefusedForGood(error))
      log.error({ err: error }, 'the database refuses this server; events go to the spool')
    else log.warn({ err: error }, 'the database is away; events go to the spool until it comes')
  }

  async function retry(): Promise<void> {
    while (!ending.signal.aborted) {
      await delay(RETRY_MS, undefined, { signal: ending.signal }).catch(() => {})
      if (ending.signal.aborted) return
      try {
        await attempt()
        log.info({}, 'the database has come, all is ready')
        return
      } catch (error) {
        tell(error)
      }
    }
  }

  async function begin(): Promise<void> {
    const first = attempt()
    const late = delay(PATIENCE_MS, 'late' as const, { ref: false })
    try {
      const outcome = await Promise.race([first, late])
      if (outcome !== 'late') return
      log.warn({}, 'the database takes long to get ready; events go to the spool until it is')
      first.catch((error) => {
        tell(error)
        return retry()
      })
    } catch (error) {
      if (isRefusedForGood(error) && !mayWait) throw error
      tell(error)
      retry()
    }
  }

  return {
    begin,
    stop: () => ending.abort(),
  }
}
