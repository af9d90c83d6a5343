import { BlockList, isIPv6 } from 'node:net'
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import type { Scope } from '../access.ts'
import type { SessionBook } from '../auth/session-book.ts'
import type { Caller, TokenBook } from '../auth/token-book.ts'
import { TempoError } from '../errors.ts'
import { addressOf } from './connection.ts'

export const SESSION_COOKIE = 'tempo_session'
/** No other site can make a browser send this header: it would have to ask first, and is refused. */
const OWN_PAGE = 'x-tempo-page'

/** Who asks: by a token, by a session of the page, or by the word of a trusted proxy; throws unauthorized. */
export type FindCaller = (c: Context) => Promise<Caller>

export type CallerDeps = {
  identify: TokenBook['identify']
  sessions: Pick<SessionBook, 'identify'>
  proxyUser: (c: Context) => Caller | null
}

/**
 * A token in a header goes first: programs have no cookies. What a browser adds by itself, a cookie or a name that a proxy
 * knows, counts for changes only when the page itself asks for them.
 */
export function createCallerFinder({ identify, sessions, proxyUser }: CallerDeps): FindCaller {
  return async (c) => {
    const secret = secretOf(c)
    if (secret !== null) return identify(secret)
    const cookie = getCookie(c, SESSION_COOKIE)
    const caller = cookie ? await sessions.identify(cookie) : proxyUser(c)
    if (!caller) return identify(null)
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') requireOwnPage(c)
    return caller
  }
}

/** Refuses what another site may have made a browser send. */
export function requireOwnPage(c: Context): void {
  if (c.req.header(OWN_PAGE)) return
  throw new TempoError(
    'foreign_page',
    403,
    'Forbidden',
    'A session may change things from the page of this server only. Programs send a token in X-Tempo-Token.',
  )
}

/** The token of a request: `X-Tempo-Token: T` or `Authorization: Bearer T`. */
export function secretOf(c: Context): string | null {
  const own = c.req.header('x-tempo-token')?.trim()
  if (own) return own
  return /^Bearer\s+(\S+)\s*$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? null
}

export type ProxyUserOptions = {
  /** Header in which the proxy names who has signed in with it; null: no proxy is trusted. */
  header: string | null
  /** Addresses, or networks as in 10.0.0.0/8, that may say so. */
  addresses: string[]
  scope: Scope
}

/** Believes a header of a trusted proxy. What comes past the proxy may say anything, and is not believed. */
export function createProxyUser({
  header,
  addresses,
  scope,
}: ProxyUserOptions): (c: Context) => Caller | null {
  if (header === null) return () => null
  const trusted = new BlockList()
  for (const text of addresses) {
    const [address, bits] = text.split('/') as [string, string?]
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    trusted.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return (c) => {
    const name = c.req.header(header)?.trim()
    if (!name) return null
    const address = addressOf(c)
    if (!address || !trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return null
    return { tokenId: PROXY_ID, name: name.slice(0, 200), scopes: [scope], providers: [] }
  }
}

/** Stands in records for people that a proxy vouches for; they have no token. */
const PROXY_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
