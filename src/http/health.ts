import { z } from '@hono/zod-openapi'
import { withDeadline } from '../storage/database.ts'

export const HealthSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'down']),
    version: z.string(),
    database: z.object({ kind: z.enum(['postgres', 'embedded']), status: z.enum(['ok', 'down']) }),
    spool: z.object({
      depth: z.int().openapi({ description: 'Accepted events that wait for the database' }),
      oldestAgeSeconds: z.number().nullable().openapi({ description: 'Since the first of them came' }),
      bytes: z.int(),
    }),
  })
  .openapi('Health')
export type Health = z.infer<typeof HealthSchema>

export type HealthMonitor = { current: () => Health; start: () => Promise<void>; stop: () => void }

export type HealthOptions = {
  version: string
  kind: 'postgres' | 'embedded'
  /** Asks the database anything; rejects or hangs when it cannot answer. */
  probe: () => Promise<unknown>
  /** Events go to the spool now. */
  isAway: () => boolean
  spool: {
    state: () => { depth: number; oldest: Date | null; bytes: number }
    isTaking: () => Promise<boolean>
  }
  now: () => Date
}

const EVERY_MS = 1_000
const DEADLINE_MS = 1_500

/**
 * Asks the database in the background, so that the answer is at hand even while the database hangs. Without it the spool
 * accepts events, if it can: `degraded`.
 */
export function createHealthMonitor({
  version,
  kind,
  probe,
  isAway,
  spool,
  now,
}: HealthOptions): HealthMonitor {
  let reachable = false
  let taking = true
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function look(): Promise<void> {
    reachable = await withDeadline(probe(), DEADLINE_MS, 'health').then(
      () => true,
      () => false,
    )
    if (!reachable || isAway())
      taking = await withDeadline(spool.isTaking(), DEADLINE_MS, 'spool').catch(() => false)
    if (!stopped) timer = setTimeout(look, EVERY_MS).unref()
  }

  return {
    current: () => {
      const isUp = reachable && !isAway()
      const { depth, oldest, bytes } = spool.state()
      const oldestAgeSeconds = oldest && Math.max(0, (now().getTime() - oldest.getTime()) / 1_000)
      return {
        status: isUp ? 'ok' : taking ? 'degraded' : 'down',
        version,
        database: { kind, status: isUp ? 'ok' : 'down' },
        spool: { depth, oldestAgeSeconds, bytes },
      }
    },
    start: look,
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}
