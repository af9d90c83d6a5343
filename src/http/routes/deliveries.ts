import { createRoute, z } from '@hono/zod-openapi'
import type { Database } from '../../storage/database.ts'
import { listDeliveries } from '../../storage/deliveries.ts'
import { createApi } from '../api.ts'
import { json, limit, problems } from '../parameters.ts'

export type DeliveryDeps = { db: Database }

const deliverySchema = z
  .object({
    id: z.uuid(),
    receivedAt: z.iso.datetime(),
    path: z.string(),
    address: z.string(),
    userAgent: z.string().nullable(),
    tokenId: z.uuid().nullable(),
    tokenName: z.string().nullable(),
    provider: z.string().nullable(),
    status: z.int(),
    reason: z.string().nullable().openapi({ description: 'Why it was refused; null when accepted' }),
    durationMs: z.number(),
    bytes: z.int().nullable(),
    eventId: z.uuid().nullable(),
    quarantineId: z.uuid().nullable(),
    authenticated: z.boolean(),
  })
  .openapi('Delivery')

/** Every attempt to deliver, accepted or refused; never a secret, never a body. */
export function deliveryRoutes({ db }: DeliveryDeps) {
  return createApi().openapi(
    createRoute({
      method: 'get',
      path: '/deliveries',
      summary: 'Every attempt to deliver an event, newest first',
      request: {
        query: z.object({
          limit,
          cursor: z.uuid('is not a cursor of this list').optional(),
          status: z.coerce.number().int().min(100).max(599).optional().openapi({ type: 'integer' }),
          accepted: z.enum(['true', 'false']).optional(),
          eventId: z.uuid().optional(),
        }),
      },
      responses: {
        200: json(
          z.object({ items: z.array(deliverySchema), nextCursor: z.string().nullable() }),
          'Deliveries',
        ),
        ...problems,
      },
    }),
    async (c) => {
      const { limit, cursor, accepted, ...filter } = c.req.valid('query')
      const wanted = { ...filter, before: cursor, accepted: accepted && accepted === 'true' }
      const rows = await listDeliveries(db, wanted, limit + 1)
      const items = rows.slice(0, limit).map((row) => ({ ...row, receivedAt: row.receivedAt.toISOString() }))
      return c.json({ items, nextCursor: rows.length > limit ? items.at(-1)!.id : null }, 200)
    },
  )
}
