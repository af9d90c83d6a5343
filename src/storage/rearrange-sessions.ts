import { newId } from '../new-id.ts'
import type { Tx } from './database.ts'
import { holdStacks, refreshStacks } from './refresh-stacks.ts'
import { assignStacks, compareEvents, type Segment, type SessionEvent, segmentEvents } from './sessions.ts'

/**
 * Makes the sessions of a series right around an instant at which an event came, went or changed. It looks only as far
 * as the change reaches: to the right until no open session takes in what follows.
 */
export async function rearrangeSessions(tx: Tx, provider: string, key: string, at: Date): Promise<void> {
  const series = { provider, key }
  let events = await readStacks(tx, await stacksAround(tx, series, at))
  let segments = segmentEvents(events)
  for (;;) {
    const next = await stackAfter(tx, series, events.at(-1))
    if (next === null || !reaches(segments.at(-1), next.at)) break
    events = [...events, ...(await readStacks(tx, [next.stackId]))].sort(compareEvents)
    segments = segmentEvents(events)
  }
  await applySegments(tx, assignStacks(segments, newId))
}

/** Whether the session would take in an event at this instant. */
function reaches(segment: Segment | undefined, at: number): boolean {
  const opening = segment?.events[0]
  if (!segment || segment.resolved || opening?.role !== 'opens') return false
  return opening.windowMs === null || at - opening.at < opening.windowMs
}

type Series = { provider: string; key: string }

async function stacksAround(tx: Tx, { provider, key }: Series, at: Date): Promise<string[]> {
  const rows = await tx<{ stackId: string }[]>`
    SELECT DISTINCT stack_id AS "stackId" FROM (
      (SELECT stack_id FROM events WHERE provider = ${provider} AND session_key = ${key} AND start_date < ${at}
       ORDER BY start_date DESC, id DESC LIMIT 1)
      UNION ALL
      (SELECT stack_id FROM events WHERE provider = ${provider} AND session_key = ${key} AND start_date = ${at})
      UNION ALL
      (SELECT stack_id FROM events WHERE provider = ${provider} AND session_key = ${key} AND start_date > ${at}
       ORDER BY start_date, id LIMIT 1)) around`
  return rows.map((row) => row.stackId)
}

async function stackAfter(tx: Tx, { provider, key }: Series, last: SessionEvent | undefined) {
  if (!last) return null
  const [row] = await tx<{ stackId: string; at: Date }[]>`
    SELECT stack_id AS "stackId", start_date AS at FROM events
    WHERE provider = ${provider} AND session_key = ${key} AND (start_date, id) > (${new Date(last.at)}, ${last.id}::uuid)
    ORDER BY start_date, id LIMIT 1`
  return row ? { stackId: row.stackId, at: row.at.getTime() } : null
}

async function readStacks(tx: Tx, stackIds: string[]): Promise<SessionEvent[]> {
  const rows = await tx<
    { id: string; at: Date; role: SessionEvent['role']; windowMs: string | null; stackId: string }[]
  >`
    SELECT id, start_date AS at, session_role AS role, session_ms AS "windowMs", stack_id AS "stackId" FROM events
    WHERE stack_id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(stackIds)}::json))
    ORDER BY start_date, id`
  return rows.map((row) => ({
    ...row,
    at: row.at.getTime(),
    windowMs: row.windowMs === null ? null : Number(row.windowMs),
  }))
}

/** Moves events to the stacks that they belong to now; new stacks are made, and ones without events go. */
async function applySegments(tx: Tx, stacks: Map<Segment, string>): Promise<void> {
  const moves = [...stacks].flatMap(([{ events }, stackId]) =>
    events.filter((event) => event.stackId !== stackId).map(({ id }) => ({ id, stackId })),
  )
  const before = [...stacks.keys()].flatMap(({ events }) => events.flatMap(({ stackId }) => stackId ?? []))
  const involved = [...new Set([...before, ...stacks.values()])].sort()
  await holdStacks(tx, involved)
  await openStacks(tx, stacks)
  await moveEvents(tx, moves)
  await tx`
    DELETE FROM stacks s
    WHERE s.id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(involved)}::json))
      AND NOT EXISTS (SELECT 1 FROM events e WHERE e.stack_id = s.id)`
  await refreshStacks(tx, [...stacks.values()])
}

async function openStacks(tx: Tx, stacks: Map<Segment, string>): Promise<void> {
  const first = Array.from(stacks, ([{ events }, stackId]) => ({ stackId, eventId: events[0]!.id }))
  await tx`
    INSERT INTO stacks (id, provider, key, node, vmid, title, first_event_at, last_event_at, latest_event_id,
                        event_count, severity, label, severity_at, current_state)
    SELECT q."stackId", e.provider, e.session_key, e.node, e.vmid, e.title, e.start_date, e.start_date, e.id, 1,
           e.severity, e.label, e.start_date, e.current_state
    FROM json_to_recordset(${JSON.stringify(first)}::json) AS q("stackId" uuid, "eventId" uuid)
    JOIN events e ON e.id = q."eventId"
    ON CONFLICT (id) DO NOTHING`
}

async function moveEvents(tx: Tx, moves: { id: string; stackId: string }[]): Promise<void> {
  if (moves.length === 0) return
  const parameter = JSON.stringify(moves)
  await tx`
    INSERT INTO event_moves (event_id, stack_id, start_date, placed_tx, moved_at)
    SELECT e.id, e.stack_id, e.start_date, e.placed_tx, now()
    FROM json_to_recordset(${parameter}::json) AS m(id uuid) JOIN events e ON e.id = m.id
    WHERE e.placed_tx <> pg_current_xact_id()
    ON CONFLICT DO NOTHING`
  await tx`
    UPDATE events e SET stack_id = m."stackId", placed_tx = pg_current_xact_id(), changed_tx = pg_current_xact_id()
    FROM json_to_recordset(${parameter}::json) AS m(id uuid, "stackId" uuid) WHERE e.id = m.id`
}
