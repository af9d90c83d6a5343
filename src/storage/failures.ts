import { type FailureKind, TempoError } from '../errors.ts'

/** Code of the error that says that a deadline of our own has passed. */
export const DEADLINE = 'DEADLINE'

/** Of the system, and of postgres.js. */
const CONNECTION_CODES = new Set([
  DEADLINE,
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
])

/**
 * SQLSTATE, or its class of two characters, and what it means (PostgreSQL, Appendix A). The longest entry decides. An
 * operator mends some of the first; until then all goes on in the spool.
 */
const SQLSTATES: Record<string, FailureKind> = {
  '08': 'away', // connection
  '28': 'away', // login refused
  '3D': 'away', // no such database
  '53': 'away', // resources: disk full, out of memory, too many connections
  '54': 'unknown',
  '54000': 'bad', // too large, as an index row
  '57014': 'away', // statement_timeout
  '57P': 'away', // shutting down, starting up
  '58': 'away', // its disk
  '25006': 'away', // read-only: a standby
  '25P03': 'later', // idle_in_transaction_session_timeout
  '25P04': 'later', // transaction_timeout
  '55000': 'away', // no connections taken, or recovery in progress
  '55P03': 'later', // lock not available
  '40': 'later', // serialization failure, deadlock
  '23P01': 'later', // a race that was lost every time
  '23505': 'later',
  '23514': 'bad', // check violation
  '22': 'bad', // data: text, number or time that it cannot hold
  '42P01': 'later', // no such table, column or function: before or while a migration runs
  '42703': 'later',
  '42883': 'later',
  '3F000': 'later',
}

/** What the failure of a statement means; looks through the errors that wrap it. */
export function failureKind(error: unknown): FailureKind {
  const code = codeOf(error)
  if (code === undefined) return isRefusal(error) ? 'later' : 'unknown'
  if (CONNECTION_CODES.has(code)) return 'away'
  for (let length = 5; length >= 2; length--) {
    const kind = SQLSTATES[code.slice(0, length)]
    if (kind) return kind
  }
  return 'unknown'
}

/**
 * The code of a failure: SQLSTATE, or one of the system; undefined when there is none. Ours wrap the driver's, Drizzle's
 * do as well.
 */
export function codeOf(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (cause !== undefined) return codeOf(cause)
  return typeof code === 'string' && !(error instanceof TempoError) ? code : undefined
}

/** A 503 of our own without a cause, such as that too many wait. */
function isRefusal(error: unknown): boolean {
  return error instanceof TempoError && error.status === 503
}

/**
 * True when the database could not be asked or could not answer now, so that the same statement may succeed later: what
 * a reader is answered 503 for. A table that is not there is a fault to a reader.
 */
export function isPassing(error: unknown): boolean {
  const kind = failureKind(error)
  return kind === 'away' || (kind === 'later' && !/^(42|3F|23)/.test(codeOf(error) ?? ''))
}

/**
 * True when the database answers, but will not have us until someone changes its settings or ours: login, name of the
 * database, rights. A start must not wait for that to pass.
 */
export function isRefusedForGood(error: unknown): boolean {
  if (error instanceof TempoError && error.status !== 503) return true
  const code = codeOf(error)
  return code === undefined ? !isRefusal(error) : /^(28|3D|42501$)/.test(code)
}
