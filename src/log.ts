import { pino } from 'pino'
import pretty from 'pino-pretty'

/** What every part logs with; facts first, then one sentence. Never a secret, and no payload at info. */
export type Log = {
  debug: (facts: Record<string, unknown>, message: string) => void
  info: (facts: Record<string, unknown>, message: string) => void
  warn: (facts: Record<string, unknown>, message: string) => void
  error: (facts: Record<string, unknown>, message: string) => void
  fatal: (facts: Record<string, unknown>, message: string) => void
}

/** JSON lines, or readable ones where a person watches. The fact `err` is an error. */
export function createLog(level: string, stream: NodeJS.WriteStream): Log {
  const options = { level, serializers: { err: describeError } }
  if (!stream.isTTY) return pino({ ...options, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream)
  const readable = pretty({
    destination: stream,
    colorize: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
  })
  return pino(options, readable)
}

/** A log that says nothing, for commands. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} }

export type ErrorDescription = {
  type: string
  code?: string
  message: string
  stack: string
  cause?: ErrorDescription
}

const DEEPEST_CAUSE = 5

/**
 * What a log may say of an error: these properties and no others. Errors of the database carry rows and parameters
 * (`detail`, `params`), so payloads and hashes, and Drizzle repeats the parameters in its message.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error), stack: String(error) }
  const { name, cause, code } = error as Error & { code?: unknown }
  const message = withoutParameters(error)
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return {
    type: name,
    ...(typeof code === 'string' && { code }),
    message,
    stack: [`${name}: ${message}`, ...frames].join('\n'),
    ...(cause !== undefined && depth < DEEPEST_CAUSE && { cause: describeError(cause, depth + 1) }),
  }
}

function withoutParameters(error: Error): string {
  const { query } = error as { query?: unknown }
  const isDrizzle = 'params' in error && typeof query === 'string'
  return isDrizzle ? `Failed query: ${query}` : error.message
}
