import type { PendingQuery, Row } from 'postgres'
import type { StoredEvent, StoredStack } from '../event.ts'
import { type Database, readTogether } from './database.ts'
import { type EventRow, eventColumns, eventOf, type StackHead, stackColumns, withLatest } from './rows.ts'
import { isSnapshot, type Snapshot } from './snapshot.ts'

/** A state of the database up to which a reader has seen everything. */
export type Position = Snapshot

/** True for a text that {@link currentPosition} may have given. */
export const isPosition: (text: string) => boolean = isSnapshot

/** True for a position that this database has not reached: one from before a restore, or of another database. */
export function isAhead(position: Position, now: Position): boolean {
  return BigInt(position.split(':')[1]!) > BigInt(now.split(':')[1]!)
}

/** What was committed between two positions; `overflow`: too much to list, the reader should load anew. */
export type Changes = { position: Position; events: StoredEvent[]; stacks: StoredStack[]; overflow: boolean }

export async function currentPosition(db: Database): Promise<Position> {
  const [row] = await db.read<{ position: string }[]>`SELECT pg_current_snapshot()::text AS position`
  return row!.position
}

/**
 * Everything that was committed since `position`, and until `upTo` if that is given. Comparing transactions with a
 * snapshot, unlike counting ids or times, misses no transaction that was long under way (PostgreSQL, 9.28 Transaction
 * ID and Snapshot Information). What changed again after `upTo` is left to whoever reads on from there. Events come in
 * the order of their ids.
 */
export async function changesSince(
  db: Database,
  position: Position,
  upTo: Position | null,
  limit: number,
): Promise<Changes> {
  return readTogether(db, async (tx) => {
    const since = tx`${position}::pg_snapshot`
    const between = (changed: PendingQuery<Row[]>) => tx`
      ${changed} >= pg_snapshot_xmin(${since}) AND NOT pg_visible_in_snapshot(${changed}, ${since})
      ${upTo === null ? tx`` : tx`AND pg_visible_in_snapshot(${changed}, ${upTo}::pg_snapshot)`}`
    const [now] = await tx<{ position: string }[]>`SELECT pg_current_snapshot()::text AS position`
    const heads = await tx<StackHead[]>`
      SELECT ${stackColumns(tx)} FROM stacks s LEFT JOIN stack_windows w ON w.stack_id = s.id
      WHERE ${between(tx`s.changed_tx`)}
      ORDER BY s.last_event_at, s.id LIMIT ${limit + 1}`
    const rows = await tx<EventRow[]>`
      SELECT ${eventColumns(tx, true)} FROM events e
      WHERE ${between(tx`e.changed_tx`)}
      ORDER BY e.id LIMIT ${limit + 1}`
    const overflow = heads.length > limit || rows.length > limit
    const stacks = overflow ? [] : await withLatest(tx, heads)
    return { position: upTo ?? now!.position, events: overflow ? [] : rows.map(eventOf), stacks, overflow }
  })
}

/**
 * Listens for the commits of all servers. `onWake` is called for each, and after each reconnect, since what was
 * announced meanwhile is gone. Returns the function that ends it.
 */
export async function listen(
  db: Database,
  channel: string,
  onWake: () => void,
): Promise<() => Promise<void>> {
  const { unlisten } = await db.read.listen(channel, onWake, onWake)
  return unlisten
}
