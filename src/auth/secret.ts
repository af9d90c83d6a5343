import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Scope, Token } from '../access.ts'
import { type SigningSecret, sealSigningSecret } from './signature.ts'
import type { Vault } from './vault.ts'

/** Random bytes of a token: 256 bits, as the contract asks at the least. */
const SECRET_BYTES = 32
const PREFIX_BYTES = 4
const MARK = 'tempo_'
const PREFIX_LENGTH = MARK.length + 2 * PREFIX_BYTES

/** What a new token is to be. `providers` empty: unbound. */
export type TokenWish = {
  name: string
  scopes: Scope[]
  providers: string[]
  defaults?: Record<string, string>
  expiresAt: Date | null
  /** What signs the bodies of its sender, and the vault that seals it. */
  signing?: (SigningSecret & { vault: Pick<Vault, 'seal'> }) | undefined
}

/** Makes a token. `secret` is what the sender shows; it is in no other place afterwards. */
export function makeToken(
  { signing, ...wish }: TokenWish,
  now = new Date(),
): { secret: string; token: Token } {
  const id = uuidv7()
  const prefix = MARK + randomBytes(PREFIX_BYTES).toString('hex')
  const secret = `${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`
  const token = {
    ...wish,
    defaults: wish.defaults ?? {},
    id,
    prefix,
    hash: hashSecret(secret),
    hmacSecret: signing ? sealSigningSecret(signing.vault, id, signing) : null,
    createdAt: now,
    lastUsedAt: null,
    revokedAt: null,
  }
  return { secret, token }
}

/** SHA-256: a token has 256 random bits, so that no slow hash is needed against guessing. */
export function hashSecret(secret: string): Uint8Array {
  // By way of hexadecimal, which costs half as much as asking for a buffer.
  return Buffer.from(hash('sha256', secret), 'hex')
}

/** The public part of a token, by which it is looked up; null when the text has not the form of a token. */
export function prefixOf(secret: string): string | null {
  return /^tempo_[0-9a-f]{8}_[\w-]{43}$/.test(secret) ? secret.slice(0, PREFIX_LENGTH) : null
}

/** Compares hashes in constant time. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
