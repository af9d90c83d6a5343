import { z } from '@hono/zod-openapi'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { SessionBook } from '../../auth/session-book.ts'
import { invalidInput, TempoError } from '../../errors.ts'
import { createApi } from '../api.ts'
import { type FindCaller, requireOwnPage, SESSION_COOKIE } from '../caller.ts'

export type SessionDeps = {
  sessions: SessionBook
  findCaller: FindCaller
  basePath: string
}

const bodySchema = z.strictObject({ token: z.string().min(1).max(1_000) })

/** Signing in to the page with a token, and out again. */
export function sessionRoutes({ sessions, findCaller, basePath }: SessionDeps) {
  const path = `${basePath}/`
  return (
    createApi()
      // Nobody is no fault: the page asks this first of all.
      .get('/session', async (c) => {
        const caller = await findCaller(c).catch(nobody)
        if (!caller) return c.body(null, 204)
        return c.json({ name: caller.name, scopes: caller.scopes }, 200)
      })
      .post('/session', async (c) => {
        requireOwnPage(c)
        const body = bodySchema.safeParse(await c.req.json().catch(() => null))
        if (!body.success) throw invalidInput('request', [{ path: 'token', message: 'must be a token' }])
        const { cookie, expiresAt, caller } = await sessions.signIn(body.data.token)
        setCookie(c, SESSION_COOKIE, cookie, {
          path,
          httpOnly: true,
          sameSite: 'Strict',
          secure: isSecure(c.req.raw, c.req.header('x-forwarded-proto')),
          expires: expiresAt,
        })
        return c.json({ name: caller.name, scopes: caller.scopes }, 200)
      })
      .delete('/session', async (c) => {
        requireOwnPage(c)
        const cookie = getCookie(c, SESSION_COOKIE)
        if (cookie) await sessions.signOut(cookie)
        deleteCookie(c, SESSION_COOKIE, { path })
        return c.body(null, 204)
      })
  )
}

function nobody(error: unknown): null {
  if (error instanceof TempoError && error.status === 401) return null
  throw error
}

/** A proxy that ends TLS says so; without TLS a Secure cookie would never come back. */
function isSecure(request: Request, forwarded: string | undefined): boolean {
  return request.url.startsWith('https:') || forwarded === 'https'
}
