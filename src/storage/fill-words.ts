/** Fills the index of words, apart from the way of those who write events (docs/adr/0008-reads.md). */
import type { Database, Tx } from './database.ts'
import { type Rest, readTexts, type Text } from './event-texts.ts'
import { retryRaces } from './races.ts'
import type { Snapshot } from './snapshot.ts'
import { makeGroups, type WordGroup } from './word-groups.ts'
import { asIds, isTail } from './word-index.ts'

/** Key of the advisory lock of who fills; any constant would do. */
const FILLING_LOCK = 7776_0004
/** Above all ids. */
const NO_ID_YET = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** Events whose groups are made, and stored, at a time: meanwhile those who write events have less of the machine. */
const PIECE = 128

/** `events`: how many were looked at. `more`: there is more to do at once. */
export type Filled = { events: number; more: boolean }

/**
 * Brings the index nearer to the events, at most `limit` of them, in one transaction. Null: another server is at it.
 * Progress is a position (docs/adr/0003-ids-and-positions.md), so that no transaction is missed that was long under way.
 * A database whose index was never filled, or that was restored, is gone through by ids, the newest first.
 */
export async function fillWords(db: Database, limit: number, rest: Rest = noRest): Promise<Filled | null> {
  const fill = async (tx: Tx) => {
    const [lock] = await tx<
      { mine: boolean }[]
    >`SELECT pg_try_advisory_xact_lock(${FILLING_LOCK}::bigint) AS mine`
    if (!lock!.mine) return null
    // A plan that was made while the tables were small would go through all of them, and stay in use.
    await tx`SELECT set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
                    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`
    const state = await readState(tx)
    if (state.position === null) return begin(tx, state.now)
    const changed = await fillChanged(tx, state.position, state.now, limit, rest)
    if (changed.more || changed.events >= limit || state.above === null) return changed
    const older = await fillBelow(tx, state.above, limit - changed.events, rest)
    return { events: changed.events + older.events, more: older.more }
  }
  // Who was waiting for the lock has a snapshot from before the other's end.
  return retryRaces(
    async () => (await db.read.begin('isolation level repeatable read', fill)) as Filled | null,
  )
}

const noRest: Rest = async () => {}

/** The position is null when nothing is filled, or when it is none of this database. */
async function readState(
  tx: Tx,
): Promise<{ position: Snapshot | null; above: string | null; now: Snapshot }> {
  await tx`INSERT INTO words_position DEFAULT VALUES ON CONFLICT DO NOTHING`
  const [row] = await tx<{ position: Snapshot | null; above: string | null; now: Snapshot }[]>`
    SELECT CASE WHEN pg_snapshot_xmax(position::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
           THEN position END AS position, above, pg_current_snapshot()::text AS now
    FROM words_position FOR UPDATE`
  return row!
}

/** What is there now is to be gone through by ids; what comes later is a change. */
async function begin(tx: Tx, now: Snapshot): Promise<Filled> {
  await tx`UPDATE words_position SET position = ${now}, above = ${NO_ID_YET}::uuid`
  return { events: 0, more: true }
}

/** Takes in what changed since the position, in the order of transactions, as many whole ones as the limit lets. */
async function fillChanged(
  tx: Tx,
  position: Snapshot,
  now: Snapshot,
  limit: number,
  rest: Rest,
): Promise<Filled> {
  const rows = await readTexts(
    tx,
    tx`e.changed_tx::text AS transaction`,
    tx`${isTail(tx, position)} ORDER BY e.changed_tx LIMIT ${limit + 1}`,
    rest,
  )
  const cut = rows.length > limit ? latestOf(rows) : null
  const taken = cut === null ? rows : rows.filter(({ transaction }) => transaction !== cut)
  // One transaction that is more than the limit can only be a load of a whole database.
  if (cut !== null && taken.length === 0) return begin(tx, now)
  await write(tx, taken, rest)
  const reached = cut === null ? now : snapshotBefore(now, BigInt(cut))
  if (reached !== position) await tx`UPDATE words_position SET position = ${reached}`
  return { events: taken.length, more: cut !== null }
}

function latestOf(rows: Text[]): string {
  const latest = rows.map(({ transaction }) => BigInt(transaction!)).reduce((a, b) => (a > b ? a : b))
  return String(latest)
}

/** The part of a snapshot that is of transactions before `end`. */
export function snapshotBefore(snapshot: Snapshot, end: bigint): Snapshot {
  const underWay = snapshot
    .split(':')[2]!
    .split(',')
    .filter((id) => id !== '' && BigInt(id) < end)
  return `${underWay[0] ?? end}:${end}:${underWay.join(',')}`
}

async function fillBelow(tx: Tx, above: string, limit: number, rest: Rest): Promise<Filled> {
  const rows = await readTexts(
    tx,
    tx`NULL AS transaction`,
    tx`e.id < ${above}::uuid ORDER BY e.id DESC LIMIT ${limit}`,
    rest,
  )
  await write(tx, rows, rest)
  const more = rows.length === limit
  const lowest = rows.map(({ id }) => id).reduce((a, b) => (a < b ? a : b), NO_ID_YET)
  await tx`UPDATE words_position SET above = ${more ? lowest : null}::uuid`
  return { events: rows.length, more }
}

async function write(tx: Tx, texts: Text[], rest: Rest): Promise<void> {
  const changed = texts.filter(({ differs }) => differs)
  if (changed.length === 0) return
  let piece: WordGroup<Text>[] = []
  let size = 0
  let begun = performance.now()
  for (const group of makeGroups(changed)) {
    piece.push(group)
    size += group.events.length
    if (size < PIECE) continue
    await insertGroups(tx, piece)
    await rest(performance.now() - begun)
    piece = []
    size = 0
    begun = performance.now()
  }
  if (size > 0) await insertGroups(tx, piece)
  const left = new Set(changed.flatMap(({ left }) => left ?? []))
  if (left.size > 0) await dropEmpty(tx, [...left])
}

async function insertGroups(tx: Tx, made: WordGroup<Text>[]): Promise<void> {
  const groups = made.map(({ events, ...group }) => ({ ...group, eventIds: events.map(({ id }) => id) }))
  const rows = made.flatMap((group) => group.events.map(({ id, body }) => ({ id, group: group.id, body })))
  await tx`
    WITH groups AS (
      INSERT INTO word_groups (id, spans, event_ids, words)
      SELECT * FROM json_to_recordset(${JSON.stringify(groups)}::json) AS g(
        id uuid, spans int[], "eventIds" uuid[], words text))
    INSERT INTO event_words (event_id, group_id, body)
    SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json) AS w(id uuid, "group" uuid, body text)
    ON CONFLICT (event_id) DO UPDATE SET group_id = excluded.group_id, body = excluded.body`
}

/** Takes away groups whose events are all in others now. */
async function dropEmpty(tx: Tx, groups: string[]): Promise<void> {
  await tx`
    DELETE FROM word_groups g
    WHERE g.id IN (${asIds(tx, groups)})
      AND NOT EXISTS (SELECT FROM event_words w WHERE w.event_id = ANY (g.event_ids) AND w.group_id = g.id)`
}
