/** One thing wrong with an input: where (a JSON path such as `metadata.VMID`, or a parameter name) and what to do. */
export type FieldError = { path: string; message: string }

/** Where and why a text is not JSON; `line` and `column` count from 1. */
export type JsonFault = { line: number; column: number; excerpt: string; hint?: string }

/**
 * An expected failure: it has a stable code, an HTTP status and a sentence that says what to do.
 * Anything else that is thrown is a fault of ours and answers 500 without its cause.
 */
export class TempoError extends Error {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly errors: FieldError[]
  readonly extra: Record<string, unknown>
  /** Seconds after which trying again makes sense (RFC 9110, Retry-After). */
  readonly retryAfter: number | undefined

  constructor(
    code: string,
    status: number,
    title: string,
    detail: string,
    more: {
      errors?: FieldError[]
      extra?: Record<string, unknown>
      retryAfter?: number
      cause?: unknown
    } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'TempoError'
    this.code = code
    this.status = status
    this.title = title
    this.errors = more.errors ?? []
    this.extra = more.extra ?? {}
    this.retryAfter = more.retryAfter
  }
}

/** Why a token was not accepted; also the `reason` of the delivery that it refused. */
export type TokenRefusal =
  | 'no_token'
  | 'unknown_token'
  | 'token_expired'
  | 'session_ended'
  | 'token_revoked'
  | 'wrong_scope'
  | 'provider_not_bound'
  | 'bad_signature'

const TOKEN_ADVICE: Record<TokenRefusal, string> = {
  no_token: 'Send a token in the header X-Tempo-Token, or as Authorization: Bearer TOKEN.',
  unknown_token:
    'This token is not known here. Make one with: tempo token create --name NAME --provider PROVIDER',
  token_expired: 'This token has expired. Make a new one with: tempo token create',
  session_ended: 'This session is over. Sign in again with a token.',
  token_revoked: 'This token was revoked. Make a new one with: tempo token create',
  wrong_scope: 'This token has no scope for that. Make one with: tempo token create --scope SCOPE',
  provider_not_bound: 'This token is not bound to that provider.',
  bad_signature:
    'No signature fits this body. Sign its very bytes with HMAC-SHA256 under the signing secret of a token that is ' +
    'in force, and send X-ProxCenter-Signature: sha256=HEX. Make a token with one: tempo token create --hmac',
}

/** 401: no token, or one that does not open this door. */
export function unauthorized(reason: TokenRefusal, detail: string = TOKEN_ADVICE[reason]): TempoError {
  return new TempoError(reason, 401, 'Unauthorized', detail)
}

/** 403: a good token whose scope does not cover this request. */
export function forbidden(detail: string): TempoError {
  return new TempoError('wrong_scope', 403, 'Forbidden', detail)
}

/** 404: nothing under this id or path. */
export function notFound(what: string): TempoError {
  return new TempoError('not_found', 404, 'Not found', `${what} does not exist here.`)
}

/** 413: the body is over the configured limit, in bytes. */
export function bodyTooLarge(limit: number): TempoError {
  return new TempoError(
    'body_too_large',
    413,
    'Body too large',
    `The body is over ${limit} bytes. Send less, or raise TEMPO_MAX_BODY_BYTES.`,
    { extra: { limit } },
  )
}

/** 422: the text is not JSON. */
export function invalidJson(reason: string, fault: JsonFault): TempoError {
  const where = `line ${fault.line}, column ${fault.column}`
  return new TempoError('invalid_json', 422, 'Not JSON', `The body is not JSON: ${reason} at ${where}.`, {
    errors: [{ path: '', message: `${reason} at ${where}` }],
    extra: { ...fault },
  })
}

/** 422: JSON, but not what this place takes. */
export function invalidInput(what: string, errors: FieldError[], hint?: string): TempoError {
  const first = errors[0]
  const lead = first ? `${first.path ? `${first.path}: ` : ''}${first.message}` : 'see errors'
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new TempoError('invalid_input', 422, `Not a valid ${what}`, `${lead}${more}`, {
    errors,
    extra: hint ? { hint } : {},
  })
}

/** 429: over the token's own limit; `retryAfter` in seconds. */
export function tooManyRequests(retryAfter: number): TempoError {
  return new TempoError(
    'rate_limited',
    429,
    'Too many requests',
    `This token is over its limit. Try again in ${retryAfter} s, or raise TEMPO_RATE_LIMIT.`,
    { retryAfter },
  )
}

/** 503: the event could not be kept; the sender must try again. */
export function unavailable(detail: string, cause?: unknown): TempoError {
  return new TempoError('unavailable', 503, 'Unavailable', detail, { retryAfter: 5, cause })
}

/** A command or the start cannot go on; `detail` is one or more lines for the terminal. */
export function fatal(code: string, detail: string, cause?: unknown): TempoError {
  return new TempoError(code, 500, 'Cannot go on', detail, { cause })
}

/**
 * What a failed statement means for an event that was to be stored.
 * - `away`: the database cannot be reached, does not answer, or takes no writes at all: nothing can be stored now.
 * - `later`: it answers, but this cannot be done now: a conflict, a lock, a table that a migration is yet to make.
 * - `bad`: it refuses this row, and will refuse it always.
 * - `unknown`: none that we know; it may work later, and must not be lost.
 */
export type FailureKind = 'away' | 'later' | 'bad' | 'unknown'

/** 422: a valid event that the database refuses, and would refuse again; `reason` holds nothing of the event. */
export function unstorable(reason: string, cause: unknown): TempoError {
  const detail = `The database refuses this event (${reason}). It is kept in quarantine.`
  return new TempoError('unstorable', 422, 'Cannot be stored', detail, { cause })
}
