import { z } from '@hono/zod-openapi'
import { withDeadline } from '../storage/database.ts'

export const HealthSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'down']),
    version: z.string(),
    database: z.object({ kind: z.enum(['postgres', 'embedded']), status: z.enum(['ok', 'down']) }),
    spool: z.object({ depth: z.int() }),
  })
  .openapi('Health')
export type Health = z.infer<typeof HealthSchema>

export type HealthMonitor = { current: () => Health; start: () => Promise<void>; stop: () => void }

export type HealthOptions = {
  version: string
  kind: 'postgres' | 'embedded'
  /** Asks the database anything; rejects or hangs when it cannot answer. */
  probe: () => Promise<unknown>
}

const EVERY_MS = 1_000
const DEADLINE_MS = 1_500

/** Asks the database in the background, so that the answer is at hand even while the database hangs. */
export function createHealthMonitor({ version, kind, probe }: HealthOptions): HealthMonitor {
  let reachable = false
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function look(): Promise<void> {
    reachable = await withDeadline(probe(), DEADLINE_MS, 'health').then(
      () => true,
      () => false,
    )
    if (!stopped) timer = setTimeout(look, EVERY_MS).unref()
  }

  return {
    current: () => ({
      status: reachable ? 'ok' : 'down',
      version,
      database: { kind, status: reachable ? 'ok' : 'down' },
      spool: { depth: 0 },
    }),
    start: look,
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}
