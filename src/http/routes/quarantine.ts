import { createRoute, z } from '@hono/zod-openapi'
import type { QuarantinedBody } from '../../access.ts'
import { invalidInput, notFound } from '../../errors.ts'
import type { Dialect, Receiver } from '../../ingest/receive.ts'
import type { Database } from '../../storage/database.ts'
import { discardQuarantined, findQuarantined, listQuarantine } from '../../storage/quarantine.ts'
import { AcceptedSchema } from '../../wire.ts'
import { createApi } from '../api.ts'
import type { BodyReader } from '../body.ts'
import { idParam, json, limit, notFoundProblem, problems } from '../parameters.ts'
import { PayloadSchema } from '../payload-schema.ts'

export type QuarantineDeps = {
  db: Database
  repair: Receiver['repair']
  /** The dialect of an ingest path. */
  dialectOf: (path: string) => Dialect
  readBody: BodyReader
}

const entrySchema = z
  .object({
    id: z.uuid(),
    receivedAt: z.iso.datetime(),
    path: z.string(),
    address: z.string(),
    contentType: z.string().nullable(),
    tokenId: z.uuid().nullable(),
    tokenName: z.string(),
    providers: z.array(z.string()),
    bytes: z.int(),
    problem: z.record(z.string(), z.unknown()),
  })
  .openapi('Quarantined')

/** Bodies that were refused with 422 under a valid token: shown raw, repaired and ingested, or discarded. */
export function quarantineRoutes({ db, repair, dialectOf, readBody }: QuarantineDeps) {
  const api = createApi()

  api.openapi(
    createRoute({
      method: 'get',
      path: '/quarantine',
      summary: 'Refused bodies, newest first, without the bodies',
      request: { query: z.object({ limit, cursor: z.uuid('is not a cursor of this list').optional() }) },
      responses: {
        200: json(
          z.object({ items: z.array(entrySchema), nextCursor: z.string().nullable() }),
          'Refused bodies',
        ),
        ...problems,
      },
    }),
    async (c) => {
      const { limit, cursor } = c.req.valid('query')
      const rows = await listQuarantine(db, cursor, limit + 1)
      const items = rows.slice(0, limit).map(entryView)
      return c.json({ items, nextCursor: rows.length > limit ? items.at(-1)!.id : null }, 200)
    },
  )

  api.openapi(
    createRoute({
      method: 'get',
      path: '/quarantine/{id}',
      summary: 'One refused body, raw, with what was wrong',
      request: { params: idParam },
      responses: {
        200: json(entrySchema.extend({ body: z.string() }), 'The body'),
        ...problems,
        ...notFoundProblem,
      },
    }),
    async (c) => {
      const entry = await requireEntry(db, c.req.valid('param').id)
      return c.json({ ...entryView(entry), body: new TextDecoder().decode(entry.body) }, 200)
    },
  )

  // Not by createRoute, which would read the body as JSON and refuse it before its faults can be told.
  api.openAPIRegistry.registerPath({
    method: 'post',
    path: '/quarantine/{id}/ingest',
    summary: 'Ingest the repaired body sent along, or the kept one when none is sent',
    description: 'Without a startDate the event gets the time at which the refused body arrived.',
    request: { params: idParam, body: { content: { 'application/json': { schema: PayloadSchema } } } },
    responses: {
      200: json(AcceptedSchema, 'Stored; no longer in quarantine'),
      ...problems,
      ...notFoundProblem,
    },
  })
  api.post('/quarantine/:id/ingest', async (c) => {
    const entry = await requireEntry(db, idOf(c.req.param('id')))
    const sent = await readBody(c)
    const body = sent.byteLength > 0 ? sent : entry.body
    const answer = await repair(entry, body, dialectOf(entry.path))
    await discardQuarantined(db, entry.id)
    return c.json(answer, 200)
  })

  api.openapi(
    createRoute({
      method: 'delete',
      path: '/quarantine/{id}',
      summary: 'Discard a refused body',
      request: { params: idParam },
      responses: { 204: { description: 'Discarded' }, ...problems, ...notFoundProblem },
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      if (!(await discardQuarantined(db, id))) throw notFound(`The refused body ${id}`)
      return c.body(null, 204)
    },
  )

  return api
}

function idOf(text: string): string {
  const parsed = idParam.safeParse({ id: text })
  if (!parsed.success) throw invalidInput('request', [{ path: 'id', message: 'is not an id' }])
  return parsed.data.id
}

async function requireEntry(db: Database, id: string): Promise<QuarantinedBody> {
  const entry = await findQuarantined(db, id)
  if (!entry) throw notFound(`The refused body ${id}`)
  return entry
}

function entryView(entry: Omit<QuarantinedBody, 'body'>) {
  const { id, path, address, contentType, tokenId, tokenName, providers, bytes, problem } = entry
  const receivedAt = entry.receivedAt.toISOString()
  return { id, receivedAt, path, address, contentType, tokenId, tokenName, providers, bytes, problem }
}
