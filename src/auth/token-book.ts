import { NIL as NIL_UUID } from 'uuid'
import type { Scope } from '../access.ts'
import { unauthorized, unavailable } from '../errors.ts'
import { isWithinProvider } from '../event.ts'
import { RefusedToken } from './refused-token.ts'
import { hashSecret, prefixOf, sameHash } from './secret.ts'
import { hasSigned, isSignatureRequired, readSignature, type SignedBody } from './signature.ts'
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
  /**
   * The caller of a token, or where the body may be `signed` and there is no token, of its signature. Throws
   * unauthorized with the reason, as a RefusedToken when it once was good.
   */
  identify: (secret: string | null, signed?: SignedBody) => Promise<Caller>
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
  /** What signs the bodies of a token's sender; null when it cannot be opened. Asked of tokens that have one. */
  openSigningSecret?: (token: KnownToken) => string | null
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
  let signers: Signer[] = []
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
    signers = tokens
      .filter(({ hmacSecret, revokedAt }) => hmacSecret !== null && revokedAt === null)
      .map((token) => ({ token, secret: options.openSigningSecret?.(token) ?? null }))
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

  /** Looks again among tokens read anew. */
  async function findNew<T>(look: () => T | undefined): Promise<T | undefined> {
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
    const found = look()
    if (!found && isStale && !loading) throw notKnownYet()
    return found
  }

  async function identify(secret: string | null, signed?: SignedBody): Promise<Caller> {
    if (!secret) {
      if (!signed) throw unauthorized('no_token')
      return callerWith(await findSigner(signed))
    }
    const hash = hashSecret(secret)
    if (adminHash && sameHash(adminHash, hash)) return ADMIN
    const prefix = prefixOf(secret)
    const look = () => (prefix ? find(prefix, hash) : undefined)
    const token = look() ?? (prefix ? await findNew(look) : undefined)
    if (!token) throw unauthorized('unknown_token')
    if (token.hmacSecret !== null) await requireSignature(token, signed)
    return callerWith(token)
  }

  /** Of a token that has a signing secret: what is signed must be signed with it. */
  async function requireSignature(token: KnownToken, signed: SignedBody | undefined): Promise<void> {
    requireInForce(token)
    const isRequired = isSignatureRequired(token.hmacSecret)
    if (!signed || signed.signatures.length === 0) {
      if (isRequired) throw unauthorized('bad_signature', SIGNATURE_MISSING)
      return
    }
    const secret = signers.find((signer) => signer.token.id === token.id)?.secret ?? null
    if (secret === null) {
      if (isRequired) throw unavailable(NOT_OPENED)
      return
    }
    if (!hasSigned(secret, await signed.readBody(), signed.signatures)) throw unauthorized('bad_signature')
  }

  /** The token of a sender that shows none. No body is read unless its signature can be that of a known token. */
  async function findSigner({ provider, signatures, readBody }: SignedBody): Promise<KnownToken> {
    if (signatures.length === 0) throw unauthorized('no_token', NO_TOKEN_NO_SIGNATURE)
    if (!signatures.some(readSignature)) throw unauthorized('bad_signature', NO_SIGNATURE_FORM)
    const possible = () => {
      const found = signers.filter(({ token, secret }) => secret !== null && isGoodFor(token, provider))
      return found.length > 0 ? found : undefined
    }
    if (!(possible() ?? (await findNew(possible)))) throw unauthorized('bad_signature')
    const body = await readBody()
    const look = () => possible()?.find(({ secret }) => hasSigned(secret!, body, signatures))
    const signer = look() ?? (await findNew(look))
    if (!signer) throw unauthorized('bad_signature')
    return signer.token
  }

  function isGoodFor({ providers, expiresAt }: KnownToken, provider: string): boolean {
    const isBound = providers.some(
      (root) => isWithinProvider(provider, root) || isWithinProvider(root, provider),
    )
    return isBound && (!expiresAt || expiresAt > options.now())
  }

  function callerOf(tokenId: string): Caller {
    if (adminHash && tokenId === ADMIN.tokenId) return ADMIN
    const token = [...byPrefix.values()].flat().find(({ id }) => id === tokenId)
    if (!token) throw unauthorized('unknown_token')
    return callerWith(token)
  }

  function callerWith(token: KnownToken): Caller {
    requireInForce(token)
    uses.set(token.id, options.now())
    const { id: tokenId, name, scopes, providers, defaults } = token
    return { tokenId, name, scopes, providers, defaults }
  }

  function requireInForce(token: KnownToken): void {
    if (token.revokedAt) throw new RefusedToken('token_revoked', token)
    if (token.expiresAt && token.expiresAt <= options.now()) throw new RefusedToken('token_expired', token)
  }

  function takeUses(): Map<string, Date> {
    const taken = new Map(uses)
    uses.clear()
    return taken
  }

  return { identify, callerOf, reload, restore, takeUses }
}

/** A token in force with what signs its sender's bodies; null when it cannot be opened. */
type Signer = { token: KnownToken; secret: string | null }

const SIGNATURE_MISSING =
  'This token is good together with a signature only. Give its signing secret to the sender, which posts to ' +
  '/ingest/proxcenter with X-ProxCenter-Signature: sha256=HEX.'
const NO_TOKEN_NO_SIGNATURE =
  'Send a token in the header X-Tempo-Token, or as Authorization: Bearer TOKEN; or sign the body with HMAC-SHA256 ' +
  'and send X-ProxCenter-Signature: sha256=HEX.'
const NO_SIGNATURE_FORM =
  'The signature has no known form. Send HMAC-SHA256 of the body as sha256=HEX, or in hexadecimal or Base64 alone.'
const NOT_OPENED =
  'The signing secret of this token was sealed with another key. Start the server with the TEMPO_SECRET_KEY, or the ' +
  'file secret-key, that it had then; or make a new token.'

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
