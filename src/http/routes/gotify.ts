import type { Context } from 'hono'
import { gotifyError, gotifyMessage, gotifyVersion } from '../../adapters/gotify.ts'
import { readJsonBody } from '../../adapters/json.ts'
import { TempoError } from '../../errors.ts'
import { dialectOf } from '../../ingest/dialects.ts'
import type { Receiver } from '../../ingest/receive.ts'
import { createApi } from '../api.ts'
import type { BodyReader } from '../body.ts'
import { secretOf } from '../caller.ts'
import { addressOf, letAnswerArrive } from '../connection.ts'
import { GOTIFY_ROUTES } from '../guard.ts'
import { SAFE_HEADERS } from '../problem.ts'

export type GotifyDeps = {
  receive: Receiver['receive']
  readBody: BodyReader
  now: () => Date
  version: string
}

/** What a Gotify target of Proxmox VE 8.1 and 8.2 talks to: the paths, headers and answers of a Gotify server. */
export function gotifyRoutes({ receive, readBody, now, version }: GotifyDeps) {
  const api = createApi()
  for (const path of GOTIFY_ROUTES) {
    api.post(path, async (c) => {
      let bytes: Uint8Array | null = null
      try {
        const answer = await receive({
          dialect: dialectOf(path),
          path: '/message',
          address: addressOf(c),
          userAgent: c.req.header('user-agent') ?? null,
          contentType: c.req.header('content-type') ?? null,
          secret: gotifySecretOf(c),
          idempotencyKey: c.req.header('idempotency-key') ?? null,
          readBody: async () => {
            bytes = await readBody(c)
            return bytes
          },
        })
        const { value } = readJsonBody(bytes!)
        return c.json(gotifyMessage(value, { id: answer.id, date: now() }), 200, SAFE_HEADERS)
      } catch (error) {
        if (!(error instanceof TempoError) || error.status >= 500) throw error
        letAnswerArrive(c)
        return c.json(
          gotifyError(error.status, error.title, error.message),
          error.status as 401,
          SAFE_HEADERS,
        )
      }
    })
  }
  api.get('/version', (c) => c.json(gotifyVersion(version), 200))
  return api
}

/** Gotify takes its token in a header of its own, as a bearer, or in the address, which nothing here writes down. */
function gotifySecretOf(c: Context): string | null {
  return c.req.header('x-gotify-key')?.trim() || secretOf(c) || c.req.query('token')?.trim() || null
}
