import { createRoute, z } from '@hono/zod-openapi'
import type { ChannelBook } from '../../dispatch/book.ts'
import { explainTold, TOLD_OUTCOMES } from '../../dispatch/why.ts'
import { notFound } from '../../errors.ts'
import type { Database } from '../../storage/database.ts'
import { findTellings } from '../../storage/notifications.ts'
import { findEvent } from '../../storage/timeline.ts'
import { createApi } from '../api.ts'
import { idParam, json, notFoundProblem, problems } from '../parameters.ts'

export type NotificationDeps = { db: Database; channelBook: Pick<ChannelBook, 'all'> }

const tellingSchema = z
  .object({
    channelId: z.uuid(),
    channel: z.string(),
    type: z.string(),
    outcome: z.enum(TOLD_OUTCOMES),
    reason: z.string().openapi({ description: 'A sentence for people' }),
    messageId: z.uuid().nullable(),
    at: z.iso
      .datetime()
      .nullable()
      .openapi({ description: 'When it was sent or given up, or will be tried' }),
  })
  .openapi('Telling')

/** Why somebody was, or was not, told of an event. */
export function notificationRoutes({ db, channelBook }: NotificationDeps) {
  return createApi().openapi(
    createRoute({
      method: 'get',
      path: '/events/{id}/notifications',
      summary: 'Each channel, with what it was told of an event or what held it back',
      request: { params: idParam },
      responses: {
        200: json(z.object({ items: z.array(tellingSchema) }), 'Channels'),
        ...problems,
        ...notFoundProblem,
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const [event, found] = await Promise.all([findEvent(db, id), findTellings(db, id)])
      if (!event || !found) throw notFound(`The event ${id}`)
      const items = explainTold(event, found.role, found.tellings, channelBook.all())
      return c.json({ items }, 200)
    },
  )
}
