/** What becomes of events that may be told now: taken into a message, held back, or left for later. Pure. */
import type { Channel, NotificationKind } from '../channel.ts'
import { type Metadata, type Occasion, severityOfRank, severityRank } from '../event.ts'
import { nextDigest, quietUntil } from './calendar.ts'
import { readSubject, type SilenceTest } from './rules.ts'

/** An event that may be told, and what its channel was told of its stack before. */
export type Due = {
  cause: string
  stackId: string
  occasion: Occasion
  /** Rank. */
  severity: number
  createdAt: Date
  /** Why it waited until now: `quiet`, `digest`, `resend`; null: it did not. */
  reason: string | null
  exists: boolean
  role: string | null
  title: string
  /** This and the rest of what silences look at is empty while there are none. */
  provider: string
  label: string
  node: string | null
  vmid: string | null
  metadata: Metadata | null
  toldAt: Date | null
  toldSeverity: number | null
  isOpen: boolean
  isAcked: boolean
  isDismissed: boolean
}

/** What becomes of rows; a taken one is `resolved` when it turned out to be the end of what the channel was told. */
export type Sorted<Row extends Due = Due> = {
  taken: Row[]
  held: { cause: string; reason: string }[]
  later: { cause: string; reason: string; dueAt: Date }[]
}

/** An event that waited for longer is told as one of a summary. */
const LATE_MS = 15 * 60_000
const CRITICAL = severityRank('critical')
const OK = severityRank('ok')
const UNTOLD = 'The channel was not told of the trouble.'

/** The silences that hold at an instant. */
export function inForce(silences: readonly SilenceTest[], now: Date): SilenceTest[] {
  return silences.filter(({ silence }) => silence.from <= now && now < silence.to)
}

/** Sorts rows in the order in which they came. */
export function sortDue<Row extends Due>(
  { id: channelId, rules, target }: Pick<Channel, 'id' | 'rules' | 'target'>,
  rows: readonly Row[],
  silences: readonly SilenceTest[],
  now: Date,
): Sorted<Row> {
  const sorted: Sorted<Row> = { taken: [], held: [], later: [] }
  const troubled = new Set<string>()
  const active = inForce(silences, now)
  const quietEnd = quietUntil(rules.quietHours, now)

  for (const one of rows) {
    // All well without any trouble before is news of its own.
    const row =
      isEnd(one) && (isTold(one) || one.severity > OK) ? { ...one, occasion: 'resolved' as const } : one
    const reason = holdBack(row)
    if (reason) {
      sorted.held.push({ cause: row.cause, reason })
      continue
    }
    const later = postpone(row)
    if (later) {
      sorted.later.push({ cause: row.cause, ...later })
      continue
    }
    if (one.occasion === 'resolved' && row.reason !== 'resend' && !isTold(row)) {
      sorted.held.push({ cause: row.cause, reason: UNTOLD })
      continue
    }
    sorted.taken.push(row)
    if (row.occasion === 'resolved') troubled.delete(row.stackId)
    else troubled.add(row.stackId)
  }
  return sorted

  /** The channel knows, or learns by this message, that the stack is in trouble. */
  function isTold({ isOpen, stackId }: Due): boolean {
    return isOpen || troubled.has(stackId)
  }

  function holdBack(row: Due): string | null {
    if (!row.exists) return 'The event is gone.'
    if (row.reason === 'resend') return null
    const silence = active.length > 0 ? silenceOf(row) : undefined
    if (silence) return `Silenced until ${silence.to.toISOString()}: ${silence.reason}`
    switch (row.occasion) {
      case 'acknowledged':
        return row.isOpen || target.type === 'pagerduty' ? null : UNTOLD
      case 'reminder':
        return row.isAcked || row.isDismissed ? 'Somebody has seen it meanwhile.' : null
      case 'event':
        return repeats(row)
          ? `Told of its stack at ${row.toldAt!.toISOString()} already, and it is no worse.`
          : null
      // Of an end it is known only when it is told, as its trouble may wait for the same hour.
      case 'resolved':
        return null
    }
  }

  function silenceOf(row: Due) {
    const subject = subjectOf(row)
    return active.find(({ holds }) => holds(channelId, subject))?.silence
  }

  function repeats({ toldAt, toldSeverity, isOpen, severity }: Due): boolean {
    if (rules.repeatMinutes === 0 || !toldAt || !isOpen) return false
    return severity <= (toldSeverity ?? -1) && now.getTime() < toldAt.getTime() + rules.repeatMinutes * 60_000
  }

  function postpone(row: Due): { reason: string; dueAt: Date } | null {
    const { occasion, reason } = row
    if (reason === 'resend' || occasion === 'acknowledged') return null
    // The end of what was told at once is told at once.
    const severity = occasion === 'resolved' && row.isOpen ? (row.toldSeverity ?? OK) : row.severity
    const except = rules.digest?.except
    const isAtOnce = except ? severity >= severityRank(except) : false
    if (rules.digest && reason !== 'digest' && !isAtOnce)
      return { reason: 'digest', dueAt: nextDigest(rules.digest, now) }
    // A digest within quiet hours waits for their end, and not for the next digest.
    if (quietEnd && severity < CRITICAL) return { reason: reason ?? 'quiet', dueAt: quietEnd }
    return null
  }
}

/** It says that all is well, or closes a session, however it came to be told. */
function isEnd({ occasion, role, severity }: Due): boolean {
  return occasion === 'event' && (role === 'closes' || severity === OK)
}

function subjectOf({ severity, role, metadata, ...row }: Due) {
  return readSubject(
    {
      ...row,
      severity: severityOfRank(severity),
      role: role ?? 'repeats',
      acked: false,
      dismissed: false,
    },
    () => metadata ?? {},
  )
}

/** What a message is, and the sentence why it comes together. */
export function describeTaken(
  taken: readonly Due[],
  now: Date,
): { kind: NotificationKind; because: string | null } {
  const because = reasonOf(taken, now)
  const stacks = new Set(taken.map(({ stackId }) => stackId)).size
  return { kind: because ? 'summary' : stacks === 1 ? 'event' : 'group', because }
}

function reasonOf(taken: readonly Due[], now: Date): string | null {
  const reasons = new Set(taken.map(({ reason }) => reason))
  if (reasons.has('resend')) return 'Told again on request.'
  if (reasons.has('digest')) return 'This is the daily summary.'
  if (reasons.has('quiet')) return 'Quiet hours are over.'
  const oldest = Math.min(...taken.map(({ createdAt }) => createdAt.getTime()))
  if (oldest > now.getTime() - LATE_MS) return null
  return `It comes late: the oldest has waited since ${new Date(oldest).toISOString()}.`
}
