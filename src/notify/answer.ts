/** What an answer, or its absence, means for the next try. */
import type { Result } from '../channel.ts'
import type { OutgoingAnswer } from './channel.ts'

/** Statuses under 500 that say "not now": RFC 9110 15.5.9 (timeout), RFC 8470 (too early), RFC 6585 (too many). */
const PASSING = [408, 425, 429]
/** Nobody waits longer than that because a receiver says so. */
const MAX_WAIT_MS = 24 * 3_600_000

/** Errors of our own side or of the set-up: the same comes again each time. */
const PERMANENT_CODES = [
  'EBLOCKED',
  'ERR_INVALID_URL',
  'ERR_INVALID_PROTOCOL',
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'ERR_UNESCAPED_CHARACTERS',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]

const CERTIFICATE = 'Its certificate is not trusted here'
const EXPLANATIONS: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens at that host and port.',
  ENOTFOUND: 'No such host is known.',
  EAI_AGAIN: 'The name service does not answer.',
  ECONNRESET: 'The receiver ended the connection before it answered.',
  EPIPE: 'The receiver ended the connection before it answered.',
  EHOSTUNREACH: 'No way leads to that host.',
  ENETUNREACH: 'No way leads to that network.',
  ETIMEDOUT: 'The receiver did not answer in time.',
  DEPTH_ZERO_SELF_SIGNED_CERT: `${CERTIFICATE}: it is self-signed.`,
  SELF_SIGNED_CERT_IN_CHAIN: `${CERTIFICATE}: an authority of its chain is unknown.`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `${CERTIFICATE}: its authority is unknown, or not sent with it.`,
  UNABLE_TO_GET_ISSUER_CERT: `${CERTIFICATE}: its authority is unknown.`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `${CERTIFICATE}: its authority is unknown.`,
  ERR_TLS_CERT_ALTNAME_INVALID: 'Its certificate is for another host.',
  CERT_HAS_EXPIRED: 'Its certificate has expired.',
  CERT_NOT_YET_VALID: 'Its certificate is not valid yet; check the clocks.',
}

/** A status of HTTP: redirects are not followed, so they fail each time. */
export function resultOfStatus(status: number): Result {
  if (status >= 200 && status < 300) return 'sent'
  return status >= 500 || PASSING.includes(status) ? 'passing' : 'permanent'
}

/** A code of SMTP's reply: 4xx may pass, 5xx will not (RFC 5321, 4.2.1). */
export function resultOfReply(code: number): Result {
  if (code >= 200 && code < 400) return 'sent'
  return code < 500 ? 'passing' : 'permanent'
}

/** An error without an answer. */
export function resultOfError(error: unknown): Result {
  return codesOf(error).some((code) => PERMANENT_CODES.includes(code)) ? 'permanent' : 'passing'
}

function codesOf(error: unknown): string[] {
  const codes: string[] = []
  for (let one = error; one instanceof Error && codes.length < 5; one = one.cause) {
    // Nodemailer keeps the system's code beside its own.
    const { originalCode, code } = one as { originalCode?: unknown; code?: unknown }
    for (const known of [originalCode, code]) if (typeof known === 'string') codes.push(known)
    if (one instanceof AggregateError)
      codes.push(...one.errors.flatMap((inner) => codesOf(inner).slice(0, 1)))
  }
  return codes
}

/** What kept the receiver from answering, in a sentence that also names the code. */
export function explainError(error: unknown): string {
  const codes = codesOf(error)
  const known = codes.find((code) => EXPLANATIONS[code])
  const message = error instanceof Error ? error.message : String(error)
  const own = message || codes.join(', ') || 'It failed without a reason.'
  return known ? `${EXPLANATIONS[known]} (${own})` : own
}

/** What the receiver said; a redirect in words, because people expect it to be followed. */
export function explainAnswer({ status, headers, body }: OutgoingAnswer): string {
  const redirect =
    status >= 300 && status < 400
      ? `Redirects are not followed; enter the address that it leads to. Location: ${headers.location ?? 'not given'}\n`
      : ''
  return `HTTP ${status}\n${redirect}${body}`.trimEnd()
}

/**
 * Milliseconds to wait: Retry-After in seconds or as a date (RFC 9110, 10.2.3), or `retry_after` of Discord's body, in
 * seconds; the longer of both. Null: not said, or not understood.
 */
export function retryAfterOf({ status, headers, body }: OutgoingAnswer, now: number): number | null {
  const waits = [fromHeader(headers['retry-after'], now), status === 429 ? fromBody(body) : null]
  const known = waits.filter((wait) => wait !== null)
  return known.length === 0 ? null : Math.min(Math.max(...known), MAX_WAIT_MS)
}

function fromHeader(value: string | undefined, now: number): number | null {
  const text = value?.trim() ?? ''
  // Fractions are not in the RFC, but some send them.
  if (/^\d{1,12}(\.\d{1,6})?$/.test(text)) return Math.ceil(Number(text) * 1000)
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}

function fromBody(body: string): number | null {
  try {
    const seconds = JSON.parse(body)?.retry_after
    return typeof seconds === 'number' && seconds >= 0 ? Math.ceil(seconds * 1000) : null
  } catch {
    return null
  }
}
