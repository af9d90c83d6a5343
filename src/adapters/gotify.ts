/**
 * The body that a Gotify target of Proxmox posts, `{title, message, priority, extras}`, and the answers of a Gotify
 * server. It is the way of Proxmox VE 8.1 and 8.2, which have no webhook targets.
 */
import { invalidInput } from '../errors.ts'
import type { IncomingEvent } from '../event.ts'

type Body = Record<string, unknown>
type Parsed = { event: IncomingEvent; warnings: string[] }

/** The native dialect of Proxmox, into which this one is translated. */
export type NativeDialect<Options> = {
  parse: (value: Body, options: Options) => Parsed
  /** The fields that Proxmox would have sent along, as title and message tell them; `known` for a title of its own. */
  recognise: (title: string, message: string) => { known: boolean; fields: Record<string, string> }
}

/** The dialect of `POST /message`. */
export function createGotifyDialect<Options>(native: NativeDialect<Options>): {
  claimedProvider: (value: Body) => string | null
  parse: (value: Body, options: Options) => Parsed
} {
  return {
    claimedProvider: () => null,
    parse: (value, options) => {
      requireGotify(value)
      return native.parse(translate(value, native.recognise), options)
    },
  }
}

function requireGotify(value: Body): void {
  const foreign = ['providerIdentifier', 'metadata', 'fields', 'timestamp'].filter((key) =>
    Object.hasOwn(value, key),
  )
  if (foreign.length === 0) return
  throw invalidInput(
    'Gotify message',
    foreign.map((path) => ({ path, message: 'is not a key of a Gotify message' })),
    'This path is for Gotify targets only. The URL of a webhook target ends in /ingest/proxmox.',
  )
}

function translate(value: Body, recognise: NativeDialect<unknown>['recognise']): Body {
  const { title, message, priority, extras: _extras, ...rest } = value
  const text = typeof message === 'string' ? withoutFence(message) : message
  const { known, fields } = recognise(textOf(title), textOf(text))
  const severity = severityOf(priority, known)
  return { ...rest, title, message: text, severity, fields: known || severity === 'unknown' ? fields : null }
}

/**
 * Proxmox sends info as 1, notice and unknown as 3, warning as 5 and error as 9. Of the two that share the 3, unknown
 * is forwarded mail, whose title is any subject; notice is a notification of Proxmox, whose titles are known. What is
 * not known counts as mail, because that is how a failing disk speaks. Priorities in between belong to the level below.
 */
function severityOf(priority: unknown, known: boolean): string | null {
  const level = typeof priority === 'string' && priority.trim() !== '' ? Number(priority) : priority
  if (typeof level !== 'number' || Number.isNaN(level)) return null
  if (level >= 9) return 'error'
  if (level >= 5) return 'warning'
  if (level < 3) return 'info'
  return known ? 'notice' : 'unknown'
}

/** Proxmox puts every message inside of a code fence, so that tables keep their columns. */
function withoutFence(message: string): string {
  const match = /^```\r?\n/.exec(message)
  const end = message.trimEnd()
  if (!match || !end.endsWith('\n```') || end.length < match[0].length + 3) return message
  const inner = end.slice(match[0].length, -3)
  return inner.endsWith('\r\n') ? inner.slice(0, -2) : inner.slice(0, -1)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** What Gotify answers to a message that it took. */
export type GotifyMessage = {
  id: number
  appid: number
  message: string
  title: string
  priority: number
  date: string
  extras?: Record<string, unknown>
}

/**
 * The answer to an accepted body. Gotify's ids are numbers: the last 52 bits of the event's UUID are random, and no
 * number in JSON loses any of them.
 */
export function gotifyMessage(body: Body, event: { id: string; date: Date }): GotifyMessage {
  const { extras, priority } = body
  const answer: GotifyMessage = {
    id: Number.parseInt(event.id.replaceAll('-', '').slice(-13), 16) || 1,
    appid: 1,
    message: textOf(body.message),
    title: textOf(body.title),
    priority: typeof priority === 'number' && Number.isSafeInteger(priority) ? priority : 0,
    date: event.date.toISOString(),
  }
  const isObject = typeof extras === 'object' && extras !== null && !Array.isArray(extras)
  return isObject ? { ...answer, extras: extras as Record<string, unknown> } : answer
}

/** Gotify's answer to a refusal, whose description a person reads in the log of the node. */
export function gotifyError(
  status: number,
  title: string,
  detail: string,
): { error: string; errorCode: number; errorDescription: string } {
  return { error: title, errorCode: status, errorDescription: detail }
}

/** Gotify's `GET /version`; commit and build date are of no use to anyone here. */
export function gotifyVersion(version: string): { version: string; commit: string; buildDate: string } {
  return { version, commit: '', buildDate: '' }
}

/** Gotify's `GET /health`: each part is green, or not. */
export function gotifyHealth(parts: { accepting: boolean; database: boolean }): {
  health: 'green' | 'red'
  database: 'green' | 'red'
} {
  const color = (good: boolean) => (good ? 'green' : 'red')
  return { health: color(parts.accepting), database: color(parts.database) }
}
