import type { Database, Tx } from './database.ts'
import { eventConditions, type Filter, stackConditions } from './filters.ts'
import { refreshStacks } from './refresh-stacks.ts'
import { CHANGES_CHANNEL } from './store-events.ts'

export const VERBS = ['ack', 'unack', 'dismiss', 'restore'] as const
/** What a person does to events; `unack` and `restore` undo. */
export type Verb = (typeof VERBS)[number]

/** Stacks that one transaction of a bulk change holds, so that senders never wait for long. */
const CHUNK = 500

/** Acknowledges, dismisses, … all events of these stacks; returns the ids of the stacks that exist. */
export async function triageStacks(db: Database, verb: Verb, stackIds: string[]): Promise<string[]> {
  return inChunks(
    stackIds,
    (chunk) => db.write.begin((tx) => changeStacks(tx, verb, chunk)) as Promise<string[]>,
  )
}

/** The same for single events; their stacks follow. Returns the ids of the events that exist. */
export async function triageEvents(db: Database, verb: Verb, eventIds: string[]): Promise<string[]> {
  return inChunks(
    eventIds,
    (chunk) => db.write.begin((tx) => changeEvents(tx, verb, chunk)) as Promise<string[]>,
  )
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

async function inChunks(ids: string[], change: (chunk: string[]) => Promise<string[]>): Promise<string[]> {
  const sorted = [...new Set(ids)].sort()
  const done: string[] = []
  for (let at = 0; at < sorted.length; at += CHUNK) done.push(...(await change(sorted.slice(at, at + CHUNK))))
  return done
}

async function changeStacks(tx: Tx, verb: Verb, ids: string[]): Promise<string[]> {
  const held = await holdStacks(tx, ids)
  await tx`
    UPDATE events SET ${assignment(tx, verb)}, changed_tx = pg_current_xact_id()
    WHERE stack_id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(held)}::json))
      AND ${unchanged(tx, verb)}`
  await finish(tx, held)
  return held
}

async function changeEvents(tx: Tx, verb: Verb, ids: string[]): Promise<string[]> {
  const wanted = JSON.stringify(ids)
  const rows = await tx<{ id: string; stackId: string }[]>`
    SELECT id, stack_id AS "stackId" FROM events
    WHERE id IN (SELECT value::uuid FROM json_array_elements_text(${wanted}::json))`
  const held = await holdStacks(tx, [...new Set(rows.map((row) => row.stackId))].sort())
  await tx`
    UPDATE events SET ${assignment(tx, verb)}, changed_tx = pg_current_xact_id()
    WHERE id IN (SELECT value::uuid FROM json_array_elements_text(${wanted}::json)) AND ${unchanged(tx, verb)}`
  await finish(tx, held)
  return rows.map((row) => row.id)
}

/** Locks the stacks first: an event that arrives meanwhile then waits, and reopens the stack when it is in. */
async function holdStacks(tx: Tx, ids: string[]): Promise<string[]> {
  const rows = await tx<{ id: string }[]>`
    SELECT id FROM stacks WHERE id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(ids)}::json))
    ORDER BY id FOR UPDATE`
  return rows.map((row) => row.id)
}

async function finish(tx: Tx, stackIds: string[]): Promise<void> {
  if (stackIds.length === 0) return
  await refreshStacks(tx, stackIds)
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
