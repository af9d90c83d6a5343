import { createRoute, z } from '@hono/zod-openapi'
import { notFound } from '../../errors.ts'
import type { Catalog } from '../../scores/catalog.ts'
import { decodeCursor } from '../../storage/cursor.ts'
import type { Database } from '../../storage/database.ts'
import { findEvent, findStack, listEvents, listStacks } from '../../storage/timeline.ts'
import { EventSchema, StackSchema } from '../../wire.ts'
import { createApi } from '../api.ts'
import { filterOf, filterShape, idParam, json, notFoundProblem, pageShape, problems } from '../parameters.ts'
import { eventView, stackView } from '../views.ts'

export type TimelineDeps = { db: Database; catalog: () => Catalog }

const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })

/** Reading the timeline: stacks, one stack with its events, the flat list of events, one event. */
export function timelineRoutes({ db, catalog }: TimelineDeps) {
  return createApi()
    .openapi(
      createRoute({
        method: 'get',
        path: '/timeline',
        summary: 'Stacks, newest lastEventAt first',
        request: { query: z.object({ ...filterShape, ...pageShape }) },
        responses: { 200: json(page(StackSchema), 'A page of stacks'), ...problems },
      }),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        const found = await listStacks(db, filterOf(filter), limit, cursor ? decodeCursor(cursor) : null)
        const scores = catalog()
        return c.json(
          { items: found.items.map((stack) => stackView(stack, scores)), nextCursor: found.nextCursor },
          200,
        )
      },
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/stacks/{id}',
        summary: 'One stack with its events, newest first',
        request: { params: idParam, query: z.object(pageShape) },
        responses: {
          200: json(StackSchema.extend({ events: page(EventSchema) }), 'The stack'),
          ...problems,
          ...notFoundProblem,
        },
      }),
      async (c) => {
        const { id } = c.req.valid('param')
        const { limit, cursor } = c.req.valid('query')
        const at = cursor ? decodeCursor(cursor) : null
        const [stack, events] = await Promise.all([
          findStack(db, id),
          listEvents(db, { state: 'all', stackId: id }, limit, at),
        ])
        if (!stack) throw notFound(`The stack ${id}`)
        const scores = catalog()
        const items = events.items.map((event) => eventView(event, scores))
        return c.json({ ...stackView(stack, scores), events: { items, nextCursor: events.nextCursor } }, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/events',
        summary: 'Events, newest startDate first',
        request: { query: z.object({ ...filterShape, ...pageShape }) },
        responses: { 200: json(page(EventSchema), 'A page of events'), ...problems },
      }),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        const found = await listEvents(db, filterOf(filter), limit, cursor ? decodeCursor(cursor) : null)
        const scores = catalog()
        return c.json(
          { items: found.items.map((event) => eventView(event, scores)), nextCursor: found.nextCursor },
          200,
        )
      },
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/events/{id}',
        summary: 'One event with all of its metadata',
        request: { params: idParam },
        responses: { 200: json(EventSchema, 'The event'), ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { id } = c.req.valid('param')
        const event = await findEvent(db, id)
        if (!event) throw notFound(`The event ${id}`)
        return c.json(eventView(event, catalog()), 200)
      },
    )
}
