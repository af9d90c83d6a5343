/** Signatures of bodies: HMAC-SHA256 (RFC 2104) under a secret that the sender shares with one token. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { SIGNATURE_REQUIRED } from '../access.ts'
import type { Vault } from './vault.ts'

/** A body that may come with signatures, as its sender wrote them. */
export type SignedBody = {
  /** A sender without a token is looked for among those bound to it. */
  provider: string
  signatures: readonly string[]
  /** Gives the same bytes each time; throws bodyTooLarge. */
  readBody: () => Promise<Uint8Array>
}

/** `required`: the token alone is not enough. */
export type SigningSecret = { secret: string; required: boolean }

const DIGEST_BYTES = 32
const SECRET_BYTES = 32
const HEX = /^[0-9a-f]{64}$/i
/** 32 bytes in either alphabet of RFC 4648, with or without the sign at the end. */
const BASE64 = /^[\w+/-]{43}=?$/

/** A secret for signing that nobody can guess, in characters that any form takes. */
export function makeSigningSecret(): string {
  return randomBytes(SECRET_BYTES).toString('hex')
}

/** The digest of `sha256=HEX`, of hexadecimal alone, or of Base64; null when it is none of them. */
export function readSignature(text: string): Uint8Array | null {
  const value = text.trim().replace(/^sha256=\s*/i, '')
  if (HEX.test(value)) return Buffer.from(value, 'hex')
  if (!BASE64.test(value)) return null
  // It reads both alphabets.
  const digest = Buffer.from(value, 'base64')
  return digest.length === DIGEST_BYTES ? digest : null
}

/** Whether one of the signatures is that of these very bytes; takes the same time wherever it differs. */
export function hasSigned(secret: string, body: Uint8Array, signatures: readonly string[]): boolean {
  const expected = createHmac('sha256', secret).update(body).digest()
  return signatures.some((text) => {
    const digest = readSignature(text)
    return digest !== null && timingSafeEqual(digest, expected)
  })
}

/** As it is stored with the token of this id: whether it is required, which may be read, and the rest sealed with it. */
export function sealSigningSecret(
  vault: Pick<Vault, 'seal'>,
  tokenId: string,
  { secret, required }: SigningSecret,
): Uint8Array {
  return Buffer.concat([
    Buffer.of(required ? SIGNATURE_REQUIRED : 0),
    vault.seal(secret, contextOf(tokenId, required)),
  ])
}

/** Inverse of {@link sealSigningSecret}; throws as the vault does. */
export function openSigningSecret(vault: Pick<Vault, 'open'>, tokenId: string, stored: Uint8Array): string {
  return vault.open(stored.subarray(1), contextOf(tokenId, isSignatureRequired(stored)))
}

/** Whether the token of this stored secret is not enough alone; false when it has none. */
export function isSignatureRequired(stored: Uint8Array | null): boolean {
  return stored?.[0] === SIGNATURE_REQUIRED
}

/** Another token, or another requirement, does not open it. */
function contextOf(tokenId: string, required: boolean): string {
  return `token ${tokenId} hmac${required ? ' required' : ''}`
}
