import type { Context, MiddlewareHandler } from 'hono'
import { type Caller, hasScope, type TokenBook } from '../auth/token-book.ts'
import { forbidden } from '../errors.ts'

/** Routes that answer without a token; a test walks all routes and holds this list to be complete. */
export const PUBLIC_ROUTES = ['/', '/health', '/openapi.json', '/api/v1/openapi.json', '/docs', '/docs/:file']

/** Routes that check the token themselves, because every attempt on them is recorded. */
export const INGEST_ROUTES = ['/ingest', '/ingest/', '/events', '/events/']

/** Paths whose POST changes nothing: they take a body to look at, and the scope `read` is enough. */
const LOOKING = /^\/api\/v1\/(explain|scores\/[^/]+\/backtest)$/

export type Env = { Variables: { caller: Caller } }

/** The token of a request: `X-Tempo-Token: T` or `Authorization: Bearer T`. */
export function secretOf(c: Context): string | null {
  const own = c.req.header('x-tempo-token')?.trim()
  if (own) return own
  return /^Bearer\s+(\S+)\s*$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? null
}

/** Lets reading pass with the scope `read`, and anything that changes with `admin`. */
export function requireToken(identify: TokenBook['identify']): MiddlewareHandler<Env> {
  return async (c, next) => {
    const caller = await identify(secretOf(c))
    const looks = c.req.method === 'GET' || c.req.method === 'HEAD' || LOOKING.test(c.req.path)
    const scope = looks ? 'read' : 'admin'
    if (!hasScope(caller, scope)) {
      throw forbidden(
        `This token has no scope "${scope}". Make one with: tempo token create --scope ${scope}`,
      )
    }
    c.set('caller', caller)
    await next()
  }
}
