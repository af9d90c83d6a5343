import type { Database, Tx } from './database.ts'
import { type Expiry, isFrame, mayGo } from './due-events.ts'
import { retryRaces } from './races.ts'
import { holdStacks, refreshStacks } from './refresh-stacks.ts'
import { lockNames, seriesName } from './series.ts'
import { CHANGES_CHANNEL } from './store-events.ts'

export type Deleted = { events: number; stacks: number }

/** Milliseconds that a batch waits for a lock, while senders may wait for those that it has. */
const LOCK_MS = 300
const STATEMENT_MS = 5_000
/** Events of a session that go at once with the last of them; of a longer one the middle goes first, bit by bit. */
const SESSION_LIMIT = 1_000

/**
 * Deletes those of the events that may go, in one transaction, and makes their stacks right; one that lost its last
 * event is gone. Other events of their sessions go along when they may. Like a writer it holds the locks of the series
 * first, so that nobody adds to a stack that is about to go; then the stacks, for those who write without these locks.
 * Who answered with 200 waits for the disk; this does not: what a power cut undoes is done again.
 */
export async function deleteEvents(db: Database, ids: string[], expiries: Expiry[]): Promise<Deleted> {
  return (await retryRaces(() =>
    db.read.begin(async (tx) => {
      await beBrief(tx)
      return deleteInTransaction(tx, ids, expiries)
    }),
  )) as Deleted
}

/** Gives up rather than being in the way of senders. */
export async function beBrief(tx: Tx): Promise<void> {
  await tx`
    SELECT set_config('lock_timeout', ${String(LOCK_MS)}, true),
           set_config('statement_timeout', ${String(STATEMENT_MS)}, true),
           set_config('synchronous_commit', 'off', true)`
}

type Gone = { id: string; stackId: string; startDate: Date; placedTx: string }

async function deleteInTransaction(tx: Tx, ids: string[], expiries: Expiry[]): Promise<Deleted> {
  const found = await findStacksOf(tx, ids)
  await lockNames(tx, found.flatMap(namesOf), CHANGES_CHANNEL)
  const held = await holdStacks(tx, [...new Set(found.map(({ stackId }) => stackId))])
  const gone = await deleteDue(tx, ids, held, expiries)
  if (gone.length === 0) return { events: 0, stacks: 0 }
  const touched = [...new Set(gone.map(({ stackId }) => stackId))]
  const left = await stacksWithEvents(tx, touched)
  await refreshStacks(tx, left)
  await keepPlaces(tx, gone)
  await dropStacks(
    tx,
    touched.filter((id) => !left.includes(id)),
  )
  return { events: gone.length, stacks: touched.length - left.length }
}

type Reference = { stackId: string; provider: string; key: string | null; externalID: string | null }

async function findStacksOf(tx: Tx, ids: string[]): Promise<Reference[]> {
  return tx<Reference[]>`
    SELECT e.stack_id AS "stackId", s.provider, s.key, e.external_id AS "externalID"
    FROM events e JOIN stacks s ON s.id = e.stack_id WHERE e.id IN (${asIds(tx, ids)})`
}

/**
 * What a writer locks that could add to the stack or update its event; see `storeEvents`. An update locks the series of
 * the stored event, if it has a key, and else only its externalID.
 */
function namesOf({ provider, key, externalID }: Reference): string[] {
  if (key !== null) return [seriesName(provider, key)]
  return externalID === null ? [] : [`external ${provider} ${externalID}`]
}

function asIds(tx: Tx, ids: string[]) {
  return tx`SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(ids)}::json)`
}

/** An event that moved to another stack meanwhile is left alone: its new place is not locked. */
async function deleteDue(tx: Tx, ids: string[], held: string[], expiries: Expiry[]): Promise<Gone[]> {
  return tx<Gone[]>`
    WITH sessions AS (
      SELECT DISTINCT s.id FROM stacks s JOIN events e ON e.stack_id = s.id
      WHERE s.id IN (${asIds(tx, held)}) AND s.event_count <= ${SESSION_LIMIT}::int AND e.session_key IS NOT NULL
    ), named AS (
      SELECT e.id FROM events e
      WHERE e.id IN (${asIds(tx, ids)}) AND e.stack_id IN (${asIds(tx, held)}) AND NOT ${isFrame(tx, 'e')}
      UNION
      SELECT e.id FROM events e WHERE e.stack_id IN (SELECT id FROM sessions)
    )
    DELETE FROM events e WHERE e.id IN (SELECT id FROM named) AND ${mayGo(tx, 'e', expiries)}
    RETURNING e.id, e.stack_id AS "stackId", e.start_date AS "startDate", e.placed_tx::text AS "placedTx"`
}

async function stacksWithEvents(tx: Tx, ids: string[]): Promise<string[]> {
  const rows = await tx<{ id: string }[]>`
    SELECT s.id FROM stacks s
    WHERE s.id IN (${asIds(tx, ids)}) AND EXISTS (SELECT 1 FROM events e WHERE e.stack_id = s.id)`
  return rows.map(({ id }) => id)
}

/** A stack that lost its newest event stands further down now; later pages of a list find it in its old place. */
async function keepPlaces(tx: Tx, gone: Gone[]): Promise<void> {
  await tx`
    INSERT INTO event_moves (event_id, stack_id, start_date, placed_tx, moved_at)
    SELECT g.id, g."stackId", g."startDate", g."placedTx"::xid8, now()
    FROM json_to_recordset(${JSON.stringify(gone)}::json) AS g(
      id uuid, "stackId" uuid, "startDate" timestamptz, "placedTx" text)
    JOIN stacks s ON s.id = g."stackId"
    WHERE g."startDate" > s.last_event_at AND EXISTS (SELECT 1 FROM events e WHERE e.stack_id = s.id)
    ON CONFLICT DO NOTHING`
}

/**
 * Takes stacks without events away. An interval that ended where one of theirs opened ends where its own window does,
 * or where the next one opens.
 */
async function dropStacks(tx: Tx, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  const windows = await tx<{ provider: string; key: string; openedAt: Date }[]>`
    DELETE FROM stack_windows WHERE stack_id IN (${asIds(tx, ids)})
    RETURNING provider, key, opened_at AS "openedAt"`
  await tx`DELETE FROM stacks WHERE id IN (${asIds(tx, ids)})`
  await tx`
    WITH ends AS (
      SELECT DISTINCT w.stack_id, least(
        w.opened_at + w.window_ms * interval '1 millisecond',
        (SELECT min(n.opened_at) FROM stack_windows n
         WHERE n.provider = w.provider AND n.key = w.key AND n.opened_at > w.opened_at)) AS closes_at
      FROM json_to_recordset(${JSON.stringify(windows)}::json) AS q(provider text, key text, "openedAt" timestamptz)
      CROSS JOIN LATERAL (
        SELECT * FROM stack_windows p
        WHERE p.provider = q.provider AND p.key = q.key AND p.opened_at < q."openedAt"
        ORDER BY p.opened_at DESC LIMIT 1) w
    ), moved AS (
      UPDATE stack_windows w SET closes_at = ends.closes_at FROM ends
      WHERE w.stack_id = ends.stack_id AND w.closes_at IS DISTINCT FROM ends.closes_at
      RETURNING w.stack_id
    )
    UPDATE stacks SET changed_tx = pg_current_xact_id(), altered_tx = pg_current_xact_id()
    WHERE id IN (SELECT stack_id FROM moved)`
}
