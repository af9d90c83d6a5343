/** Who may send what, and what became of it: tokens, deliveries, refused bodies. */
export const SCOPES = ['ingest', 'read', 'admin'] as const
/** What a token opens: `ingest` the ingest paths, `read` the API, `admin` everything. */
export type Scope = (typeof SCOPES)[number]

/** Names of metadata that a token may add. */
export const METADATA_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** A token as it is stored: never the token itself. */
export type Token = {
  id: string
  name: string
  /** The public beginning of the token, to recognise it by. */
  prefix: string
  /** SHA-256 of the whole token. */
  hash: Uint8Array
  scopes: Scope[]
  /** Provider roots it may write to; empty: any. */
  providers: string[]
  /** Metadata that is added to what comes with it, where it is missing. */
  defaults: Record<string, string>
  /** What signs the bodies of its sender, sealed; null: nothing. */
  hmacSecret: Uint8Array | null
  createdAt: Date
  lastUsedAt: Date | null
  expiresAt: Date | null
  revokedAt: Date | null
}

/** First byte of a token's `hmacSecret` whose signatures are required; of the others it is 0. */
export const SIGNATURE_REQUIRED = 1

/** One attempt on an ingest path. */
export type Delivery = {
  id: string
  receivedAt: Date
  path: string
  address: string
  userAgent: string | null
  tokenId: string | null
  tokenName: string | null
  provider: string | null
  status: number
  /** Why it was refused; null when it was accepted. */
  reason: string | null
  durationMs: number
  bytes: number | null
  eventId: string | null
  quarantineId: string | null
  /** False: no valid token came with it. */
  authenticated: boolean
}

/** A body refused with 422 under a valid token, kept for repair. */
export type QuarantinedBody = {
  id: string
  receivedAt: Date
  path: string
  address: string
  contentType: string | null
  tokenId: string | null
  tokenName: string
  /** Provider roots of the token at the time; empty: any. */
  providers: string[]
  /** Metadata that the token added at the time. */
  defaults: Record<string, string>
  body: Uint8Array
  bytes: number
  problem: Record<string, unknown>
}
