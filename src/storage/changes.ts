import type { StoredEvent, StoredStack } from '../event.ts'
import { stacksChangedSince } from './changed-stacks.ts'
import { type Database, type Queryable, readTogether } from './database.ts'
import type { Fragment } from './filters.ts'
import { type EventRow, eventColumns, eventOf, type StackHead, stackColumns, withLatest } from './rows.ts'
import { isSnapshot, type Snapshot } from './snapshot.ts'

/**
 * A state of the database up to which a reader has seen everything: a snapshot, and the timeline that it belongs to. A
 * server that was promoted, or restored, gives the numbers of transactions that it never received a second time.
 */
export type Position = string

/** True for a text that {@link currentPosition} may have given, or did before it told the timeline. */
export function isPosition(text: string): boolean {
  const [snapshot, timeline, ...more] = text.split('@')
  return isSnapshot(snapshot) && /^\d{1,10}$/.test(timeline ?? '1') && more.length === 0
}

const snapshotOf = (position: Position): Snapshot => position.split('@')[0]!
const timelineOf = (position: Position): string | undefined => position.split('@')[1]

/** True when one of them is from before a promotion and the other is not: they cannot be compared. */
function isElsewhere(a: Position, b: Position): boolean {
  const [one, other] = [timelineOf(a), timelineOf(b)]
  return one !== undefined && other !== undefined && one !== other
}

/** True for a position that this database has not reached: one from before a restore, or of another database. */
export function isAhead(position: Position, now: Position): boolean {
  return isElsewhere(position, now) || BigInt(position.split(':')[1]!) > BigInt(now.split(':')[1]!)
}

/** What was committed between two positions; `overflow`: too much to list, the reader should load anew. */
export type Changes = { position: Position; events: StoredEvent[]; stacks: StoredStack[]; overflow: boolean }

export async function currentPosition(db: Database): Promise<Position> {
  return readPosition(db.read)
}

/** The control file knows of a promotion at once, while its last checkpoint may long be of the timeline before. */
async function readPosition(sql: Queryable): Promise<Position> {
  const [row] = await sql<{ position: string }[]>`
    SELECT pg_current_snapshot()::text || '@' || greatest(
      (SELECT timeline_id FROM pg_control_checkpoint()),
      (SELECT min_recovery_end_timeline FROM pg_control_recovery())) AS position`
  return row!.position
}

/**
 * Everything that was committed since `position`, and until `upTo` if that is given. Comparing transactions with a
 * snapshot, unlike counting ids or times, misses no transaction that was long under way (PostgreSQL, 9.28 Transaction
 * ID and Snapshot Information). What changed again after `upTo` is left to whoever reads on from there. Events come in
 * the order of their ids. After a promotion there is no telling: `overflow`.
 */
export async function changesSince(
  db: Database,
  position: Position,
  upTo: Position | null,
  limit: number,
): Promise<Changes> {
  return readTogether(db, async (tx) => {
    const now = await readPosition(tx)
    if (isElsewhere(position, upTo ?? now))
      return { position: upTo ?? now, events: [], stacks: [], overflow: true }
    const since = tx`${snapshotOf(position)}::pg_snapshot`
    const between = (changed: Fragment) => tx`
      NOT pg_visible_in_snapshot(${changed}, ${since})
      ${upTo === null ? tx`` : tx`AND pg_visible_in_snapshot(${changed}, ${snapshotOf(upTo)}::pg_snapshot)`}`
    const heads = await tx<StackHead[]>`
      SELECT ${stackColumns(tx)} FROM stacks s LEFT JOIN stack_windows w ON w.stack_id = s.id
      WHERE s.id = ANY (ARRAY(${stacksChangedSince(tx, since)})) AND ${between(tx`s.changed_tx`)}
      ORDER BY s.last_event_at, s.id LIMIT ${limit + 1}`
    const rows = await tx<EventRow[]>`
      SELECT ${eventColumns(tx, true)} FROM events e
      WHERE e.changed_tx >= pg_snapshot_xmin(${since}) AND ${between(tx`e.changed_tx`)}
      ORDER BY e.id LIMIT ${limit + 1}`
    const overflow = heads.length > limit || rows.length > limit
    const stacks = overflow ? [] : await withLatest(tx, heads)
    return { position: upTo ?? now, events: overflow ? [] : rows.map(eventOf), stacks, overflow }
  })
}

/** Milliseconds between two looks whether the connection that listens is still alive. */
const LISTEN_CHECK_MS = 10_000

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
  // Who only listens never learns that the other side is silent for ever; a question has a deadline (driver.ts).
  let checks = 0
  const check = async () => {
    // Each under a name of its own: the driver asks nothing about one that it still remembers from a lost connection.
    const { unlisten: forget } = await db.read.listen(`${channel}_check_${++checks}`, () => {})
    await forget()
  }
  const timer = setInterval(() => check().catch(() => {}), LISTEN_CHECK_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await unlisten()
  }
}
