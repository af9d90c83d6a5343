/** The vocabulary of the whole server: severities, events, stacks, actions, as they are inside and on the wire. */
import { z } from '@hono/zod-openapi'

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

/** A provider identifier in a request or on the command line. */
export const providerIdentifier = z
  .string()
  .refine(
    isProviderIdentifier,
    'must look like com.proxmox: lower-case letters and digits, joined by . _ or -',
  )
  .openapi({ type: 'string', pattern: PROVIDER_PATTERN.source, example: 'com.proxmox' })

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

export const SURFACES = ['timeline', 'agenda'] as const
export type Surface = (typeof SURFACES)[number]

/** How far a run is, as its event said. */
export type Progress = {
  total: number | null
  complete: number | null
  status: string | null
  finished: boolean
  timeoutSeconds: number | null
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
  /** The rest of the payload, as it came; `actions` as they were understood. */
  payload: Metadata
  warnings: string[]
  /** Set when the sender named an Idempotency-Key. */
  idempotency: { tokenId: string; key: string } | null
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

export const SCOPES = ['ingest', 'read', 'admin'] as const
/** What a token opens: `ingest` the ingest paths, `read` the API, `admin` everything. */
export type Scope = (typeof SCOPES)[number]

/** A token as it is stored: never the token itself. */
export type Token = {
  id: string
  name: string
  /** The public beginning of the token, to recognise it by. */
  prefix: string
  /** SHA-256 of the whole token. */
  hash: Uint8Array
  scopes: Scope[]
  /** Provider roots it may write to; empty: any. */
  providers: string[]
  createdAt: Date
  lastUsedAt: Date | null
  expiresAt: Date | null
  revokedAt: Date | null
}

/** One attempt on an ingest path. */
export type Delivery = {
  id: string
  receivedAt: Date
  path: string
  address: string
  userAgent: string | null
  tokenId: string | null
  tokenName: string | null
  provider: string | null
  status: number
  /** Why it was refused; null when it was accepted. */
  reason: string | null
  durationMs: number
  bytes: number | null
  eventId: string | null
  quarantineId: string | null
  /** False: no valid token came with it. */
  authenticated: boolean
}

/** A body refused with 422 under a valid token, kept for repair. */
export type QuarantinedBody = {
  id: string
  receivedAt: Date
  path: string
  address: string
  contentType: string | null
  tokenId: string | null
  tokenName: string
  /** Provider roots of the token at the time; empty: any. */
  providers: string[]
  body: Uint8Array
  bytes: number
  problem: Record<string, unknown>
}

const timestamp = z.iso.datetime().openapi({ example: '2026-04-29T03:14:00.000Z' })
const id = z.uuid().openapi({ example: '019ddc5e-7c00-7000-8000-000000000000' })
const severity = z.enum(SEVERITIES)
const band = z.enum(BANDS)

export const ActionSchema = z
  .object({
    label: z.string(),
    icon: z.string().nullable(),
    type: z.enum(ACTION_TYPES),
    value: z.string().nullable().openapi({ description: 'Resolved text; null when disabled' }),
    enabled: z.boolean(),
    missing: z.array(z.string()).openapi({ description: 'Placeholders that did not resolve' }),
  })
  .openapi('Action')
/** An action of a stored event, resolved when read. */
export type Action = z.infer<typeof ActionSchema>

export const SourceSchema = z.object({ displayName: z.string(), color: z.string() }).openapi('SourceName')

export const IndicatorSchema = z
  .object({ emoji: z.string().nullable(), color: z.string().nullable() })
  .openapi('Indicator')

export const ProgressSchema = z
  .object({
    total: z.number().nullable(),
    complete: z.number().nullable(),
    status: z.string().nullable(),
    finished: z.boolean(),
    timeoutSeconds: z.number().nullable(),
  })
  .openapi('Progress')

export const EventSchema = z
  .object({
    id,
    stackId: id,
    provider: z.string(),
    source: SourceSchema,
    title: z.string(),
    subtitle: z.string().nullable(),
    startDate: timestamp,
    endDate: timestamp.nullable(),
    receivedAt: timestamp,
    eventType: z.enum(EVENT_TYPES),
    severity,
    band,
    label: z.string(),
    color: z.string(),
    externalID: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    tags: z.array(z.string()),
    indicator: IndicatorSchema.nullable(),
    surface: z.enum(SURFACES),
    progress: ProgressSchema.nullable().openapi({
      description: 'How far a run is, when the score follows runs',
    }),
    actions: z.array(ActionSchema),
    ackedAt: timestamp.nullable(),
    dismissedAt: timestamp.nullable(),
  })
  .openapi('Event')
/** An event as the API gives it. */
export type EventView = z.infer<typeof EventSchema>

export const StackSchema = z
  .object({
    id,
    provider: z.string(),
    source: SourceSchema,
    key: z.string().nullable().openapi({ description: 'Grouping key; null for an event that stands alone' }),
    node: z.string().nullable(),
    vmid: z.string().nullable(),
    title: z.string(),
    openedAt: timestamp,
    closesAt: timestamp.nullable().openapi({ description: 'End of the half-open window; null: no end' }),
    firstEventAt: timestamp,
    lastEventAt: timestamp,
    count: z.int().positive(),
    severity,
    band,
    label: z.string(),
    resolved: z.boolean(),
    ackedAt: timestamp.nullable(),
    dismissedAt: timestamp.nullable(),
    latest: EventSchema,
  })
  .openapi('Stack')
/** A stack as the API gives it: one row of the timeline. */
export type StackView = z.infer<typeof StackSchema>

export const ProblemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    line: z.int().optional(),
    column: z.int().optional(),
    excerpt: z.string().optional(),
    hint: z.string().optional(),
    quarantineId: z.uuid().optional().openapi({ description: 'Where the refused body is kept for repair' }),
    limit: z.int().optional().openapi({ description: 'Bytes that a body may have' }),
  })
  .openapi('Problem')

export const AcceptedSchema = z
  .object({
    id,
    stackId: id,
    provider: z.string(),
    title: z.string(),
    startDate: timestamp,
    severity,
    band,
    label: z.string(),
    created: z.boolean().openapi({ description: 'False when an event with this externalID was updated' }),
    warnings: z.array(z.string()),
  })
  .openapi('Accepted')
/** The answer to an event that is stored and synced. */
export type Accepted = z.infer<typeof AcceptedSchema>
