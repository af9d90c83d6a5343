import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { PROXCENTER } from '../../adapters/proxcenter.ts'
import type { SignedBody } from '../../auth/signature.ts'
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

/** Where the body may be signed, and in which headers. */
const SIGNABLE = '/ingest/proxcenter'
const SIGNATURE_HEADERS = [
  'x-proxcenter-signature',
  'x-signature',
  'x-hub-signature-256',
  'x-webhook-signature',
  'x-tempo-signature',
]

/** Given to the answer as they are; the context would make an object of the class Headers of them for each. */
const HEADERS = { 'Content-Type': 'application/json', ...SAFE_HEADERS }

/** Where senders post events: never a redirect, whatever the Content-Type, with or without a trailing slash. */
export function ingestRoutes({ receive, readBody }: IngestDeps) {
  const api = createApi()

  for (const path of INGEST_ROUTES) {
    const dialect = dialectOf(path)
    const isSignable = path.startsWith(SIGNABLE)
    api.post(path, async (c) => {
      const signed = isSignable ? signedBody(c, readBody) : null
      const answer = await receive({
        dialect,
        path,
        address: addressOf(c),
        userAgent: c.req.header('user-agent') ?? null,
        contentType: c.req.header('content-type') ?? null,
        secret: secretOf(c),
        idempotencyKey: c.req.header('idempotency-key') ?? null,
        readBody: signed?.readBody ?? (() => readBody(c)),
        ...(signed && { signed }),
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
        401: problem(
          'No token, not a good one, or not bound to the provider; or a signature that does not fit',
        ),
        413: problem('Body too large'),
        422: problem('Not JSON, or not a valid event; the body is kept in quarantine'),
        429: problem('Above the limit of the token'),
        503: problem('Neither database nor disk can take it; send it again'),
      },
    })
  }

  return api
}

/** The body with the signatures that came with it; it is read once, however often it is asked for. */
function signedBody(c: Context, readBody: BodyReader): SignedBody {
  let body: Promise<Uint8Array> | null = null
  return {
    provider: PROXCENTER,
    signatures: SIGNATURE_HEADERS.map((name) => c.req.header(name)?.trim() ?? '').filter(Boolean),
    readBody: () => {
      body ??= readBody(c)
      return body
    },
  }
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

const ProxCenterSchema = z
  .looseObject({
    event: z.string().optional().openapi({ description: 'Event type', example: 'alert_triggered' }),
    severity: z.string().optional().openapi({ example: 'critical' }),
    message: z.string().optional(),
    title: z.string().optional(),
    timestamp: z.union([z.string(), z.number()]).optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('ProxCenterNotification')

const DOCUMENTED = [
  ['/ingest', PayloadSchema, 'Send an event'],
  ['/events', PayloadSchema, 'Send an event'],
  ['/ingest/proxmox', NativeSchema, 'Send a notification of Proxmox as Proxmox renders it'],
  ['/ingest/proxcenter', ProxCenterSchema, 'Send a notification of ProxCenter, with a token or signed'],
] as const

function problem(description: string) {
  return { description, content: { 'application/problem+json': { schema: ProblemSchema } } }
}
