import { createRoute, z } from '@hono/zod-openapi'
import { invalidInput } from '../../errors.ts'
import { BANDS, bandOf, SEVERITIES } from '../../event.ts'
import type { Catalog } from '../../scores/catalog.ts'
import type { Database } from '../../storage/database.ts'
import { countBySpan, countProviders } from '../../storage/overview.ts'
import { createApi } from '../api.ts'
import { filterShape, instant, json, notATimeZone, problems, requireTimeZone } from '../parameters.ts'

export type OverviewDeps = { db: Database; catalog: () => Catalog; now: () => Date }

const DAY_MS = 86_400_000
/** Cells of one answer: a year of hours is too many to draw. */
const MAX_CELLS = 4_000

const sourceSchema = z
  .object({
    provider: z.string(),
    displayName: z.string(),
    color: z.string(),
    events: z.int(),
    lastSeenAt: z.iso.datetime(),
    worstOpenSeverity: z.enum(SEVERITIES).nullable(),
    worstOpenBand: z.enum(BANDS).nullable(),
  })
  .openapi('Source')

const cellSchema = z
  .object({ start: z.iso.datetime(), count: z.int(), severity: z.enum(SEVERITIES), band: z.enum(BANDS) })
  .openapi('HeatCell')

/** What there is at a glance: the providers, and how much happened when. */
export function overviewRoutes({ db, catalog, now }: OverviewDeps) {
  return createApi()
    .openapi(
      createRoute({
        method: 'get',
        path: '/sources',
        summary: 'Providers with name, colour, events, last seen and worst open severity',
        responses: { 200: json(z.object({ items: z.array(sourceSchema) }), 'All sources'), ...problems },
      }),
      async (c) => {
        const scores = catalog()
        const items = (await countProviders(db)).map(({ worstOpen, lastSeenAt, provider, events }) => ({
          provider,
          ...scores.nameOf(provider),
          events,
          lastSeenAt: lastSeenAt.toISOString(),
          worstOpenSeverity: worstOpen,
          worstOpenBand: worstOpen && bandOf(worstOpen),
        }))
        return c.json({ items }, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/heatmap',
        summary: 'Events and worst severity per hour or day; empty spans are left out',
        request: {
          query: z.object({
            from: instant.optional(),
            to: instant.optional(),
            tz: z.string().max(64).default('UTC').openapi({ example: 'Europe/Berlin' }),
            unit: z.enum(['hour', 'day']).default('hour'),
            provider: filterShape.provider,
          }),
        },
        responses: {
          200: json(
            z.object({
              from: z.iso.datetime(),
              to: z.iso.datetime(),
              tz: z.string(),
              unit: z.enum(['hour', 'day']),
              items: z.array(cellSchema),
            }),
            'Cells in the order of time',
          ),
          ...problems,
        },
      }),
      async (c) => {
        const { tz, unit, provider, ...span } = c.req.valid('query')
        const cellMs = unit === 'hour' ? DAY_MS / 24 : DAY_MS
        const to = span.to ?? now()
        const from = span.from ?? new Date(to.getTime() - (unit === 'hour' ? DAY_MS : 366 * DAY_MS))
        requireSpan(from, to, cellMs)
        requireTimeZone(tz)
        const cells = await countBySpan(db, { from, to, tz, unit, provider }).catch(refuseTimeZone)
        const items = cells.map(({ at, count, severity }) => ({
          start: at.toISOString(),
          count,
          severity,
          band: bandOf(severity),
        }))
        return c.json({ from: from.toISOString(), to: to.toISOString(), tz, unit, items }, 200)
      },
    )
}

function requireSpan(from: Date, to: Date, cellMs: number): void {
  if (from >= to) throw invalidInput('request', [{ path: 'from', message: 'must lie before to' }])
  if ((to.getTime() - from.getTime()) / cellMs > MAX_CELLS) {
    throw invalidInput('request', [
      { path: 'from', message: `spans more than ${MAX_CELLS} cells; ask for less` },
    ])
  }
}

/** The database may not know each zone that we do. SQLSTATE 22023: invalid parameter value. */
function refuseTimeZone(error: { code?: unknown }): never {
  throw error.code === '22023' ? notATimeZone() : error
}
