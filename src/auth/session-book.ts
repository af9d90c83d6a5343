import { createHash, randomBytes } from 'node:crypto'
import { forbidden, unauthorized } from '../errors.ts'
import { type Caller, hasScope, type TokenBook } from './token-book.ts'

/** A session of the page as it is stored: never what the cookie holds. */
export type PageSession = { hash: Uint8Array; tokenId: string; createdAt: Date; expiresAt: Date }

export type SessionBook = {
  /** Trades a token with the scope `read` for the content of a cookie; throws unauthorized or forbidden. */
  signIn: (secret: string) => Promise<{ cookie: string; expiresAt: Date; caller: Caller }>
  /** The caller of a cookie; throws unauthorized when the session, or its token, is not in force. */
  identify: (cookie: string) => Promise<Caller>
  signOut: (cookie: string) => Promise<void>
}

export type SessionBookOptions = {
  book: Pick<TokenBook, 'identify' | 'callerOf'>
  insert: (session: PageSession) => Promise<void>
  find: (hash: Uint8Array) => Promise<PageSession | null>
  remove: (hash: Uint8Array) => Promise<void>
  lifetimeMs: number
  now: () => Date
}

/** How long a session is trusted without looking again: so long may it outlive a sign-out at another server. */
const TRUSTED_MS = 10_000
const MAX_TRUSTED = 1_000

/** Sessions of the page. A session ends with its time, with a sign-out, and with its token. */
export function createSessionBook(options: SessionBookOptions): SessionBook {
  const { book, insert, find, remove, lifetimeMs, now } = options
  const trusted = new Map<string, { session: PageSession; until: number }>()

  async function signIn(secret: string) {
    const caller = await book.identify(secret)
    if (!hasScope(caller, 'read')) {
      throw forbidden(
        'This token may send events, but not read. Make one with: tempo token create --scope read',
      )
    }
    const cookie = randomBytes(32).toString('base64url')
    const createdAt = now()
    const expiresAt = new Date(createdAt.getTime() + lifetimeMs)
    await insert({ hash: hashOf(cookie), tokenId: caller.tokenId, createdAt, expiresAt })
    return { cookie, expiresAt, caller }
  }

  async function identify(cookie: string): Promise<Caller> {
    const hash = hashOf(cookie)
    const name = Buffer.from(hash).toString('base64')
    const at = now()
    const known = trusted.get(name)
    const session = known && known.until > at.getTime() ? known.session : await find(hash)
    if (!session || session.expiresAt <= at) {
      trusted.delete(name)
      throw unauthorized('session_ended')
    }
    if (session !== known?.session) {
      if (trusted.size >= MAX_TRUSTED) trusted.clear()
      trusted.set(name, { session, until: at.getTime() + TRUSTED_MS })
    }
    return book.callerOf(session.tokenId)
  }

  async function signOut(cookie: string): Promise<void> {
    const hash = hashOf(cookie)
    trusted.delete(Buffer.from(hash).toString('base64'))
    await remove(hash)
  }

  return { signIn, identify, signOut }
}

function hashOf(cookie: string): Uint8Array {
  return createHash('sha256').update(cookie).digest()
}
