import { type StoredEvent, type StoredStack, severityOfRank } from '../event.ts'
import type { Queryable } from './database.ts'

/** Characters of one text that a list shows; the event itself gives the whole. */
export const LIST_TEXT_LIMIT = 16_384
const LIST_METADATA_LIMIT = 65_536

type EventRow = Omit<StoredEvent, 'severity'> & { severity: number }
type StackRow = Omit<StoredStack, 'severity' | 'latest' | 'openedAt' | 'closesAt'> & {
  severity: number
  openedAt: Date | null
  closesAt: Date | null
  latest: EventRow
}

/** The columns of table `e` under the names of {@link StoredEvent}; in a list, very long texts are cut visibly. */
export function eventColumns(sql: Queryable, inList: boolean) {
  const metadata = inList
    ? sql`CASE WHEN octet_length(e.metadata::text) <= ${LIST_METADATA_LIMIT}::int THEN e.metadata ELSE (
        SELECT json_object_agg(m.key, CASE
          WHEN json_typeof(m.value) = 'string' AND length(m.value #>> '{}') > ${LIST_TEXT_LIMIT}::int
          THEN to_json(left(m.value #>> '{}', ${LIST_TEXT_LIMIT}::int) || '… (cut; the event has the whole)')
          ELSE m.value END)
        FROM json_each(e.metadata) m) END`
    : sql`e.metadata`
  return sql`
    e.id, e.stack_id AS "stackId", e.provider, e.external_id AS "externalID", e.title, e.subtitle,
    e.start_date AS "startDate", e.end_date AS "endDate", e.received_at AS "receivedAt",
    e.event_type AS "eventType", e.severity, e.label, e.color, e.node, e.vmid, e.indicator, e.tags,
    e.surface, e.progress, ${metadata} AS metadata, e.facts, e.derived_from AS "derivedFrom", e.payload,
    e.acked_at AS "ackedAt", e.dismissed_at AS "dismissedAt"`
}

export function eventOf(row: EventRow): StoredEvent {
  return { ...row, severity: severityOfRank(row.severity) }
}

/** Columns of table `s` and its interval `w`, without the latest event. */
export function stackColumns(sql: Queryable) {
  return sql`
    s.id, s.provider, s.key, s.node, s.vmid,
    CASE WHEN s.event_count > 1 THEN coalesce(s.stack_title, s.title) ELSE s.title END AS title,
    w.opened_at AS "openedAt", w.closes_at AS "closesAt",
    s.first_event_at AS "firstEventAt", s.last_event_at AS "lastEventAt", s.event_count AS count, s.severity, s.label,
    s.resolved, s.acked_at AS "ackedAt", s.dismissed_at AS "dismissedAt", s.latest_event_id AS "latestId"`
}

export type StackHead = Omit<StackRow, 'latest'> & { latestId: string }

/** Reads the latest events of stacks and joins them in; a stack that vanished meanwhile is left out. */
export async function withLatest(sql: Queryable, heads: StackHead[]): Promise<StoredStack[]> {
  if (heads.length === 0) return []
  const ids = JSON.stringify(heads.map((head) => head.latestId))
  const rows = await sql<EventRow[]>`
    SELECT ${eventColumns(sql, true)} FROM events e
    WHERE e.id IN (SELECT value::uuid FROM json_array_elements_text(${ids}::json))`
  const byId = new Map(rows.map((row) => [row.id, eventOf(row)]))
  return heads.flatMap((head) => {
    const latest = byId.get(head.latestId)
    return latest ? [stackOf(head, latest)] : []
  })
}

/**
 * A stack without an interval holds just what is in it: an event that stands alone its own instant, a resolved session
 * the time until it was closed. A session that is open has no end.
 */
function stackOf({ latestId, ...head }: StackHead, latest: StoredEvent): StoredStack {
  const ended = head.openedAt === null && (head.key === null || head.resolved)
  return {
    ...head,
    openedAt: head.openedAt ?? head.firstEventAt,
    closesAt: ended ? new Date(head.lastEventAt.getTime() + 1) : head.closesAt,
    severity: severityOfRank(head.severity),
    latest,
  }
}

export type { EventRow }
