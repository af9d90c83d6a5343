import { createRoute, z } from '@hono/zod-openapi'
import { notFound } from '../../errors.ts'
import type { Catalog } from '../../scores/catalog.ts'
import type { Database } from '../../storage/database.ts'
import { findEvent, findStack } from '../../storage/timeline.ts'
import { idsOf, triageEvents, triageStacks, VERBS } from '../../storage/triage.ts'
import { EventSchema, StackSchema } from '../../wire.ts'
import { createApi } from '../api.ts'
import { filterOf, filterShape, json, notFoundProblem, problems } from '../parameters.ts'
import { eventView, stackView } from '../views.ts'

export type TriageDeps = { db: Database; catalog: () => Catalog }

const verb = z.enum(VERBS)
const oneParams = z.object({ id: z.uuid('is not an id'), verb })

/** Either ids or a filter; an empty filter must be written out, so that no slip dismisses everything. */
const bulkBody = z.union(
  [
    z.strictObject({ ids: z.array(z.uuid()).min(1).max(10_000) }),
    z.strictObject({ filter: z.strictObject({ ...filterShape, state: filterShape.state.default('all') }) }),
  ],
  'must be {"ids": [1 to 10,000 ids]} or {"filter": {…}} with filters as for the timeline',
)
const bulkAnswer = z.object({ ids: z.array(z.uuid()), changed: z.int() })

/** Acknowledging and dismissing, and their undo: of one stack or event, or of many by ids or by filter. */
export function triageRoutes({ db, catalog }: TriageDeps) {
  return createApi()
    .openapi(
      createRoute({
        method: 'post',
        path: '/stacks/{id}/{verb}',
        summary: 'Acknowledge, unacknowledge, dismiss or restore a stack with all its events',
        request: { params: oneParams },
        responses: { 200: json(StackSchema, 'The stack afterwards'), ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { id, verb } = c.req.valid('param')
        await triageStacks(db, verb, [id])
        const stack = await findStack(db, id)
        if (!stack) throw notFound(`The stack ${id}`)
        return c.json(stackView(stack, catalog()), 200)
      },
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/events/{id}/{verb}',
        summary: 'Acknowledge, unacknowledge, dismiss or restore one event',
        request: { params: oneParams },
        responses: { 200: json(EventSchema, 'The event afterwards'), ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { id, verb } = c.req.valid('param')
        await triageEvents(db, verb, [id])
        const event = await findEvent(db, id)
        if (!event) throw notFound(`The event ${id}`)
        return c.json(eventView(event, catalog()), 200)
      },
    )
    .openapi(bulkRoute('stacks'), async (c) => {
      const body = c.req.valid('json')
      const wanted = 'ids' in body ? body.ids : await idsOf(db, 'stacks', filterOf(body.filter))
      const ids = await triageStacks(db, c.req.valid('param').verb, wanted)
      return c.json({ ids, changed: ids.length }, 200)
    })
    .openapi(bulkRoute('events'), async (c) => {
      const body = c.req.valid('json')
      const wanted = 'ids' in body ? body.ids : await idsOf(db, 'events', filterOf(body.filter))
      const ids = await triageEvents(db, c.req.valid('param').verb, wanted)
      return c.json({ ids, changed: ids.length }, 200)
    })
}

function bulkRoute<T extends 'stacks' | 'events'>(what: T) {
  return createRoute({
    method: 'post',
    path: `/${what}/{verb}` as `/${T}/{verb}`,
    summary: `The same for many ${what}, by ids or by filter`,
    description: 'The filter names what exists now; what arrives later is not touched.',
    request: {
      params: z.object({ verb }),
      body: { required: true, content: { 'application/json': { schema: bulkBody } } },
    },
    responses: { 200: json(bulkAnswer, 'Ids that were found'), ...problems },
  })
}
