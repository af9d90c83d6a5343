import type { PendingQuery, Row } from 'postgres'
import { type Severity, severityRank } from '../event.ts'
import type { Queryable } from './database.ts'
import { EVENT_TEXT, likePattern } from './words.ts'

export const STATES = ['active', 'acked', 'dismissed', 'all'] as const
export type State = (typeof STATES)[number]

/** What a list is narrowed to; undefined: no such filter. `from` is inclusive, `to` exclusive. */
export type Filter = {
  provider?: string | undefined
  node?: string | undefined
  vmid?: string | undefined
  /** At least this severity. */
  severity?: Severity | undefined
  /** Words that all occur in the title or the message of one event, in any case, also as parts of words. */
  words?: string[] | undefined
  from?: Date | undefined
  to?: Date | undefined
  state: State
}

/** Splits a search text into words; a text in double quotes counts as one. */
export function searchWords(text: string): string[] {
  return Array.from(text.matchAll(/"([^"]+)"|(\S+)/g), (match) => (match[1] ?? match[2])!)
}

/** A part of a statement. */
export type Fragment = PendingQuery<Row[]>

/** Conditions on table `s`, stacks. A stack is in a span when one of its events may be. */
export function stackConditions(sql: Queryable, filter: Filter): Fragment {
  return sql`true
    ${commonConditions(sql, filter, 's')}
    ${filter.from ? sql`AND s.last_event_at >= ${filter.from}` : sql``}
    ${filter.to ? sql`AND s.first_event_at < ${filter.to}` : sql``}
    ${
      filter.words?.length
        ? sql`AND EXISTS (SELECT 1 FROM events e WHERE e.stack_id = s.id ${wordConditions(sql, filter.words)})`
        : sql``
    }`
}

/** Conditions on table `e`, events. */
export function eventConditions(sql: Queryable, filter: Filter): Fragment {
  return sql`true
    ${commonConditions(sql, filter, 'e')}
    ${filter.from ? sql`AND e.start_date >= ${filter.from}` : sql``}
    ${filter.to ? sql`AND e.start_date < ${filter.to}` : sql``}
    ${filter.words?.length ? wordConditions(sql, filter.words) : sql``}`
}

function commonConditions(sql: Queryable, filter: Filter, alias: 's' | 'e'): Fragment {
  const column = (name: string) => sql`${sql(alias)}.${sql(name)}`
  return sql`
    ${
      filter.provider
        ? sql`AND (${column('provider')} = ${filter.provider} OR starts_with(${column('provider')}, ${`${filter.provider}.`}))`
        : sql``
    }
    ${filter.node ? sql`AND ${column('node')} = ${filter.node}` : sql``}
    ${filter.vmid ? sql`AND ${column('vmid')} = ${filter.vmid}` : sql``}
    ${filter.severity ? sql`AND ${column('severity')} >= ${severityRank(filter.severity)}` : sql``}
    ${filter.state === 'active' ? sql`AND ${column('dismissed_at')} IS NULL` : sql``}
    ${filter.state === 'acked' ? sql`AND ${column('acked_at')} IS NOT NULL AND ${column('dismissed_at')} IS NULL` : sql``}
    ${filter.state === 'dismissed' ? sql`AND ${column('dismissed_at')} IS NOT NULL` : sql``}`
}

/** All words occur in the text of table `e`. */
export function wordConditions(sql: Queryable, words: string[]): Fragment {
  return words.reduce<Fragment>(
    (all, word) => sql`${all} AND ${sql.unsafe(EVENT_TEXT)} ILIKE ${likePattern(word)}`,
    sql``,
  )
}
