import { type JudgedEvent, severityRank } from '../event.ts'
import { newId } from '../new-id.ts'
import type { Database, Tx } from './database.ts'
import { eventColumnsOf } from './event-parameter.ts'
import type { Interval, Placement } from './placement.ts'
import { LostRace } from './races.ts'
import { rearrangeSessions } from './rearrange-sessions.ts'
import { holdStacks, refreshStacks } from './refresh-stacks.ts'
import { isOutdated } from './replayed.ts'
import { findNeighbours, seriesName, windowParameter } from './series.ts'
import { stackOf } from './session-events.ts'
import { isSessionRole } from './sessions.ts'

export type StoredReference = {
  id: string
  stackId: string
  provider: string
  key: string | null
  /** Not null: it is an event of a session. */
  sessionKey: string | null
  startDate: Date
  /** Id of the incoming event that wrote it last; null: not known. */
  writtenBy: string | null
}

const GONE = 'the event that is to be updated is gone'

/** Hours for which pages know where an event was before it moved. */
const MOVES_HOURS = 24

/** Finds stored events by their externalID; the map's keys are `provider externalID`. */
export async function findByExternalId(
  tx: Tx,
  events: { provider: string; externalID: string | null }[],
): Promise<Map<string, StoredReference>> {
  if (events.length === 0) return new Map()
  const wanted = events.map(({ provider, externalID }) => ({ provider, externalID }))
  const rows = await tx<(StoredReference & { externalID: string })[]>`
    SELECT e.id, e.stack_id AS "stackId", e.provider, e.external_id AS "externalID", s.key,
           e.session_key AS "sessionKey", e.start_date AS "startDate", e.written_by AS "writtenBy"
    FROM json_to_recordset(${JSON.stringify(wanted)}::json) AS q(provider text, "externalID" text)
    JOIN events e ON e.provider = q.provider AND e.external_id = q."externalID"
    JOIN stacks s ON s.id = e.stack_id`
  return new Map(rows.map((row) => [`${row.provider} ${row.externalID}`, row]))
}

/**
 * Puts an event in the place of the stored one with its externalID. With a new time or key it may move to another
 * stack; both are right afterwards, and one that lost its last event is gone. Stacks do not merge: two of one key
 * stay two, also when an update takes away what kept them apart. The caller holds the locks of both series. Throws
 * {@link LostRace} when the stored one is gone.
 */
export async function updateEvent(tx: Tx, event: JudgedEvent): Promise<{ id: string; stackId: string }> {
  const stored = (await findByExternalId(tx, [event])).get(`${event.provider} ${event.externalID}`)
  if (!stored) throw new LostRace(GONE)
  if (isOutdated(event, stored.writtenBy)) return { id: stored.id, stackId: stored.stackId }
  await holdStacks(tx, [stored.stackId])
  if (stored.sessionKey !== null || isSessionRole(event.role)) return updateInSession(tx, stored, event)
  const stays = stored.key === event.key && stored.startDate.getTime() === event.startDate.getTime()
  const stackId = stays ? stored.stackId : await moveEvent(tx, stored, event)
  await overwriteEvent(tx, stored, event, stackId)
  await holdStacks(tx, [stackId])
  await refreshStacks(tx, [stackId])
  if (stackId !== stored.stackId) await dropIfEmpty(tx, stored.stackId)
  return { id: stored.id, stackId }
}

/** The same where the event was, or now is, one of a session: the sessions around both places are made anew. */
async function updateInSession(tx: Tx, stored: StoredReference, event: JudgedEvent) {
  const { id, provider } = stored
  const first = await firstOfOthers(tx, stored)
  if (stored.sessionKey === null && stored.key !== null) await shrinkWindow(tx, stored, first)
  const target = await targetOf(tx, stored, event, first === null)
  await overwriteEvent(tx, stored, event, target)
  await holdStacks(tx, [stored.stackId, target].sort())
  if (target !== stored.stackId) {
    if (first === null) await dropIfEmpty(tx, stored.stackId)
    else await refreshStacks(tx, [stored.stackId])
  }
  await refreshStacks(tx, [target])
  if (stored.sessionKey !== null) await rearrangeSessions(tx, provider, stored.sessionKey, stored.startDate)
  if (isSessionRole(event.role)) await rearrangeSessions(tx, provider, event.key!, event.startDate)
  return { id, stackId: await stackOf(tx, id) }
}

/** A stack of its own for an event of a session, from which it is then moved on; its old one if it was alone there. */
async function targetOf(
  tx: Tx,
  stored: StoredReference,
  event: JudgedEvent,
  alone: boolean,
): Promise<string> {
  if (!isSessionRole(event.role)) return enterStack(tx, event, null)
  if (alone && stored.sessionKey === event.key) return stored.stackId
  const id = newId()
  await openStack(tx, event, id)
  return id
}

/** Forgets places that only very old cursors could still ask for. */
export async function forgetMoves(db: Database): Promise<void> {
  await db.read`DELETE FROM event_moves WHERE moved_at < now() - make_interval(hours => ${MOVES_HOURS}::int)`
}

/** Takes the event out of its stack and returns the one it now belongs to: its old one again if it was alone there. */
async function moveEvent(tx: Tx, stored: StoredReference, event: JudgedEvent): Promise<string> {
  const first = await firstOfOthers(tx, stored)
  if (stored.key !== null) await shrinkWindow(tx, stored, first)
  if (first !== null) await refreshStacks(tx, [stored.stackId], stored.id)
  const reusable = first === null && stored.key === event.key ? stored.stackId : null
  return enterStack(tx, event, reusable)
}

async function firstOfOthers(tx: Tx, { stackId, id }: StoredReference): Promise<Date | null> {
  const [rest] = await tx<{ first: Date | null }[]>`
    SELECT min(start_date) AS first FROM events WHERE stack_id = ${stackId} AND id <> ${id}`
  return rest?.first ?? null
}

/**
 * Opens the interval of the stack that an event leaves at the first event left, or takes it away if there is none.
 * Then it may end later, and so may the one before it, which perhaps ended where this one opened.
 */
async function shrinkWindow(tx: Tx, stored: StoredReference, first: Date | null): Promise<void> {
  const { stackId, provider, key, startDate } = stored
  if (first === null) await tx`DELETE FROM stack_windows WHERE stack_id = ${stackId}`
  else await tx`UPDATE stack_windows SET opened_at = ${first} WHERE stack_id = ${stackId}`
  await tx`
    WITH ends AS (
      SELECT w.stack_id, least(
        w.opened_at + w.window_ms * interval '1 millisecond',
        (SELECT min(n.opened_at) FROM stack_windows n
         WHERE n.provider = w.provider AND n.key = w.key AND n.opened_at > w.opened_at)) AS closes_at
      FROM stack_windows w
      WHERE w.stack_id = ${stackId} OR w.stack_id = (
        SELECT p.stack_id FROM stack_windows p
        WHERE p.provider = ${provider} AND p.key = ${key} AND p.opened_at <= ${startDate} AND p.stack_id <> ${stackId}
        ORDER BY p.opened_at DESC LIMIT 1)
    ), moved AS (
      UPDATE stack_windows w SET closes_at = ends.closes_at FROM ends
      WHERE w.stack_id = ends.stack_id AND w.closes_at IS DISTINCT FROM ends.closes_at
      RETURNING w.stack_id
    )
    UPDATE stacks SET changed_tx = pg_current_xact_id(), altered_tx = pg_current_xact_id()
    WHERE id IN (SELECT stack_id FROM moved)`
}

/** Finds or makes the stack that the event now belongs to, and gives its interval room for the event. */
async function enterStack(tx: Tx, event: JudgedEvent, reusable: string | null): Promise<string> {
  const spareId = reusable ?? newId()
  const placement = event.key === null ? null : await findPlace(tx, event, event.key, spareId)
  const stackId = placement?.interval.stackId ?? spareId
  if (stackId === spareId && reusable === null) await openStack(tx, event, spareId)
  if (placement && placement.how !== 'joined') await writeWindow(tx, event, placement.interval)
  return stackId
}

async function findPlace(tx: Tx, event: JudgedEvent, key: string, spareId: string): Promise<Placement> {
  const { provider, startDate, windowMs } = event
  const series = await findNeighbours(tx, [{ provider, key, at: startDate }])
  return series.get(seriesName(provider, key))!.place(startDate.getTime(), windowMs, () => spareId)
}

async function openStack(tx: Tx, event: JudgedEvent, id: string): Promise<void> {
  await tx`
    INSERT INTO stacks (id, provider, key, node, vmid, title, first_event_at, last_event_at, latest_event_id,
                        event_count, severity, label, severity_at, current_state)
    VALUES (${id}, ${event.provider}, ${event.key}, ${event.node}, ${event.vmid}, ${event.title}, ${event.startDate},
            ${event.startDate}, ${event.id}, 1, ${severityRank(event.severity)}, ${event.label}, ${event.startDate},
            ${event.currentState})`
}

async function writeWindow(tx: Tx, { provider, key }: JudgedEvent, interval: Interval): Promise<void> {
  const row = { stackId: interval.stackId, provider, key: key!, interval }
  await tx`
    INSERT INTO stack_windows (stack_id, provider, key, opened_at, closes_at, window_ms)
    SELECT * FROM json_to_recordset(${windowParameter([row])}::json) AS w(
      "stackId" uuid, provider text, key text, "openedAt" timestamptz, "closesAt" timestamptz, "windowMs" bigint)
    ON CONFLICT (stack_id) DO UPDATE SET opened_at = excluded.opened_at, closes_at = excluded.closes_at`
}

/** Writes the event over the stored one; its id, its time of arrival and what people did to it stay. */
async function overwriteEvent(
  tx: Tx,
  stored: StoredReference,
  event: JudgedEvent,
  stackId: string,
): Promise<void> {
  const moves = stackId !== stored.stackId || stored.startDate.getTime() !== event.startDate.getTime()
  if (moves) {
    await tx`
      INSERT INTO event_moves (event_id, stack_id, start_date, placed_tx, moved_at)
      SELECT id, stack_id, start_date, placed_tx, now() FROM events
      WHERE id = ${stored.id} AND placed_tx <> pg_current_xact_id()`
  }
  const { id, ackedAt, dismissedAt, receivedAt, provider, externalID, ...columns } = eventColumnsOf(event)
  const { count } = await tx`
    UPDATE events e SET
      stack_id = ${stackId}, title = n.title, subtitle = n.subtitle, start_date = n."startDate", end_date = n."endDate",
      event_type = n."eventType", severity = n.severity, label = n.label, color = n.color, node = n.node, vmid = n.vmid,
      session_role = n."sessionRole", session_key = n."sessionKey", session_ms = n."sessionMs",
      closed_severity = n."closedSeverity", current_state = n."currentState", stack_title = n."stackTitle",
      indicator = n.indicator, tags = n.tags, surface = n.surface, progress = n.progress, metadata = n.metadata, facts = n.facts,
      payload = n.payload, acked_at = coalesce(e.acked_at, ${ackedAt}::timestamptz),
      dismissed_at = coalesce(e.dismissed_at, ${dismissedAt}::timestamptz), changed_tx = pg_current_xact_id(),
      written_by = greatest(e.written_by, n."writtenBy"), placed_tx = ${moves ? tx`pg_current_xact_id()` : tx`placed_tx`}
    FROM json_to_record(${JSON.stringify(columns)}::json) AS n(
      title text, subtitle text, "startDate" timestamptz, "endDate" timestamptz, "eventType" text, severity smallint,
      label text, color text, node text, vmid text, "sessionRole" text, "sessionKey" text, "sessionMs" bigint,
      "closedSeverity" smallint, "currentState" boolean, "stackTitle" text, indicator json, tags text[], surface text,
      progress json, metadata json, facts json, payload json, "writtenBy" uuid)
    WHERE e.id = ${stored.id}`
  if (count === 0) throw new LostRace(GONE)
}

async function dropIfEmpty(tx: Tx, stackId: string): Promise<void> {
  await tx`
    DELETE FROM stacks s WHERE s.id = ${stackId} AND NOT EXISTS (SELECT 1 FROM events e WHERE e.stack_id = s.id)`
}
