import type { MiddlewareHandler } from 'hono'
import { type Caller, hasScope } from '../auth/token-book.ts'
import { forbidden } from '../errors.ts'
import type { FindCaller } from './caller.ts'

/** Routes that answer without a token; a test walks all routes and holds this list to be complete. */
export const PUBLIC_ROUTES = ['/', '/health', '/openapi.json', '/api/v1/openapi.json', '/docs', '/docs/:file']

/** What a Gotify client asks before it sends. */
export const GOTIFY_PUBLIC_ROUTES = ['/version']

/** The page's own files and addresses; they hold no data, and its session route checks what it gets. */
export const PAGE_ROUTES = [
  '/assets/:file',
  '/icon.svg',
  '/theme.js',
  '/backups',
  '/backups/*',
  '/settings',
  '/settings/*',
]

/** Routes that check the token themselves, because every attempt on them is recorded. */
export const INGEST_ROUTES = [
  '/ingest',
  '/ingest/',
  '/events',
  '/events/',
  '/ingest/proxmox',
  '/ingest/proxmox/',
  '/ingest/proxcenter',
  '/ingest/proxcenter/',
]

/** The same for what speaks to a Gotify server; a slash at the end of its address makes two at the beginning. */
export const GOTIFY_ROUTES = ['/message', '//message']

/** Paths whose POST changes nothing: they take a body to look at, and the scope `read` is enough. */
const LOOKING = /^\/api\/v1\/(explain|scores\/[^/]+\/backtest)$/

export type Env = { Variables: { caller: Caller } }

/** Lets reading pass with the scope `read`, and anything that changes with `admin`. */
export function requireToken(findCaller: FindCaller): MiddlewareHandler<Env> {
  return async (c, next) => {
    const caller = await findCaller(c)
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
