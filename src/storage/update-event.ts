import { v7 as uuidv7 } from 'uuid'
import { type JudgedEvent, severityRank } from '../event.ts'
import type { Tx } from './database.ts'
import { closingTime, type Interval } from './placement.ts'
import { refreshStacks } from './refresh-stacks.ts'
import { findNeighbours, seriesName, windowParameter } from './series.ts'

export type StoredReference = { id: string; stackId: string; provider: string; key: string | null }

/** Finds stored events by their externalID; the map's keys are `provider externalID`. */
export async function findByExternalId(
  tx: Tx,
  events: { provider: string; externalID: string | null }[],
): Promise<Map<string, StoredReference>> {
  const wanted = events.map(({ provider, externalID }) => ({ provider, externalID }))
  const rows = await tx<(StoredReference & { externalID: string })[]>`
    SELECT e.id, e.stack_id AS "stackId", e.provider, e.external_id AS "externalID", s.key
    FROM json_to_recordset(${JSON.stringify(wanted)}::json) AS q(provider text, "externalID" text)
    JOIN events e ON e.provider = q.provider AND e.external_id = q."externalID"
    JOIN stacks s ON s.id = e.stack_id`
  return new Map(rows.map((row) => [`${row.provider} ${row.externalID}`, row]))
}

/**
 * Puts an event in the place of the stored one with its externalID. It may move to another stack; both stacks are
 * right afterwards, and one that lost its last event is gone. The caller holds the locks of both series.
 */
export async function updateEvent(tx: Tx, event: JudgedEvent): Promise<{ id: string; stackId: string }> {
  const stored = (await findByExternalId(tx, [event])).get(`${event.provider} ${event.externalID}`)!
  const alone = await leaveStack(tx, stored)
  const reusable = alone && stored.key === event.key ? stored.stackId : null
  const stackId = await enterStack(tx, event, reusable)
  await tx`
    UPDATE events SET
      stack_id = ${stackId}, title = ${event.title}, subtitle = ${event.subtitle},
      start_date = ${event.startDate}, end_date = ${event.endDate}, event_type = ${event.eventType},
      severity = ${severityRank(event.severity)}, label = ${event.label}, color = ${event.color},
      node = ${event.node}, vmid = ${event.vmid}, metadata = ${JSON.stringify(event.metadata)}::json,
      payload = ${JSON.stringify(event.payload)}::json, changed_tx = pg_current_xact_id()
    WHERE id = ${stored.id}`
  await refreshStacks(tx, [stackId])
  if (alone && stackId !== stored.stackId) await tx`DELETE FROM stacks WHERE id = ${stored.stackId}`
  return { id: stored.id, stackId }
}

/** Shrinks the stack to its other events; true when there are none. */
async function leaveStack(tx: Tx, stored: StoredReference): Promise<boolean> {
  const [rest] = await tx<{ first: Date | null }[]>`
    SELECT min(start_date) AS first FROM events WHERE stack_id = ${stored.stackId} AND id <> ${stored.id}`
  const first = rest?.first ?? null
  if (first === null) return true
  if (stored.key !== null) await reopenWindow(tx, stored.stackId, first)
  await refreshStacks(tx, [stored.stackId], stored.id)
  return false
}

/** Moves the opening of a stack to the first event left in it, and its end accordingly. */
async function reopenWindow(tx: Tx, stackId: string, openedAt: Date): Promise<void> {
  const [row] = await tx<{ windowMs: string | null; nextOpensAt: Date | null }[]>`
    SELECT w.window_ms AS "windowMs", (
      SELECT min(n.opened_at) FROM stack_windows n
      WHERE n.provider = w.provider AND n.key = w.key AND n.opened_at > w.opened_at) AS "nextOpensAt"
    FROM stack_windows w WHERE w.stack_id = ${stackId}`
  if (!row) return
  const windowMs = row.windowMs === null ? null : Number(row.windowMs)
  const closesAt = closingTime(openedAt.getTime(), windowMs, row.nextOpensAt?.getTime() ?? null)
  await tx`
    UPDATE stack_windows SET opened_at = ${openedAt}, closes_at = ${closesAt === null ? null : new Date(closesAt)}
    WHERE stack_id = ${stackId}`
}

/** Finds or makes the stack that the event now belongs to, and gives its interval room for the event. */
async function enterStack(tx: Tx, event: JudgedEvent, reusable: string | null): Promise<string> {
  if (event.key === null) return reusable ?? openStack(tx, event, uuidv7())
  const moment = { provider: event.provider, key: event.key, at: event.startDate }
  const series = (await findNeighbours(tx, [moment], reusable)).get(seriesName(event.provider, event.key))!
  const { interval, how } = series.place(
    event.startDate.getTime(),
    event.windowMs,
    () => reusable ?? uuidv7(),
  )
  if (how === 'opened' && interval.stackId !== reusable) await openStack(tx, event, interval.stackId)
  if (how === 'opened' && reusable !== null) await dropWindow(tx, reusable)
  if (how !== 'joined') await writeWindow(tx, event.provider, event.key, interval)
  return interval.stackId
}

async function dropWindow(tx: Tx, stackId: string): Promise<void> {
  await tx`DELETE FROM stack_windows WHERE stack_id = ${stackId}`
}

async function openStack(tx: Tx, event: JudgedEvent, id: string): Promise<string> {
  await tx`
    INSERT INTO stacks (id, provider, key, node, vmid, title, first_event_at, last_event_at, latest_event_id,
                        event_count, severity, label, severity_at)
    VALUES (${id}, ${event.provider}, ${event.key}, ${event.node}, ${event.vmid}, ${event.title}, ${event.startDate},
            ${event.startDate}, ${event.id}, 1, ${severityRank(event.severity)}, ${event.label}, ${event.startDate})`
  return id
}

async function writeWindow(tx: Tx, provider: string, key: string, interval: Interval): Promise<void> {
  const row = { stackId: interval.stackId, provider, key, interval }
  await tx`
    INSERT INTO stack_windows (stack_id, provider, key, opened_at, closes_at, window_ms)
    SELECT * FROM json_to_recordset(${windowParameter([row])}::json) AS w(
      "stackId" uuid, provider text, key text, "openedAt" timestamptz, "closesAt" timestamptz, "windowMs" bigint)
    ON CONFLICT (stack_id) DO UPDATE SET opened_at = excluded.opened_at, closes_at = excluded.closes_at`
}
