import { NIL as NIL_UUID } from 'uuid'
import type { Scope } from '../access.ts'
import { unauthorized, unavailable } from '../errors.ts'
import { isWithinProvider } from '../event.ts'
import { RefusedToken } from './refused-token.ts'
import { hashSecret, prefixOf, sameHash } from './secret.ts'
import type { KnownToken } from './token-snapshot.ts'

/** Who asks: a token that was found good. `providers` empty: any. */
export type Caller = {
  tokenId: string
  name: string
  scopes: readonly Scope[]
  providers: readonly string[]
  /** Metadata that is added to its events, where it is missing. */
  defaults?: Readonly<Record<string, string>>
}

export type TokenBook = {
  /** The caller of a token; throws unauthorized with the reason, as a RefusedToken when it once was good. */
  identify: (secret: string | null) => Promise<Caller>
  /** The caller of a token by its id, for a session that was opened with it; throws as `identify` does. */
  callerOf: (tokenId: string) => Caller
  /** Reads all tokens anew. */
  reload: () => Promise<void>
  /** Takes tokens that were known before, until the first reload. */
  restore: (tokens: KnownToken[]) => void
  /** Hands over the times of use noted since the last call. */
  takeUses: () => Map<string, Date>
}

export type TokenBookOptions = {
  /** All stored tokens. */
  load: () => Promise<KnownToken[]>
  /** Told of all tokens that were read; does not fail. */
  onLoad?: (tokens: KnownToken[]) => Promise<void>
  /** The database is known to be away, and is not asked. */
  isAway?: () => boolean
  /** The administrator's own token from the configuration. */
  adminSecret: string | null
  now: () => Date
}

/** Look-ups for tokens made a moment ago that may be under way at once; more would let strangers busy the database. */
const MAX_LOOKUPS = 2

/** Keeps all tokens in memory, by their public prefix, so that no sender waits for the database to be known. */
export function createTokenBook(options: TokenBookOptions): TokenBook {
  let byPrefix = new Map<string, KnownToken[]>()
  let isStale = true
  let lookups = 0
  let loading: Promise<void> | null = null
  const uses = new Map<string, Date>()
  const adminHash = options.adminSecret === null ? null : hashSecret(options.adminSecret)

  async function load(): Promise<void> {
    isStale = true
    const tokens = await options.load()
    isStale = false
    restore(tokens)
    await options.onLoad?.(tokens)
  }

  function restore(tokens: KnownToken[]): void {
    byPrefix = Map.groupBy(tokens, (token) => token.prefix)
  }

  /** Calls that come while a load is under way share the next one: theirs may be older than what they ask for. */
  async function reload(): Promise<void> {
    const running = loading
    if (running) {
      await running.catch(() => {})
      if (loading && loading !== running) return loading
    }
    const mine = load().finally(() => {
      if (loading === mine) loading = null
    })
    loading = mine
    return mine
  }

  function find(prefix: string, hash: Uint8Array): KnownToken | undefined {
    return byPrefix.get(prefix)?.find((token) => sameHash(token.hash, hash))
  }

  async function findNew(prefix: string, hash: Uint8Array): Promise<KnownToken | undefined> {
    if (options.isAway?.()) throw notKnownYet()
    const isOneMore = lookups < MAX_LOOKUPS
    if (isOneMore) lookups++
    try {
      // The others are content with the one under way.
      await (isOneMore ? reload() : loading)
    } catch (error) {
      throw notKnownYet(error)
    } finally {
      if (isOneMore) lookups--
    }
    const found = find(prefix, hash)
    if (!found && isStale && !loading) throw notKnownYet()
    return found
  }

  async function identify(secret: string | null): Promise<Caller> {
    if (!secret) throw unauthorized('no_token')
    const hash = hashSecret(secret)
    if (adminHash && sameHash(adminHash, hash)) return ADMIN
    const prefix = prefixOf(secret)
    const token = prefix ? (find(prefix, hash) ?? (await findNew(prefix, hash))) : undefined
    if (!token) throw unauthorized('unknown_token')
    return callerWith(token)
  }

  function callerOf(tokenId: string): Caller {
    if (adminHash && tokenId === ADMIN.tokenId) return ADMIN
    const token = [...byPrefix.values()].flat().find(({ id }) => id === tokenId)
    if (!token) throw unauthorized('unknown_token')
    return callerWith(token)
  }

  function callerWith(token: KnownToken): Caller {
    const now = options.now()
    if (token.revokedAt) throw new RefusedToken('token_revoked', token)
    if (token.expiresAt && token.expiresAt <= now) throw new RefusedToken('token_expired', token)
    uses.set(token.id, now)
    const { id: tokenId, name, scopes, providers, defaults } = token
    return { tokenId, name, scopes, providers, defaults }
  }

  function takeUses(): Map<string, Date> {
    const taken = new Map(uses)
    uses.clear()
    return taken
  }

  return { identify, callerOf, reload, restore, takeUses }
}

function notKnownYet(cause?: unknown): Error {
  return unavailable('This token is not known yet, and the database cannot be asked. Try again.', cause)
}

/** The caller with the token of the configuration; it has no row. */
const ADMIN: Caller = { tokenId: NIL_UUID, name: 'TEMPO_ADMIN_TOKEN', scopes: ['admin'], providers: [] }

/** `admin` opens everything. */
export function hasScope(caller: Caller, scope: Scope): boolean {
  return caller.scopes.includes(scope) || caller.scopes.includes('admin')
}

/** True when the caller may write events of this provider: a bound one and everything below it by dots. */
export function mayWriteTo(caller: Caller, provider: string): boolean {
  return caller.providers.length === 0 || caller.providers.some((root) => isWithinProvider(provider, root))
}
