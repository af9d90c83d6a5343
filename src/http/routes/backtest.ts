import { createRoute, z } from '@hono/zod-openapi'
import { invalidInput } from '../../errors.ts'
import { SEVERITIES } from '../../event.ts'
import { type BacktestChange, backtest, withScore } from '../../ingest/backtest.ts'
import type { Library } from '../../scores/library.ts'
import { decodeCursor, encodeCursor } from '../../storage/cursor.ts'
import type { Database } from '../../storage/database.ts'
import { scanEvents } from '../../storage/scan-events.ts'
import { providerIdentifier } from '../../wire.ts'
import { createApi } from '../api.ts'
import type { BodyReader } from '../body.ts'
import { json, pageShape, problems, rawJson } from '../parameters.ts'
import { requireScore } from '../score-body.ts'

export type BacktestDeps = { db: Database; library: () => Library; now: () => Date; readBody: BodyReader }

const DAY_MS = 86_400_000
/** Events read at once: each may be as large as a body. */
const LOT = 50
/** A cursor's snapshot, which a back-test needs not: what arrives meanwhile is newer than where it begins. */
const NO_SNAPSHOT = '1:1:'

const judgement = z.object({ severity: z.enum(SEVERITIES), label: z.string(), key: z.string().nullable() })
const changeSchema = z
  .object({
    eventId: z.uuid(),
    stackId: z.uuid(),
    provider: z.string(),
    title: z.string(),
    startDate: z.iso.datetime(),
    changes: z.array(z.enum(['severity', 'label', 'stack'])),
    before: judgement,
    after: judgement,
  })
  .openapi('BacktestChange')

/** What an edited score would have done to the past. */
export function backtestRoutes({ db, library, now, readBody }: BacktestDeps) {
  return createApi().openapi(
    createRoute({
      method: 'post',
      path: '/scores/{provider}/backtest',
      summary: 'Events of the last days whose severity, label or stack an edited score would change',
      description:
        'The body is the edited score. Needs the scope read; changes nothing. A page is bounded in time.',
      request: {
        params: z.object({ provider: providerIdentifier }),
        query: z.object({
          ...pageShape,
          days: z.coerce.number().int().min(1).max(3_650).default(7).openapi({ type: 'integer' }),
        }),
        body: rawJson('The edited score'),
      },
      responses: {
        200: json(
          z.object({
            items: z.array(changeSchema),
            scanned: z.int(),
            unreadable: z.int(),
            nextCursor: z.string().nullable(),
          }),
          'Changes, newest events first',
        ),
        ...problems,
      },
    }),
    async (c) => {
      const { provider } = c.req.valid('param')
      const { days, limit, cursor } = c.req.valid('query')
      const score = requireScore(new TextDecoder().decode(await readBody(c)))
      if (score.providerIdentifier !== provider) {
        throw invalidInput('score', [
          { path: 'providerIdentifier', message: `must be ${provider}, as in the path` },
        ])
      }
      const catalog = withScore(
        library().scores.map((loaded) => loaded.score),
        score,
      )
      const from = new Date(now().getTime() - days * DAY_MS)
      const page = await backtest(catalog, {
        scan: (after) => scanEvents(db, provider, from, after, LOT),
        after: cursor ? decodeCursor(cursor) : null,
        limit,
        now: () => performance.now(),
      })
      const { items, scanned, unreadable, next } = page
      const nextCursor = next && encodeCursor({ ...next, snapshot: NO_SNAPSHOT })
      return c.json({ items: items.map(changeView), scanned, unreadable, nextCursor }, 200)
    },
  )
}

function changeView(change: BacktestChange) {
  return { ...change, startDate: change.startDate.toISOString() }
}
