import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { TempoError, unavailable } from '../errors.ts'
import type { Log } from '../log.ts'
import { isPassing } from '../storage/failures.ts'
import { letAnswerArrive } from './connection.ts'

/** What every answer carries. */
export const SAFE_HEADERS = { 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' }

/** A problem document (RFC 9457) of an expected failure. */
export function problemOf(error: TempoError): Record<string, unknown> {
  return {
    type: `urn:tempo:problem:${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.errors.length > 0 ? { errors: error.errors } : {}),
    ...error.extra,
  }
}

/** Answers with a problem document; a failure of ours says nothing of its cause, the log says all. */
export function answerProblem(c: Context, thrown: unknown, log: Log): Response {
  const error = asTempoError(thrown)
  if (error.status >= 500) {
    const facts = {
      err: error.cause ?? thrown,
      method: c.req.method,
      path: c.req.path,
      code: error.code,
    }
    if (error.code === 'internal') log.error(facts, 'request failed')
    else log.warn(facts, error.message)
  }
  letAnswerArrive(c)
  for (const [name, value] of Object.entries(SAFE_HEADERS)) c.header(name, value)
  c.header('Content-Type', 'application/problem+json')
  if (error.retryAfter !== undefined) c.header('Retry-After', String(error.retryAfter))
  if (error.status === 401) c.header('WWW-Authenticate', 'Bearer realm="tempo"')
  return c.body(JSON.stringify(problemOf(error)), error.status as ContentfulStatusCode)
}

function asTempoError(thrown: unknown): TempoError {
  if (thrown instanceof TempoError) return thrown
  if (thrown instanceof HTTPException && thrown.status < 500) {
    return new TempoError(
      'bad_request',
      thrown.status,
      'Bad request',
      thrown.message || 'The request is not valid.',
    )
  }
  // Drizzle wraps what the database said.
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown
  if (isPassing(cause)) return unavailable('The database does not answer. Try again.', thrown)
  const detail = 'Something failed here. The log of the server says what.'
  return new TempoError('internal', 500, 'Internal error', detail, { cause: thrown })
}
