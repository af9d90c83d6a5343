/**
 * Lists that are read along an index in their own order, so that a page costs the same however long the list is, and
 * however few rows of the table pass the filter. A filter is a few branches, such as provider and lane, each of which is a
 * stretch of one index; the first rows of all branches hold the first rows of the list.
 */
import type { Queryable, Tx } from './database.ts'
import { eventConditions, type Filter, type Fragment, stackConditions } from './filters.ts'
import { eventLane, lanesOf, stackLane } from './lanes.ts'
import { CLASS_ROWS, stackClass } from './spans.ts'

/** A row's id and where it stands in its list; as tables here have it, `id` and `sort_at`. */
export type Place = { id: string; sortAt: Date }

/** Newest first, then by id, as lists are. */
export function comparePlaces(a: Place, b: Place): number {
  return b.sortAt.getTime() - a.sortAt.getTime() || (a.id < b.id ? 1 : -1)
}

/**
 * The first `limit` stacks, newest last event first. `further` narrows table `s` more. What spans the end of the filter's
 * time, and so ends behind it, is found by the length of stacks.
 */
export async function walkStacks(tx: Tx, filter: Filter, limit: number, further: Fragment): Promise<Place[]> {
  if (filter.words?.length) return lookThroughStacks(tx, filter, limit, further)
  const b = branches(tx, 'stacks', filter, await providersOf(tx, filter))
  const along = tx`
    SELECT x.id, x.sort_at FROM ${b} CROSS JOIN LATERAL (
      SELECT s.id, s.last_event_at AS sort_at FROM stacks s
      WHERE ${tx.unsafe(stackLane('s.'))} = b.lane ${inBranch(tx, filter, 's')}
        AND ${stackConditions(tx, besideBranch(filter))}
        ${filter.to ? tx`AND s.last_event_at < ${filter.to}` : tx``} ${further}
      ORDER BY s.last_event_at DESC, s.id DESC LIMIT ${limit}) x`
  const all = filter.to
    ? tx`${along} UNION ALL SELECT z.id, z.sort_at FROM (${spanning(tx, filter, filter.to, filter.to, limit, further)}) z`
    : along
  return tx<Place[]>`
    SELECT y.id, y.sort_at AS "sortAt" FROM (${all}) y ORDER BY y.sort_at DESC, y.id DESC LIMIT ${limit}`
}

/**
 * Stacks that begin before `at` and end at `least` (not before `at`) or later, with the number of their events; at most
 * `limit` of each class of length.
 */
export function spanning(
  sql: Queryable,
  filter: Filter,
  at: Date,
  least: Date,
  limit: number | null,
  further: Fragment,
): Fragment {
  return sql`
    SELECT x.id, x.sort_at, x.event_count FROM (VALUES ${sql.unsafe(CLASS_ROWS)}) c(class, length) CROSS JOIN LATERAL (
      SELECT s.id, s.last_event_at AS sort_at, s.event_count FROM stacks s
      WHERE ${sql.unsafe(stackClass('s.'))} = c.class AND s.first_event_at < s.last_event_at
        AND s.last_event_at >= ${least} AND s.last_event_at < ${at}::timestamptz + c.length
        AND s.first_event_at < ${at} AND ${stackConditions(sql, filter)} ${further}
      ORDER BY s.last_event_at DESC, s.id DESC LIMIT ${limit}) x`
}

/** The first `limit` events, newest start first. `further` narrows table `e` more. */
export async function walkEvents(tx: Tx, filter: Filter, limit: number, further: Fragment): Promise<Place[]> {
  if (filter.words?.length) return lookThroughEvents(tx, filter, limit, further)
  const b = branches(tx, 'events', filter, await providersOf(tx, filter))
  return tx<Place[]>`
    SELECT x.id, x.sort_at AS "sortAt" FROM ${b} CROSS JOIN LATERAL (
      SELECT e.id, e.start_date AS sort_at FROM events e
      WHERE ${tx.unsafe(eventLane('e.'))} = b.lane ${inBranch(tx, filter, 'e')}
        AND ${eventConditions(tx, besideBranch(filter))} ${further}
      ORDER BY e.start_date DESC, e.id DESC LIMIT ${limit}) x
    ORDER BY x.sort_at DESC, x.id DESC LIMIT ${limit}`
}

/** One by one, for words that no index knows yet. */
function lookThroughStacks(tx: Tx, filter: Filter, limit: number, further: Fragment) {
  return tx<Place[]>`
    SELECT s.id, s.last_event_at AS "sortAt" FROM stacks s WHERE ${stackConditions(tx, filter)} ${further}
    ORDER BY s.last_event_at DESC, s.id DESC LIMIT ${limit}`
}

function lookThroughEvents(tx: Tx, filter: Filter, limit: number, further: Fragment) {
  return tx<Place[]>`
    SELECT e.id, e.start_date AS "sortAt" FROM events e WHERE ${eventConditions(tx, filter)} ${further}
    ORDER BY e.start_date DESC, e.id DESC LIMIT ${limit}`
}

/** What the index is entered by: a guest has fewer rows than its node, a node fewer than a provider. */
function entryOf({ vmid, node, provider }: Filter): 'vmid' | 'node' | 'provider' | null {
  if (vmid) return 'vmid'
  if (node) return 'node'
  return provider ? 'provider' : null
}

/** Table `b` of the lanes, and of the providers where they are what the index is entered by. */
function branches(tx: Tx, list: 'stacks' | 'events', filter: Filter, providers: string[]): Fragment {
  const lanes = tx`unnest(string_to_array(${lanesOf(list, filter).join(',')}, ',')::int[])`
  if (entryOf(filter) !== 'provider') return tx`${lanes} b(lane)`
  return tx`(
    SELECT p.provider, l.lane FROM ${lanes} l(lane)
    CROSS JOIN unnest(string_to_array(${providers.join(' ')}, ' ')) p(provider)) b`
}

/** The provider that the index is entered by and those below it that have, or had, events; they hold no spaces. */
async function providersOf(tx: Tx, filter: Filter): Promise<string[]> {
  const { provider } = filter
  if (!provider || entryOf(filter) !== 'provider') return []
  const rows = await tx<{ provider: string }[]>`
    SELECT c.provider FROM (SELECT provider FROM provider_counts UNION SELECT provider FROM count_changes) c
    WHERE ${isWithin(tx, provider)}`
  return rows.map((row) => row.provider)
}

/** Column `provider` of table `c` is this one or below it. */
export function isWithin(sql: Queryable, provider: string): Fragment {
  return sql`(c.provider = ${provider} OR starts_with(c.provider, ${`${provider}.`}))`
}

/** What of the filter its branches leave open; what they hold would mislead the planner about how many rows there are. */
function besideBranch({ severity: _, ...filter }: Filter): Filter {
  const isBranch = entryOf(filter) === 'provider'
  return { ...filter, state: 'all', ...(isBranch && { provider: undefined }) }
}

function inBranch(sql: Queryable, filter: Filter, alias: 's' | 'e'): Fragment {
  return entryOf(filter) === 'provider' ? sql`AND ${sql(alias)}.provider = b.provider` : sql``
}
