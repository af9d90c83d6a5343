import { z } from '@hono/zod-openapi'
import { TempoError } from '../../errors.ts'
import { dialectOf } from '../../ingest/dialects.ts'
import type { Receiver } from '../../ingest/receive.ts'
import { AcceptedSchema, ProblemSchema, SpooledSchema } from '../../wire.ts'
import { createApi } from '../api.ts'
import type { BodyReader } from '../body.ts'
import { secretOf } from '../caller.ts'
import { addressOf } from '../connection.ts'
import { INGEST_ROUTES } from '../guard.ts'
import { PayloadSchema } from '../payload-schema.ts'
import { SAFE_HEADERS } from '../problem.ts'

export type IngestDeps = { receive: Receiver['receive']; readBody: BodyReader }

/** Given to the answer as they are; the context would make an object of the class Headers of them for each. */
const HEADERS = { 'Content-Type': 'application/json', ...SAFE_HEADERS }

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
      return new Response(JSON.stringify(answer), {
        status: 'spooled' in answer ? 202 : 200,
        headers: HEADERS,
      })
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

  for (const [path, schema, summary] of DOCUMENTED) {
    api.openAPIRegistry.registerPath({
      method: 'post',
      path,
      summary,
      description:
        'The body is read as JSON whatever the Content-Type. A trailing slash makes no difference.',
      request: { body: { required: true, content: { 'application/json': { schema } } } },
      responses: {
        200: {
          description: 'Stored and synced to disk',
          content: { 'application/json': { schema: AcceptedSchema } },
        },
        202: {
          description: 'Synced to disk, because the database is away; it will be stored by itself',
          content: { 'application/json': { schema: SpooledSchema } },
        },
        401: problem('No token, not a good one, or not bound to the provider'),
        413: problem('Body too large'),
        422: problem('Not JSON, or not a valid event; the body is kept in quarantine'),
        429: problem('Above the limit of the token'),
        503: problem('Neither database nor disk can take it; send it again'),
      },
    })
  }

  return api
}

const NativeSchema = z
  .object({
    title: z.string(),
    message: z.string(),
    severity: z.string().openapi({ example: 'error' }),
    timestamp: z.int().openapi({ description: 'Unix seconds' }),
    fields: z.record(z.string(), z.string()).nullable().optional(),
  })
  .openapi('ProxmoxNotification')

const DOCUMENTED = [
  ['/ingest', PayloadSchema, 'Send an event'],
  ['/events', PayloadSchema, 'Send an event'],
  ['/ingest/proxmox', NativeSchema, 'Send a notification of Proxmox as Proxmox renders it'],
] as const

function problem(description: string) {
  return { description, content: { 'application/problem+json': { schema: ProblemSchema } } }
}
