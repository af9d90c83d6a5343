/**
 * Lists, page by page. Every row has one place in a list: the one it had when the first page was read, whatever
 * happened since. So no row comes twice, and none is missed that exists and passes the filter all the time; what came
 * later, or passes the filter only since then, may come once or not at all.
 */

import type { StoredEvent, StoredStack } from '../event.ts'
import { stacksChangedSince } from './changed-stacks.ts'
import { type Cursor, encodeCursor } from './cursor.ts'
import { type Database, type Queryable, readTogether, type Tx } from './database.ts'
import { eventConditions, type Filter, type Fragment, stackConditions } from './filters.ts'
import { type EventRow, eventColumns, eventOf, type StackHead, stackColumns, withLatest } from './rows.ts'
import { searchEvents, searchStacks } from './search.ts'
import type { Search } from './search-steps.ts'
import type { Snapshot } from './snapshot.ts'
import { comparePlaces, type Place, walkEvents, walkStacks } from './walk.ts'
import { readWordIndex } from './word-index.ts'

export type Page<T> = { items: T[]; nextCursor: string | null }

/** A page of stacks, newest `lastEventAt` first. */
export function listStacks(
  db: Database,
  filter: Filter,
  limit: number,
  cursor: Cursor | null,
): Promise<Page<StoredStack>> {
  return readTogether(db, async (tx) => {
    const places = await (cursor
      ? laterStacks(tx, filter, limit + 1, cursor)
      : stacksBefore(tx, filter, limit + 1, null))
    if (places.length === 0) return { items: [], nextCursor: null }
    const heads = await tx<StackHead[]>`
      SELECT ${stackColumns(tx)} FROM stacks s LEFT JOIN stack_windows w ON w.stack_id = s.id
      WHERE s.id IN (${idsOf(tx, places.slice(0, limit))})`
    return page(tx, places, limit, cursor, await withLatest(tx, heads))
  })
}

/** A page of events, newest `startDate` first, of one stack or of all. */
export function listEvents(
  db: Database,
  filter: EventFilter,
  limit: number,
  cursor: Cursor | null,
): Promise<Page<StoredEvent>> {
  return readTogether(db, async (tx) => {
    const places = await (cursor
      ? laterEvents(tx, filter, limit + 1, cursor)
      : eventsBefore(tx, filter, limit + 1, null))
    if (places.length === 0) return { items: [], nextCursor: null }
    const rows = await tx<EventRow[]>`
      SELECT ${eventColumns(tx, true)} FROM events e WHERE e.id IN (${idsOf(tx, places.slice(0, limit))})`
    return page(tx, places, limit, cursor, rows.map(eventOf))
  })
}

function idsOf(tx: Tx, places: Place[]): Fragment {
  return tx`SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(places.map(({ id }) => id))}::json)`
}

/** Items in the order of their places. One place more than the page shows that there is another page. */
async function page<T extends { id: string }>(
  tx: Tx,
  places: Place[],
  limit: number,
  cursor: Cursor | null,
  found: T[],
): Promise<Page<T>> {
  const byId = new Map(found.map((item) => [item.id, item]))
  const items = places.slice(0, limit).flatMap(({ id }) => byId.get(id) ?? [])
  const last = places.length > limit && places[limit - 1]
  if (!last) return { items, nextCursor: null }
  const snapshot = cursor?.snapshot ?? (await currentSnapshot(tx))
  return { items, nextCursor: encodeCursor({ at: last.sortAt, id: last.id, snapshot }) }
}

async function currentSnapshot(tx: Tx): Promise<Snapshot> {
  const [row] = await tx<{ snapshot: string }[]>`SELECT pg_current_snapshot()::text AS snapshot`
  return row!.snapshot
}

/** The first stacks of the list, or of those that come after the cursor and did not change since its first page. */
async function stacksBefore(tx: Tx, filter: Filter, limit: number, cursor: Cursor | null): Promise<Place[]> {
  const further = cursor
    ? tx`AND (s.last_event_at, s.id) < (${cursor.at}, ${cursor.id}::uuid)
         AND pg_visible_in_snapshot(s.changed_tx, ${cursor.snapshot}::pg_snapshot)`
    : tx``
  const search = await searchOf(tx, filter, limit, cursor, further)
  if (search) return searchStacks(tx, search)
  return walkStacks(tx, filter, limit, further)
}

/** What to ask the index of words; null: there are no words, or the index is not filled yet. */
async function searchOf(
  tx: Tx,
  { words, ...filter }: Filter,
  limit: number,
  cursor: Cursor | null,
  further: Fragment,
): Promise<Search | null> {
  const index = words?.length ? await readWordIndex(tx) : null
  if (index === null) return null
  return { filter: { ...filter, words: words! }, index, limit, newest: cursor?.at ?? null, further }
}

/**
 * Stacks that did not change since the first page stand where they are; the others stand at the newest of the events
 * that they had then, which is looked up once for each (hence MATERIALIZED).
 */
async function laterStacks(tx: Tx, filter: Filter, limit: number, cursor: Cursor): Promise<Place[]> {
  const then = tx`${cursor.snapshot}::pg_snapshot`
  const changed = await tx<Place[]>`
    WITH changed AS MATERIALIZED (
      SELECT s.id, greatest(
        (SELECT e.start_date FROM events e
         WHERE e.stack_id = s.id AND pg_visible_in_snapshot(e.placed_tx, ${then})
         ORDER BY e.start_date DESC LIMIT 1),
        (SELECT max(m.start_date) FROM event_moves m
         WHERE m.stack_id = s.id AND ${wasThere(tx, then)})) AS sort_at
      FROM stacks s
      WHERE s.id = ANY (ARRAY(${stacksChangedSince(tx, then)})) AND NOT pg_visible_in_snapshot(s.changed_tx, ${then})
        AND ${stackConditions(tx, filter)}
    )
    SELECT c.id, c.sort_at AS "sortAt" FROM changed c WHERE (c.sort_at, c.id) < (${cursor.at}, ${cursor.id}::uuid)
    ORDER BY c.sort_at DESC, c.id DESC LIMIT ${limit}`
  return firstOf(limit, changed, await stacksBefore(tx, filter, limit, cursor))
}

export type EventFilter = Filter & { stackId?: string }

/** The first events of the list, or of those that come after the cursor and did not move since its first page. */
async function eventsBefore(
  tx: Tx,
  filter: EventFilter,
  limit: number,
  cursor: Cursor | null,
): Promise<Place[]> {
  const further = cursor
    ? tx`AND (e.start_date, e.id) < (${cursor.at}, ${cursor.id}::uuid)
         AND pg_visible_in_snapshot(e.placed_tx, ${cursor.snapshot}::pg_snapshot)`
    : tx``
  if (filter.stackId) {
    return tx<Place[]>`
      SELECT e.id, e.start_date AS "sortAt" FROM events e
      WHERE ${eventConditions(tx, filter)} ${ofStack(tx, filter)} ${further}
      ORDER BY e.start_date DESC, e.id DESC LIMIT ${limit}`
  }
  const search = await searchOf(tx, filter, limit, cursor, further)
  if (search) return searchEvents(tx, search)
  return walkEvents(tx, filter, limit, further)
}

/** Events that were stored before the first page, and those that moved since, in their old place. */
async function laterEvents(tx: Tx, filter: EventFilter, limit: number, cursor: Cursor): Promise<Place[]> {
  const then = tx`${cursor.snapshot}::pg_snapshot`
  const moved = await tx<Place[]>`
    SELECT e.id, m.start_date AS "sortAt" FROM event_moves m JOIN events e ON e.id = m.event_id
    WHERE m.moved_tx >= pg_snapshot_xmin(${then}) AND ${wasThere(tx, then)}
      AND (m.start_date, e.id) < (${cursor.at}, ${cursor.id}::uuid)
      AND ${eventConditions(tx, filter)} ${ofStack(tx, filter)}
    ORDER BY m.start_date DESC, e.id DESC LIMIT ${limit}`
  return firstOf(limit, moved, await eventsBefore(tx, filter, limit, cursor))
}

/** The first places of two lists together. */
function firstOf(limit: number, a: Place[], b: Place[]): Place[] {
  return [...a, ...b].sort(comparePlaces).slice(0, limit)
}

/** Old places, table `m`, that were the places of their events in a snapshot. */
function wasThere(sql: Queryable, then: Fragment) {
  return sql`pg_visible_in_snapshot(m.placed_tx, ${then}) AND NOT pg_visible_in_snapshot(m.moved_tx, ${then})`
}

function ofStack(sql: Queryable, { stackId }: EventFilter) {
  return stackId ? sql`AND e.stack_id = ${stackId}` : sql``
}

/** One stack, or null. */
export function findStack(db: Database, id: string): Promise<StoredStack | null> {
  return readTogether(db, async (sql) => {
    const heads = await sql<StackHead[]>`
      SELECT ${stackColumns(sql)} FROM stacks s LEFT JOIN stack_windows w ON w.stack_id = s.id WHERE s.id = ${id}`
    return (await withLatest(sql, heads))[0] ?? null
  })
}

/** One event with all of its metadata, or null. */
export async function findEvent(db: Database, id: string): Promise<StoredEvent | null> {
  const rows = await db.read<EventRow[]>`
    SELECT ${eventColumns(db.read, false)} FROM events e WHERE e.id = ${id}`
  return rows[0] ? eventOf(rows[0]) : null
}
