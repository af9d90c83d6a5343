/** The vocabulary of what goes out again: channels, their rules, notifications, and how a try to send one ended. */
import type { Metadata, Occasion, Severity } from './event.ts'

export type { Occasion } from './event.ts'

export const CHANNEL_TYPES = [
  'email',
  'webhook',
  'slack',
  'teams',
  'discord',
  'pagerduty',
  'ntfy',
  'gotify',
] as const
export type ChannelType = (typeof CHANNEL_TYPES)[number]

/** ProxCenter's eight event types. */
export const EVENT_PRESETS = [
  'alert_triggered',
  'alert_resolved',
  'backup_failed',
  'task_failed',
  'node_offline',
  'connection_lost',
  'compliance_issue',
  'cve_detected',
] as const
export type EventPreset = (typeof EVENT_PRESETS)[number]

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof WEEKDAYS)[number]

/** From `from` to `to`, `HH:MM` on the wall clock of `timezone`; over midnight when `to` is earlier. `days`: of `from`. */
export type QuietHours = { from: string; to: string; timezone: string; days: Weekday[] }

/** Once a day at `at`, `HH:MM` on the wall clock of `timezone`; what is at least as severe as `except` goes at once. */
export type Digest = { at: string; timezone: string; except: Severity | null }

/** Conditions of a match as scores write it; `event.severity` and the like are the event's own, all else its metadata. */
export type ChannelMatch = Record<string, string | number | boolean | null>

/** Which events a channel tells of, and when. */
export type ChannelRules = {
  /** Less severe ones are left out, but for the end of what was told of. */
  minSeverity: Severity
  /** Any of these, or of `match`; both empty: every event. */
  events: EventPreset[]
  match: ChannelMatch[]
  /** With everything below them; empty: any. */
  providers: string[]
  /** Names with `*` and `?`; empty: any. */
  nodes: string[]
  quietHours: QuietHours | null
  digest: Digest | null
  /** A stack that was told of is not told of again for so long, unless it got worse; 0: each time. */
  repeatMinutes: number
  /** A stack that nobody acknowledged is told of again after so long; 0: never. */
  remindMinutes: number
  maxReminders: number
  /** The end of what was told of is told, too. */
  sendResolved: boolean
  /** Seconds that the first event waits for others. */
  groupWaitSeconds: number
  /** Seconds between two messages, unless something critical waits. */
  groupIntervalSeconds: number
}

/** How a channel's receiver is reached. `url`, `headers` and `secret` are kept encrypted. */
export type ChannelTarget =
  | {
      type: 'email'
      host: string
      port: number
      /** `starttls` insists on it, `tls` from the first byte. */
      security: 'starttls' | 'tls' | 'none'
      username: string | null
      /** Password. */
      secret: string | null
      from: string
      recipients: string[]
      /** False: takes a certificate that nobody vouches for. */
      verifyCertificate: boolean
    }
  | {
      type: 'webhook'
      url: string
      method: 'POST' | 'PUT' | 'PATCH'
      headers: Record<string, string>
      /** Signs; `whsec_…` is base64, anything else is taken as it is. */
      secret: string | null
      /** Standard Webhooks, HMAC-SHA256 of the body in a header as ProxCenter's receivers read it, or both. */
      signature: 'standard' | 'hmac' | 'both'
      signatureHeader: string
    }
  | { type: 'slack' | 'teams' | 'discord'; url: string }
  | { type: 'pagerduty'; url: string /** Integration key. */; secret: string }
  | { type: 'ntfy'; url: string; topic: string /** Access token. */; secret: string | null }
  | { type: 'gotify'; url: string /** Application token. */; secret: string }

/** A receiver, and what it is told. */
export type Channel = {
  id: string
  name: string
  enabled: boolean
  target: ChannelTarget
  rules: ChannelRules
  /** `file`: written in the file of TEMPO_CHANNELS_FILE, and changed only there. */
  managedBy: 'api' | 'file'
  createdAt: Date
  updatedAt: Date
}

/** A channel as it is stored; `settings` is what was written but for its name, type, switch and secrets. */
export type StoredChannel = {
  id: string
  name: string
  type: ChannelType
  enabled: boolean
  settings: Record<string, unknown>
  /** Sealed; null: a restored channel, to which they must be given anew. */
  secrets: Uint8Array | null
  managedBy: 'api' | 'file'
  createdAt: Date
  updatedAt: Date
}

/** A stack in a notification, by its worst event that is told now. */
export type NotifiedItem = {
  occasion: Occasion
  eventId: string
  stackId: string
  /** ProxCenter's event types that it is of. */
  eventTypes?: EventPreset[]
  provider: string
  /** Name of the provider, as `Proxmox`. */
  source: string
  title: string
  subtitle: string | null
  severity: Severity
  label: string
  /** `#RRGGBB`. */
  color: string
  node: string | null
  vmid: string | null
  at: Date
  /** The whole text of the event, of up to 4 MiB. */
  message: string | null
  metadata: Metadata
  /** Events of the stack that are told with this one, itself included. */
  count: number
  /** Where Tempo shows it; null: no public address is set. */
  url: string | null
  /** The stack's actions that open an address. */
  links: { label: string; url: string }[]
}

/**
 * - `event`: one item. `group`: several that came together. `summary`: what waited, for `because`.
 * - `test`: the Send Test button; one made-up item.
 */
export type NotificationKind = 'event' | 'group' | 'summary' | 'test'

/** One message to one channel. */
export type Notification = {
  /** The same in every try to send it. */
  id: string
  kind: NotificationKind
  channel: { id: string; name: string }
  createdAt: Date
  /** A sentence why it comes together or late, such as `Quiet hours are over.`; null: nothing to say. */
  because: string | null
  /** Worst first, newest first among equals; never empty; at most 50, the rest is only counted. */
  items: NotifiedItem[]
  /** Events in all. */
  events: number
  /** Stacks in all; `items` may be fewer. */
  stacks: number
  /** Events by severity. */
  bySeverity: Record<Severity, number>
  /** The worst of all. */
  severity: Severity
  /** Where Tempo shows the timeline; null: no public address is set. */
  url: string | null
}

/** How a try ended: told; a failure that may pass; one that will come again each time. */
export type Result = 'sent' | 'passing' | 'permanent'

/** A try, with what was said by both sides. */
export type Exchange = {
  result: Result
  /** HTTP status, or the code of SMTP's last reply; null: there was none. */
  status: number | null
  /** What was sent, secrets masked, cut off at some KiB. */
  request: string
  /** What the receiver said, or what kept it from answering, for people; cut off at some KiB. */
  answer: string
  /** Milliseconds that the receiver asks to wait. */
  retryAfterMs: number | null
}

/** A time in which what matches is not told. */
export type Silence = {
  id: string
  reason: string
  from: Date
  to: Date
  /** Channels it holds for; empty: all. */
  channels: string[]
  providers: string[]
  nodes: string[]
  vmids: string[]
  match: ChannelMatch[]
  createdBy: string
  createdAt: Date
}
