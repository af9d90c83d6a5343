import { claimedProvider, parseTempoPayload } from '../../adapters/tempo.ts'
import { TempoError } from '../../errors.ts'
import type { Dialect, Receiver } from '../../ingest/receive.ts'
import { AcceptedSchema, ProblemSchema } from '../../wire.ts'
import { createApi } from '../api.ts'
import type { BodyReader } from '../body.ts'
import { addressOf } from '../connection.ts'
import { INGEST_ROUTES, secretOf } from '../guard.ts'
import { PayloadSchema } from '../payload-schema.ts'

export type IngestDeps = { receive: Receiver['receive']; readBody: BodyReader }

const tempoDialect: Dialect = { claimedProvider, parse: parseTempoPayload }

/** The dialect that an ingest path speaks. */
export function dialectOf(_path: string): Dialect {
  return tempoDialect
}

/** Where senders post events: never a redirect, whatever the Content-Type, with or without a trailing slash. */
export function ingestRoutes({ receive, readBody }: IngestDeps) {
  const api = createApi()

  for (const path of INGEST_ROUTES) {
    api.post(path, async (c) => {
      const answer = await receive({
        dialect: dialectOf(path),
        path,
        address: addressOf(c),
        userAgent: c.req.header('user-agent') ?? null,
        contentType: c.req.header('content-type') ?? null,
        secret: secretOf(c),
        idempotencyKey: c.req.header('idempotency-key') ?? null,
        readBody: () => readBody(c),
      })
      return c.json(answer, 200)
    })
    api.all(path, (c) => {
      c.header('Allow', 'POST')
      throw new TempoError(
        'method_not_allowed',
        405,
        'Method not allowed',
        `Send events with POST to ${path}.`,
      )
    })
  }

  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: ProblemSchema } },
  })
  for (const path of ['/ingest', '/events']) {
    api.openAPIRegistry.registerPath({
      method: 'post',
      path,
      summary: 'Send an event',
      description:
        'The body is read as JSON whatever the Content-Type. A trailing slash makes no difference.',
      request: { body: { required: true, content: { 'application/json': { schema: PayloadSchema } } } },
      responses: {
        200: {
          description: 'Stored and synced to disk',
          content: { 'application/json': { schema: AcceptedSchema } },
        },
        401: problem('No token, not a good one, or not bound to the provider'),
        413: problem('Body too large'),
        422: problem('Not JSON, or not a valid event; the body is kept in quarantine'),
        429: problem('Above the limit of the token'),
        503: problem('Not stored; send it again'),
      },
    })
  }

  return api
}
