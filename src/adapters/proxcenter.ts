/**
 * Notifications of ProxCenter: "a JSON object containing the event type, severity, message, and metadata". Its
 * documentation names no keys, so that every usual name is taken, in any case, and joined by anything.
 */
import { invalidInput } from '../errors.ts'
import { type IncomingEvent, isWithinProvider, type Metadata } from '../event.ts'
import { readSubject } from './proxcenter/subject.ts'
import { bare, isObject, type Lookup, lookInto, quote } from './proxcenter/value.ts'
import { eventOf, eventOfState, isTest, PROXCENTER_EVENTS, severityOf } from './proxcenter/words.ts'
import { parseTimestamp } from './timestamp.ts'

/** The provider of what comes from ProxCenter. */
export const PROXCENTER = 'com.proxcenter'

type Body = Record<string, unknown>
type Options = { now: Date; provider: string | null }
type Parsed = { event: IncomingEvent; warnings: string[] }

/** Our own dialect, into which this one is translated. */
export type OwnDialect = {
  claimedProvider: (value: Body) => string | null
  parse: (value: Body, options: Options) => Parsed
}

/** What makes a notification the same one, when it comes again. */
export type Notification = {
  /** The sender's own id of it; null: none. */
  id: string | null
  content: unknown[]
  startDate: Date
}

export type ProxCenterDialect = {
  claimedProvider: (value: Body) => string | null
  /** `notification` is null for a payload of our own dialect, which is taken as what it is. */
  parse: (value: Body, options: Options) => Parsed & { notification: Notification | null }
}

const NAMES = {
  event: ['event', 'eventtype', 'eventname', 'type', 'notificationtype', 'kind'],
  severity: ['severity', 'level', 'priority'],
  message: ['message', 'msg', 'text', 'description', 'body', 'content', 'details', 'detail'],
  title: ['title', 'subject', 'summary', 'headline'],
  metadata: ['metadata', 'data', 'details', 'context', 'meta', 'attributes', 'fields'],
  time: ['timestamp', 'time', 'createdat', 'occurredat', 'triggeredat', 'resolvedat', 'date', 'datetime'],
  id: ['notificationid', 'eventid', 'messageid', 'deliveryid', 'id'],
  state: ['status', 'state'],
}
/** An object of this name may hold the notification itself. */
const WRAPPERS = ['notification', 'event', 'alert', 'payload']
const READ = new Set([
  ...[NAMES.event, NAMES.severity, NAMES.message, NAMES.title, NAMES.metadata, NAMES.time].flat(),
  ...WRAPPERS,
])
const EXAMPLE =
  '{"event":"alert_triggered","severity":"critical","message":"CPU of pve1 above 95 %","metadata":{"node":"pve1"}}'
const LONGEST_IN_TITLE = 200

/** The dialect of `POST /ingest/proxcenter`. */
export function createProxCenterDialect(own: OwnDialect): ProxCenterDialect {
  return {
    claimedProvider: own.claimedProvider,
    parse: (value, { now, provider }) => {
      const bound = provider !== null && isWithinProvider(provider, PROXCENTER) ? provider : PROXCENTER
      if (own.claimedProvider(value) !== null) {
        return { ...own.parse(value, { now, provider: bound }), notification: null }
      }
      const read = readNotification(value)
      const { event, warnings } = own.parse(
        { providerIdentifier: bound, title: read.title, startDate: read.startDate, metadata: read.metadata },
        { now, provider: null },
      )
      const { id, content } = read
      return {
        event,
        warnings: [...read.warnings, ...warnings],
        notification: { id, content, startDate: event.startDate },
      }
    },
  }
}

function readNotification(value: Body) {
  const warnings: string[] = []
  const layers = [value, ...wrapped(value)]
  const outer = lookInto(...layers)
  const sent = Object.assign(Object.create(null), ...layers.flatMap(metadataIn).toReversed()) as Body
  const inner = lookInto(sent)
  const message = outer.text(...NAMES.message) ?? inner.text('message', 'description')
  const givenTitle = outer.text(...NAMES.title)
  const type = readEvent(outer, inner, warnings)
  if (message === null && givenTitle === null && type === null) throw nothingSaid()
  const severity = readSeverity(outer, inner, warnings)
  const startDate = readTime(outer.text(...NAMES.time) ?? inner.text('timestamp'), warnings)
  const rest = layers.flatMap((layer) => Object.entries(layer).filter(([key, each]) => !isRead(key, each)))
  const subject = readSubject(lookInto(sent, Object.fromEntries(rest), ...layers), [givenTitle, message])
  const entries = [
    ...rest,
    ...Object.entries(sent),
    ...Object.entries(subject),
    ['EventType', type],
    ['severity', severity],
    ['Message', message],
  ].filter(([, each]) => each !== null)
  const metadata: Metadata = Object.fromEntries(entries)
  return {
    title: givenTitle ?? makeTitle(type, subject, message),
    startDate,
    metadata,
    warnings,
    // An id that the alert has too is that of all its notifications.
    id: [outer.text(...NAMES.id)].find((id) => id !== null && id !== subject.AlertID) ?? null,
    content: [
      type,
      severity,
      givenTitle,
      message,
      Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)),
    ],
  }
}

/** Lists are not read, and kept where they are. */
function isRead(key: string, value: unknown): boolean {
  return READ.has(bare(key)) && !Array.isArray(value)
}

function wrapped(value: Body): Body[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    WRAPPERS.includes(bare(key)) && isObject(inner) ? [inner] : [],
  )
}

/** The objects of metadata that a layer of the notification has. */
function metadataIn(layer: Body): Body[] {
  return NAMES.metadata.flatMap((name) =>
    Object.entries(layer).flatMap(([key, inner]) => (bare(key) === name && isObject(inner) ? [inner] : [])),
  )
}

/** In their words where they are not known, so that nothing is lost. */
function readEvent(outer: Lookup, inner: Lookup, warnings: string[]): string | null {
  const texts = [...outer.texts(...NAMES.event), ...inner.texts('event', 'eventtype')]
  const states = [...outer.texts(...NAMES.state), ...inner.texts(...NAMES.state), ...outer.texts('severity')]
  const known =
    texts.map(eventOf).find((event) => event !== null) ??
    texts.flatMap((text) => states.map((state) => eventOfState(text, state))).find((event) => event !== null)
  if (known) return known
  const [text] = texts
  if (text === undefined) {
    warnings.push(`there is no event type; send one of ${Object.keys(PROXCENTER_EVENTS).join(', ')} as event`)
    return null
  }
  if (!isTest(text)) {
    warnings.push(
      `event: ${quote(text)} is none of ${Object.keys(PROXCENTER_EVENTS).join(', ')}; it was kept`,
    )
  }
  return text
}

function readSeverity(outer: Lookup, inner: Lookup, warnings: string[]): string | null {
  const text = outer.text(...NAMES.severity) ?? inner.text('severity', 'level')
  if (text === null) return null
  const severity = severityOf(text)
  if (severity === null) warnings.push(`severity: ${quote(text)} is not known and was kept as it is`)
  return severity ?? text
}

/** ISO 8601; null when there is none that can be read. */
function readTime(text: string | null, warnings: string[]): string | null {
  if (text === null) return null
  const parsed = parseTimestamp(text)
  if (parsed.ok) return parsed.date.toISOString()
  warnings.push(`timestamp: ${parsed.message}; the time of arrival stands in`)
  return null
}

/** `Node offline: pve1`, `Alert triggered: VM 101 on pve1: CPU above 90 %`. */
function makeTitle(type: string | null, subject: Record<string, string>, message: string | null): string {
  const { NodeName: node, VMID: vmid, GuestName: name } = subject
  const [line = ''] = (message ?? '').split(/\r?\n/)
  const told = line.trim().slice(0, LONGEST_IN_TITLE).toWellFormed()
  const isTold = (text: string | undefined) =>
    text === undefined || told.toLowerCase().includes(text.toLowerCase())
  const guest =
    vmid === undefined || isTold(vmid)
      ? isTold(name)
        ? null
        : name
      : name
        ? `${name} (${vmid})`
        : `VM ${vmid}`
  const where = [guest, isTold(node) ? null : node].filter(Boolean).join(' on ')
  const label = type === null ? null : (PROXCENTER_EVENTS[type as keyof typeof PROXCENTER_EVENTS] ?? type)
  return [label, where, told].filter(Boolean).join(': ')
}

function nothingSaid(): Error {
  return invalidInput(
    'ProxCenter notification',
    [{ path: 'event', message: 'is missing, and there is neither a message nor a title; send one of them' }],
    `The body is a JSON object such as ${EXAMPLE}`,
  )
}
