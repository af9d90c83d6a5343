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

/** JSON lines, or readable ones where a person watches. */
export function createLog(level: string, stream: NodeJS.WriteStream): Log {
  if (!stream.isTTY) return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream)
  const readable = pretty({
    destination: stream,
    colorize: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
  })
  return pino({ level }, readable)
}

/** A log that says nothing, for commands. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} }
