import type { StoredEvent, StoredStack } from '../event.ts'
import { type Cursor, encodeCursor } from './cursor.ts'
import type { Database, Sql } from './database.ts'
import { eventConditions, type Filter, stackConditions } from './filters.ts'
import { type EventRow, eventColumns, eventOf, type StackHead, stackColumns, withLatest } from './rows.ts'

export type Page<T> = { items: T[]; nextCursor: string | null }

/**
 * A page of stacks, newest `lastEventAt` first. Pages after the first show the list as it was when the first was
 * read: a stack that new events lifted meanwhile is still found in its old place, so nothing comes twice and nothing
 * is missed.
 */
export async function listStacks(
  db: Database,
  filter: Filter,
  limit: number,
  cursor: Cursor | null,
): Promise<Page<StoredStack>> {
  const sql = db.read
  const rows = cursor ? await laterPage(sql, filter, limit, cursor) : await firstPage(sql, filter, limit)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const items = await withLatest(
    sql,
    page.map(({ sortAt, snapshot, ...head }) => head),
  )
  const nextCursor =
    rows.length > limit && last
      ? encodeCursor({ at: last.sortAt, id: last.id, snapshot: last.snapshot })
      : null
  return { items, nextCursor }
}

type PagedHead = StackHead & { sortAt: Date; snapshot: string }

function firstPage(sql: Sql, filter: Filter, limit: number): Promise<PagedHead[]> {
  return sql<PagedHead[]>`
    SELECT ${stackColumns(sql)}, s.last_event_at AS "sortAt", pg_current_snapshot()::text AS snapshot
    FROM (SELECT * FROM stacks s WHERE ${stackConditions(sql, filter)}
          ORDER BY s.last_event_at DESC, s.id DESC LIMIT ${limit + 1}) s
    LEFT JOIN stack_windows w ON w.stack_id = s.id
    ORDER BY s.last_event_at DESC, s.id DESC`
}

function laterPage(
  sql: Sql,
  filter: Filter,
  limit: number,
  { at, id, snapshot }: Cursor,
): Promise<PagedHead[]> {
  const seen = sql`${snapshot}::pg_snapshot`
  return sql<PagedHead[]>`
    SELECT ${stackColumns(sql)}, s.sort_at AS "sortAt", ${snapshot} AS snapshot
    FROM (
      (SELECT s.*, s.last_event_at AS sort_at FROM stacks s
       WHERE (s.last_event_at, s.id) < (${at}, ${id}::uuid) AND pg_visible_in_snapshot(s.changed_tx, ${seen})
         AND ${stackConditions(sql, filter)}
       ORDER BY s.last_event_at DESC, s.id DESC LIMIT ${limit + 1})
      UNION ALL
      (SELECT s.*, old.at AS sort_at
       FROM stacks s CROSS JOIN LATERAL (
         SELECT max(e.start_date) AS at FROM events e
         WHERE e.stack_id = s.id AND pg_visible_in_snapshot(e.created_tx, ${seen})) old
       WHERE s.changed_tx >= pg_snapshot_xmin(${seen}) AND NOT pg_visible_in_snapshot(s.changed_tx, ${seen})
         AND (old.at, s.id) < (${at}, ${id}::uuid) AND ${stackConditions(sql, filter)}
       ORDER BY old.at DESC, s.id DESC LIMIT ${limit + 1})
    ) s LEFT JOIN stack_windows w ON w.stack_id = s.id
    ORDER BY s.sort_at DESC, s.id DESC LIMIT ${limit + 1}`
}

/** One stack, or null. */
export async function findStack(db: Database, id: string): Promise<StoredStack | null> {
  const heads = await db.read<StackHead[]>`
    SELECT ${stackColumns(db.read)} FROM stacks s LEFT JOIN stack_windows w ON w.stack_id = s.id WHERE s.id = ${id}`
  return (await withLatest(db.read, heads))[0] ?? null
}

/** One event with all of its metadata, or null. */
export async function findEvent(db: Database, id: string): Promise<StoredEvent | null> {
  const rows = await db.read<EventRow[]>`
    SELECT ${eventColumns(db.read, false)} FROM events e WHERE e.id = ${id}`
  return rows[0] ? eventOf(rows[0]) : null
}

/** A page of events, newest `startDate` first, of one stack or of all; those stored after the first page are not in it. */
export async function listEvents(
  db: Database,
  filter: Filter & { stackId?: string },
  limit: number,
  cursor: Cursor | null,
): Promise<Page<StoredEvent>> {
  const sql = db.read
  const rows = await sql<(EventRow & { snapshot: string })[]>`
    SELECT ${eventColumns(sql, true)}, ${cursor ? sql`${cursor.snapshot}` : sql`pg_current_snapshot()::text`} AS snapshot
    FROM events e
    WHERE ${eventConditions(sql, filter)}
      ${filter.stackId ? sql`AND e.stack_id = ${filter.stackId}` : sql``}
      ${
        cursor
          ? sql`AND (e.start_date, e.id) < (${cursor.at}, ${cursor.id}::uuid)
                AND pg_visible_in_snapshot(e.created_tx, ${cursor.snapshot}::pg_snapshot)`
          : sql``
      }
    ORDER BY e.start_date DESC, e.id DESC LIMIT ${limit + 1}`
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const nextCursor =
    rows.length > limit && last
      ? encodeCursor({ at: last.startDate, id: last.id, snapshot: last.snapshot })
      : null
  return { items: page.map(({ snapshot, ...row }) => eventOf(row)), nextCursor }
}
