/** Puts a notification together from the events that are in it. Pure. */
import type { Channel, Notification, NotificationKind, NotifiedItem } from '../channel.ts'
import { type Occasion, SEVERITIES, type Severity, severityOfRank } from '../event.ts'

/** Items of a notification; the rest is only counted. */
export const MOST_ITEMS = 50

/** An event that is told. */
export type Told = {
  cause: string
  eventId: string
  stackId: string
  occasion: Occasion
  /** Rank. */
  severity: number
  createdAt: Date
}

/** A stack that is told of: by its end if that came last, else by its worst event, the newest among equals. */
export type ToldStack = Told & { count: number }

/** The stacks of events in the order in which they came; worst first, then newest first. */
export function groupByStack(rows: readonly Told[]): ToldStack[] {
  const groups = Map.groupBy(rows, ({ stackId }) => stackId)
  return [...groups.values()]
    .map((group) => ({ ...headOf(group), count: group.length }))
    .sort((a, b) => b.severity - a.severity || b.createdAt.getTime() - a.createdAt.getTime())
}

function headOf(group: readonly Told[]): Told {
  const last = group.at(-1)!
  if (last.occasion === 'resolved' || last.occasion === 'acknowledged') return last
  return group.reduce((worst, row) => (row.severity >= worst.severity ? row : worst))
}

export type Envelope = {
  id: string
  kind: NotificationKind
  because: string | null
  createdAt: Date
  channel: Pick<Channel, 'id' | 'name'>
  url: string | null
}

/**
 * The notification of these events, the oldest first. `items` are made of the first stacks of {@link groupByStack};
 * null when all their events are gone.
 */
export function composeNotification(
  envelope: Envelope,
  rows: readonly Told[],
  items: NotifiedItem[],
): Notification | null {
  if (items.length === 0) return null
  const bySeverity = Object.fromEntries(SEVERITIES.map((name) => [name, 0])) as Record<Severity, number>
  for (const { severity } of rows) bySeverity[severityOfRank(severity)]++
  return {
    ...envelope,
    channel: { id: envelope.channel.id, name: envelope.channel.name },
    items,
    events: rows.length,
    stacks: new Set(rows.map(({ stackId }) => stackId)).size,
    bySeverity,
    severity: SEVERITIES.findLast((name) => bySeverity[name] > 0) ?? 'info',
  }
}

/** A line that tells what a message is about. */
export function titleOf(rows: readonly (Told & { title: string })[]): string {
  const stacks = groupByStack(rows)
  const first = rows.find(({ cause }) => cause === stacks[0]!.cause)!
  return stacks.length === 1 ? first.title : `${first.title}, and ${stacks.length - 1} more`
}
