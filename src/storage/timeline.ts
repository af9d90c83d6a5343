/**
 * Lists, page by page. Every row has one place in a list: the one it had when the first page was read, whatever
 * happened since. So no row comes twice, and none is missed that exists and passes the filter all the time; what came
 * later, or passes the filter only since then, may come once or not at all.
 */

import type { PendingQuery, Row } from 'postgres'
import type { StoredEvent, StoredStack } from '../event.ts'
import { type Cursor, encodeCursor } from './cursor.ts'
import { type Database, type Queryable, readTogether } from './database.ts'
import { eventConditions, type Filter, stackConditions } from './filters.ts'
import { type EventRow, eventColumns, eventOf, type StackHead, stackColumns, withLatest } from './rows.ts'

export type Page<T> = { items: T[]; nextCursor: string | null }

/** Where a row stands in its list, and which state of the database that list is of. */
type Place = { id: string; sortAt: Date; snapshot: string }

/** A page of stacks, newest `lastEventAt` first. */
export function listStacks(
  db: Database,
  filter: Filter,
  limit: number,
  cursor: Cursor | null,
): Promise<Page<StoredStack>> {
  return readTogether(db, async (sql) => {
    const rows = await (cursor ? laterStacks(sql, filter, limit, cursor) : firstStacks(sql, filter, limit))
    const heads = rows.slice(0, limit).map(({ sortAt, snapshot, ...head }) => head)
    return { items: await withLatest(sql, heads), nextCursor: cursorAfter(rows, limit) }
  })
}

/** A page of events, newest `startDate` first, of one stack or of all. */
export async function listEvents(
  db: Database,
  filter: Filter & { stackId?: string },
  limit: number,
  cursor: Cursor | null,
): Promise<Page<StoredEvent>> {
  const rows = await (cursor
    ? laterEvents(db.read, filter, limit, cursor)
    : firstEvents(db.read, filter, limit))
  const items = rows.slice(0, limit).map(({ sortAt, snapshot, ...row }) => eventOf(row))
  return { items, nextCursor: cursorAfter(rows, limit) }
}

/** One row more than the page shows that there is another page. */
function cursorAfter(rows: Place[], limit: number): string | null {
  const last = rows.length > limit && rows[limit - 1]
  return last ? encodeCursor({ at: last.sortAt, id: last.id, snapshot: last.snapshot }) : null
}

function firstStacks(sql: Queryable, filter: Filter, limit: number) {
  return sql<(StackHead & Place)[]>`
    SELECT ${stackColumns(sql)}, s.last_event_at AS "sortAt", pg_current_snapshot()::text AS snapshot
    FROM (SELECT * FROM stacks s WHERE ${stackConditions(sql, filter)}
          ORDER BY s.last_event_at DESC, s.id DESC LIMIT ${limit + 1}) s
    LEFT JOIN stack_windows w ON w.stack_id = s.id
    ORDER BY s.last_event_at DESC, s.id DESC`
}

/**
 * Stacks that did not change since the first page stand where they are; the others stand at the newest of the events
 * that they had then, which is looked up once for each (hence MATERIALIZED).
 */
function laterStacks(sql: Queryable, filter: Filter, limit: number, { at, id, snapshot }: Cursor) {
  const then = sql`${snapshot}::pg_snapshot`
  return sql<(StackHead & Place)[]>`
    WITH changed AS MATERIALIZED (
      SELECT s.*, greatest(
        (SELECT e.start_date FROM events e
         WHERE e.stack_id = s.id AND pg_visible_in_snapshot(e.placed_tx, ${then})
         ORDER BY e.start_date DESC LIMIT 1),
        (SELECT max(m.start_date) FROM event_moves m
         WHERE m.stack_id = s.id AND ${wasThere(sql, then)})) AS sort_at
      FROM stacks s
      WHERE s.changed_tx >= pg_snapshot_xmin(${then}) AND NOT pg_visible_in_snapshot(s.changed_tx, ${then})
        AND ${stackConditions(sql, filter)}
    )
    SELECT ${stackColumns(sql)}, s.sort_at AS "sortAt", ${snapshot} AS snapshot
    FROM (
      (SELECT s.*, s.last_event_at AS sort_at FROM stacks s
       WHERE (s.last_event_at, s.id) < (${at}, ${id}::uuid) AND pg_visible_in_snapshot(s.changed_tx, ${then})
         AND ${stackConditions(sql, filter)}
       ORDER BY s.last_event_at DESC, s.id DESC LIMIT ${limit + 1})
      UNION ALL
      (SELECT * FROM changed s WHERE (s.sort_at, s.id) < (${at}, ${id}::uuid)
       ORDER BY s.sort_at DESC, s.id DESC LIMIT ${limit + 1})
    ) s LEFT JOIN stack_windows w ON w.stack_id = s.id
    ORDER BY s.sort_at DESC, s.id DESC LIMIT ${limit + 1}`
}

type EventFilter = Filter & { stackId?: string }

function firstEvents(sql: Queryable, filter: EventFilter, limit: number) {
  return sql<(EventRow & Place)[]>`
    SELECT ${eventColumns(sql, true)}, e.start_date AS "sortAt", pg_current_snapshot()::text AS snapshot
    FROM events e
    WHERE ${eventConditions(sql, filter)} ${ofStack(sql, filter)}
    ORDER BY e.start_date DESC, e.id DESC LIMIT ${limit + 1}`
}

/** Events that were stored before the first page, and those that moved since, in their old place. */
function laterEvents(sql: Queryable, filter: EventFilter, limit: number, { at, id, snapshot }: Cursor) {
  const then = sql`${snapshot}::pg_snapshot`
  return sql<(EventRow & Place)[]>`
    SELECT ${eventColumns(sql, true)}, e.sort_at AS "sortAt", ${snapshot} AS snapshot
    FROM (
      (SELECT e.*, e.start_date AS sort_at FROM events e
       WHERE (e.start_date, e.id) < (${at}, ${id}::uuid) AND pg_visible_in_snapshot(e.placed_tx, ${then})
         AND ${eventConditions(sql, filter)} ${ofStack(sql, filter)}
       ORDER BY e.start_date DESC, e.id DESC LIMIT ${limit + 1})
      UNION ALL
      (SELECT e.*, m.start_date AS sort_at FROM event_moves m JOIN events e ON e.id = m.event_id
       WHERE m.moved_tx >= pg_snapshot_xmin(${then}) AND ${wasThere(sql, then)}
         AND (m.start_date, e.id) < (${at}, ${id}::uuid) AND ${eventConditions(sql, filter)} ${ofStack(sql, filter)}
       ORDER BY m.start_date DESC, e.id DESC LIMIT ${limit + 1})
    ) e
    ORDER BY e.sort_at DESC, e.id DESC LIMIT ${limit + 1}`
}

/** Old places, table `m`, that were the places of their events in a snapshot. */
function wasThere(sql: Queryable, then: PendingQuery<Row[]>) {
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
