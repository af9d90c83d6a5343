/** The rows of new events as the statement that inserts them takes them. */
import { type JudgedEvent, severityRank } from '../event.ts'
import { instantText } from '../instant-text.ts'
import { eventColumnsOf } from './event-parameter.ts'
import { isSessionRole } from './sessions.ts'

/** A column of `events`: its name, the key of {@link eventColumnsOf} that gives it, and its type. */
export type Column = readonly [column: string, key: string, type: string]

/** What every event has. */
export const EVENT_COLUMNS: readonly Column[] = [
  ['id', 'id', 'uuid'],
  ['stack_id', 'stackId', 'uuid'],
  ['provider', 'provider', 'text'],
  ['title', 'title', 'text'],
  ['start_date', 'startDate', 'timestamptz'],
  ['received_at', 'receivedAt', 'timestamptz'],
  ['event_type', 'eventType', 'text'],
  ['severity', 'severity', 'smallint'],
  ['label', 'label', 'text'],
  ['color', 'color', 'text'],
  ['node', 'node', 'text'],
  ['vmid', 'vmid', 'text'],
  ['metadata', 'metadata', 'json'],
  ['facts', 'facts', 'json'],
  ['payload', 'payload', 'json'],
]

/** What few events have; the others have the default of the column. */
export const RARE_COLUMNS: readonly Column[] = [
  ['external_id', 'externalID', 'text'],
  ['subtitle', 'subtitle', 'text'],
  ['end_date', 'endDate', 'timestamptz'],
  ['session_role', 'sessionRole', 'text'],
  ['session_key', 'sessionKey', 'text'],
  ['session_ms', 'sessionMs', 'bigint'],
  ['closed_severity', 'closedSeverity', 'smallint'],
  ['current_state', 'currentState', 'boolean'],
  ['stack_title', 'stackTitle', 'text'],
  ['indicator', 'indicator', 'json'],
  ['tags', 'tags', 'text[]'],
  ['surface', 'surface', 'text'],
  ['progress', 'progress', 'json'],
  ['acked_at', 'ackedAt', 'timestamptz'],
  ['dismissed_at', 'dismissedAt', 'timestamptz'],
  ['derived_from', 'derivedFrom', 'uuid'],
]

/** What is asked besides of an event that says all that is added to its stack. */
export const ONE_EACH_COLUMNS: readonly Column[] = [
  ['key', 'key', 'text'],
  ['fresh', 'fresh', 'boolean'],
]

/** One of {@link RARE_COLUMNS} is not as by default. */
export function hasRareColumns(event: JudgedEvent): boolean {
  return (
    event.externalID !== null ||
    event.subtitle !== null ||
    event.endDate !== null ||
    isSessionRole(event.role) ||
    event.closedSeverity !== null ||
    event.currentState ||
    event.stackTitle !== null ||
    event.indicator !== null ||
    event.tags.length > 0 ||
    event.surface !== 'timeline' ||
    event.progress !== null ||
    event.acked ||
    event.dismissed ||
    event.derivedFrom !== null
  )
}

/**
 * Only what the statement takes: each key more is text to write and to read. Where the stacks follow from the events, these
 * come in the order of their stacks' ids, in which whoever holds several stacks takes them.
 */
export function eventParameter(
  events: JudgedEvent[],
  { stackOf, fresh }: { stackOf: Map<JudgedEvent, string>; fresh: Set<string> },
  isRare: boolean,
  isSummed: boolean,
): string {
  if (isRare)
    return JSON.stringify(events.map((event) => ({ ...eventColumnsOf(event), stackId: stackOf.get(event) })))
  const rows = events.map((event) => plainColumnsOf(event, stackOf.get(event)!, fresh))
  if (!isSummed) rows.sort((a, b) => (a.stackId < b.stackId ? -1 : 1))
  return JSON.stringify(rows)
}

/** The values of {@link EVENT_COLUMNS} and {@link ONE_EACH_COLUMNS}. */
function plainColumnsOf(event: JudgedEvent, stackId: string, fresh: Set<string>) {
  return {
    id: event.id,
    stackId,
    provider: event.provider,
    title: event.title,
    startDate: instantText(event.startDate),
    receivedAt: instantText(event.receivedAt),
    eventType: event.eventType,
    severity: severityRank(event.severity),
    label: event.label,
    color: event.color,
    node: event.node,
    vmid: event.vmid,
    metadata: event.metadata,
    facts: event.facts,
    payload: event.payload,
    key: event.key,
    fresh: fresh.has(stackId),
  }
}
