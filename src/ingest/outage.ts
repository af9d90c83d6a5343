import type { Log } from '../log.ts'

/** Whether the database is known to be away, so that no sender waits for it in vain. */
export type Outage = {
  isAway: () => boolean
  begin: (error: unknown) => void
  end: () => void
}

/** Begins with the database away: it is not asked for anything before all is ready for it. */
export function createOutage(log: Log, now: () => Date): Outage {
  let since: Date | null = now()
  let isKnown = false
  return {
    isAway: () => since !== null,
    begin: (error) => {
      if (since !== null && isKnown) return
      since ??= now()
      isKnown = true
      log.warn({ err: error }, 'the database is away; events go to the spool')
    },
    end: () => {
      if (since !== null && isKnown) {
        log.info({ seconds: (now().getTime() - since.getTime()) / 1_000 }, 'the database is back')
      }
      since = null
      isKnown = false
    },
  }
}
