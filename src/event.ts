/** The vocabulary of the whole server: severities, events, stacks, actions, as they are inside and on the wire. */
import type { BackupReport } from './guest.ts'

/** Our severities in ascending order; the index is what the database stores. */
export const SEVERITIES = ['ok', 'info', 'warning', 'error', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** The four bands that people see; `ok` is shown with `info`. */
export const BANDS = ['info', 'warning', 'error', 'critical'] as const
export type Band = (typeof BANDS)[number]

export const EVENT_TYPES = ['alert', 'event', 'task', 'reminder'] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** What an action does when a person clicks it; the server itself never runs one. */
export const ACTION_TYPES = ['openURL', 'copyToClipboard', 'openTerminalWith'] as const
export type ActionType = (typeof ACTION_TYPES)[number]

/** Rank of a severity: 0 for ok to 4 for critical. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity)
}

/** Inverse of {@link severityRank}; throws on a rank that does not exist. */
export function severityOfRank(rank: number): Severity {
  const severity = SEVERITIES[rank]
  if (!severity) throw new RangeError(`no severity has rank ${rank}`)
  return severity
}

/** The band a severity is shown in. */
export function bandOf(severity: Severity): Band {
  return severity === 'ok' ? 'info' : severity
}

export function isSeverity(value: unknown): value is Severity {
  return typeof value === 'string' && (SEVERITIES as readonly string[]).includes(value)
}

/** `com.proxmox`, `scripts.bash.disk`: lower-case parts joined by dots, dashes or underscores. */
export const PROVIDER_PATTERN = /^[a-z0-9]+([._-][a-z0-9]+)*$/
export const PROVIDER_MIN_LENGTH = 3
export const PROVIDER_MAX_LENGTH = 200

export function isProviderIdentifier(value: string): boolean {
  return (
    value.length >= PROVIDER_MIN_LENGTH && value.length <= PROVIDER_MAX_LENGTH && PROVIDER_PATTERN.test(value)
  )
}

/** True when `provider` is `root` itself or below it by dots: `com.proxmox` holds `com.proxmox.backup`. */
export function isWithinProvider(provider: string, root: string): boolean {
  return provider === root || provider.startsWith(`${root}.`)
}

/** A JSON object as the sender gave it. Keys may be anything, `__proto__` included: read own properties only. */
export type Metadata = { readonly [key: string]: unknown }

/** An action as a payload or a score writes it; exactly one key in `trigger`. */
export type ActionTemplate = {
  label: string
  systemIcon?: string
  trigger: Partial<Record<ActionType, string>>
}

/** A validated event on its way in, before any score has looked at it. Missing values are null. */
export type IncomingEvent = {
  provider: string
  title: string
  startDate: Date
  endDate: Date | null
  eventType: EventType
  externalID: string | null
  /** The payload's explicit top-level severity, not `metadata.severity`. */
  severity: Severity | null
  color: string | null
  groupingKey: string | null
  recurrenceRule: string | null
  actions: ActionTemplate[]
  metadata: Metadata
}

/** The part of an event that templates can name: `${title}`, `${metadata.a.b}`, … */
export type TemplateContext = {
  provider: string
  title: string
  startDate: Date
  endDate: Date | null
  eventType: EventType
  externalID: string | null
  metadata: Metadata
}

export const GROUPING_ROLES = ['single', 'repeats', 'opens', 'continues', 'closes'] as const
/** What an event does to a stack: stands alone, repeats a key, or opens, continues or closes a session. */
export type GroupingRole = (typeof GROUPING_ROLES)[number]

export const OCCASIONS = ['event', 'resolved', 'acknowledged', 'reminder'] as const
/** What happened that a channel is told. */
export type Occasion = (typeof OCCASIONS)[number]

export const SURFACES = ['timeline', 'agenda'] as const
export type Surface = (typeof SURFACES)[number]

/**
 * How far a run is, as its event said: `complete` of `total` are done; of a mere share, such as 42 %, the total is 1.
 * `finished` when nothing more is to come. It is overdue when it is not finished `timeoutSeconds` after its first event,
 * which only a reader can tell.
 */
export type Progress = {
  total: number | null
  complete: number | null
  status: string | null
  finished: boolean
  timeoutSeconds: number | null
}

/**
 * What an event says of an episode, a trouble that stays open until somebody says that it is over: that it goes on, or
 * that it is over.
 */
export type EpisodeMark = {
  does: 'fails' | 'recovers'
  /** What fails, such as `replication NODE JOBID`; null: whatever fails of the event's node and VMID. */
  key: string | null
  jobId: string | null
}

/** An event that a score has judged, ready to be stored. Instants carry milliseconds. */
export type JudgedEvent = {
  id: string
  provider: string
  externalID: string | null
  title: string
  subtitle: string | null
  startDate: Date
  endDate: Date | null
  receivedAt: Date
  eventType: EventType
  severity: Severity
  label: string
  color: string
  node: string | null
  vmid: string | null
  /** Grouping key; null: a stack of its own. */
  key: string | null
  /** Length of the stack's window in milliseconds; null: no end. */
  windowMs: number | null
  role: GroupingRole
  /** The stack shows the severity of its latest event, not of its worst. */
  currentState: boolean
  /** Severity of the session that this event closes; null: its own. */
  closedSeverity: Severity | null
  /** Title of a stack of two or more whose latest event this is; null: its own. */
  stackTitle: string | null
  indicator: { emoji: string | null; color: string | null } | null
  tags: string[]
  surface: Surface
  progress: Progress | null
  /** Acknowledged, or dismissed, by a rule as it arrives. */
  acked: boolean
  dismissed: boolean
  metadata: Metadata
  /** What was found beside the metadata, such as a node named in the title; null: nothing. */
  facts: Record<string, string> | null
  /** The event that this one was taken from; null: it was received. */
  derivedFrom: string | null
  /** Events taken from this one, which are stored with it. */
  derived?: JudgedEvent[]
  /** Set when it is the report of a backup job. */
  report?: BackupReport
  /** Set when it is about a trouble whose end its sender never tells. */
  episode?: EpisodeMark
  /** The rest of the payload, as it came; `actions` as they were understood. */
  payload: Metadata
  warnings: string[]
  /** Set when the sender named an Idempotency-Key. */
  idempotency: { tokenId: string; key: string } | null
  /** Channels that it is told to; set right before it is stored. */
  tell?: { channelId: string; occasion: Occasion }[]
  /** It comes from the spool: a try to store it may have succeeded unnoticed, and newer ones may be stored already. */
  replay?: boolean
}

/** An event as it is stored. */
export type StoredEvent = Pick<
  JudgedEvent,
  | 'id'
  | 'provider'
  | 'externalID'
  | 'title'
  | 'subtitle'
  | 'startDate'
  | 'endDate'
  | 'receivedAt'
  | 'eventType'
  | 'severity'
  | 'label'
  | 'color'
  | 'node'
  | 'vmid'
  | 'indicator'
  | 'tags'
  | 'surface'
  | 'progress'
  | 'metadata'
  | 'facts'
  | 'derivedFrom'
  | 'payload'
> & {
  stackId: string
  ackedAt: Date | null
  dismissedAt: Date | null
}

/** A stack as it is stored, with its latest event. */
export type StoredStack = {
  id: string
  provider: string
  key: string | null
  node: string | null
  vmid: string | null
  title: string
  openedAt: Date
  closesAt: Date | null
  firstEventAt: Date
  lastEventAt: Date
  count: number
  severity: Severity
  label: string
  resolved: boolean
  ackedAt: Date | null
  dismissedAt: Date | null
  latest: StoredEvent
}
