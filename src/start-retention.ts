import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from './log.ts'
import type { Releasers } from './releasers.ts'
import { planOf, type Retention } from './retention/policy.ts'
import type { Database } from './storage/database.ts'
import { applyRetention } from './storage/retention.ts'

/** Not right at the start, which has enough to do; then again and again. */
const PACE = { firstAfterMs: 60_000, everyMs: 3_600_000 }

/** Milliseconds that a step under way may take at the end. */
const END_MS = 2_000

/** Carries the policy out in the background until the end; without one there is nothing to do. */
export function startRetention(
  policy: Retention | null,
  db: Database,
  now: () => Date,
  log: Log,
  releasers: Releasers,
  { firstAfterMs, everyMs } = PACE,
): void {
  if (policy === null) return
  const plan = planOf(policy)
  const ending = new AbortController()
  const { signal } = ending

  async function run(): Promise<void> {
    try {
      const result = await applyRetention(db, plan, { now: now(), signal })
      if (result === null) {
        log.debug({}, 'another server deletes old events at this moment')
        return
      }
      const { skipped, ...done } = result
      if (Object.values(done).some((count) => count > 0)) {
        log.info({ ...done, skipped }, 'what is older than TEMPO_RETENTION says is gone')
      }
    } catch (error) {
      log.warn({ err: error }, 'old events could not be deleted; it will be tried again')
    }
  }

  async function loop(): Promise<void> {
    for (let pauseMs = firstAfterMs; !signal.aborted; pauseMs = everyMs) {
      await wait(pauseMs, undefined, { signal }).catch(() => {})
      if (!signal.aborted) await run()
    }
  }

  const running = loop()
  releasers.add('retention', async () => {
    ending.abort()
    // What a database that does not answer still has in hand is undone with its connection.
    await Promise.race([running, wait(END_MS, undefined, { ref: false })])
  })
}
