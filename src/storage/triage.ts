import type { Database, Tx } from './database.ts'
import { eventConditions, type Filter, stackConditions } from './filters.ts'
import { tellTriage } from './outbox.ts'
import { retryRaces } from './races.ts'
import { holdStacks, refreshStacks } from './refresh-stacks.ts'
import { CHANGES_CHANNEL } from './store-events.ts'

export const VERBS = ['ack', 'unack', 'dismiss', 'restore'] as const
/** What a person does to events; `unack` and `restore` undo. */
export type Verb = (typeof VERBS)[number]

/** Stacks that one transaction of a bulk change holds, so that senders never wait for long. */
const CHUNK = 500

/** Acknowledges, dismisses, … all events of these stacks; returns the ids of the stacks that exist. */
export function triageStacks(db: Database, verb: Verb, stackIds: string[]): Promise<string[]> {
  return inChunks(db, stackIds, (tx, chunk) => changeStacks(tx, verb, chunk))
}

/** The same for single events; their stacks follow. Returns the ids of the events that exist. */
export function triageEvents(db: Database, verb: Verb, eventIds: string[]): Promise<string[]> {
  return inChunks(db, eventIds, (tx, chunk) => changeEvents(tx, verb, chunk))
}

/** Ids of all stacks, or events, that a filter names now; what arrives later is not touched. */
export async function idsOf(db: Database, what: 'stacks' | 'events', filter: Filter): Promise<string[]> {
  const sql = db.read
  const rows =
    what === 'stacks'
      ? await sql<
          { id: string }[]
        >`SELECT s.id FROM stacks s WHERE ${stackConditions(sql, filter)} ORDER BY s.id`
      : await sql<
          { id: string }[]
        >`SELECT e.id FROM events e WHERE ${eventConditions(sql, filter)} ORDER BY e.id`
  return rows.map((row) => row.id)
}

/** A transaction per chunk. It may meet a sender's that holds the same stacks in another order: then once more. */
async function inChunks(
  db: Database,
  ids: string[],
  change: (tx: Tx, chunk: string[]) => Promise<string[]>,
): Promise<string[]> {
  const sorted = [...new Set(ids)].sort()
  const done: string[] = []
  for (let at = 0; at < sorted.length; at += CHUNK) {
    const chunk = sorted.slice(at, at + CHUNK)
    done.push(...((await retryRaces(() => db.write.begin((tx) => change(tx, chunk)))) as string[]))
  }
  return done
}

/** Holds the stacks first: an event that arrives meanwhile then waits, and reopens the stack when it is in. */
async function changeStacks(tx: Tx, verb: Verb, ids: string[]): Promise<string[]> {
  const held = await holdStacks(tx, ids)
  await tx`
    UPDATE events SET ${assignment(tx, verb)}, changed_tx = pg_current_xact_id()
    WHERE stack_id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(held)}::json))
      AND ${unchanged(tx, verb)}`
  await finish(tx, verb, held)
  return held
}

async function changeEvents(tx: Tx, verb: Verb, ids: string[]): Promise<string[]> {
  const { found, held } = await holdStacksOf(tx, ids)
  await tx`
    UPDATE events SET ${assignment(tx, verb)}, changed_tx = pg_current_xact_id()
    WHERE id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(found)}::json))
      AND ${unchanged(tx, verb)}`
  await finish(tx, verb, held)
  return found
}

/** Holds the stacks of events. An event may move until its stack is held, so it is looked for until it stayed. */
async function holdStacksOf(tx: Tx, eventIds: string[]): Promise<{ found: string[]; held: string[] }> {
  const held = new Set<string>()
  for (;;) {
    const rows = await tx<{ id: string; stackId: string }[]>`
      SELECT id, stack_id AS "stackId" FROM events
      WHERE id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(eventIds)}::json))`
    const missing = rows.filter((row) => !held.has(row.stackId))
    if (missing.length === 0) return { found: rows.map((row) => row.id), held: [...held] }
    const more = await holdStacks(tx, [...new Set(missing.map((row) => row.stackId))])
    for (const id of more) held.add(id)
  }
}

async function finish(tx: Tx, verb: Verb, stackIds: string[]): Promise<void> {
  if (stackIds.length === 0) return
  await refreshStacks(tx, stackIds)
  if (verb === 'ack' || verb === 'dismiss') await tellTriage(tx, 'pagerduty', verb, stackIds)
  await tx`SELECT pg_notify(${CHANGES_CHANNEL}, '')`
}

function assignment(tx: Tx, verb: Verb) {
  if (verb === 'ack') return tx`acked_at = now()`
  if (verb === 'unack') return tx`acked_at = NULL`
  return verb === 'dismiss' ? tx`dismissed_at = now()` : tx`dismissed_at = NULL`
}

/** Leaves events alone that are so already: the time of the first acknowledgement stays. */
function unchanged(tx: Tx, verb: Verb) {
  if (verb === 'ack') return tx`acked_at IS NULL`
  if (verb === 'unack') return tx`acked_at IS NOT NULL`
  return verb === 'dismiss' ? tx`dismissed_at IS NULL` : tx`dismissed_at IS NOT NULL`
}
