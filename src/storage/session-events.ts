import type { JudgedEvent } from '../event.ts'
import { newId } from '../new-id.ts'
import type { Tx } from './database.ts'
import { insertEvents } from './insert-events.ts'
import { rearrangeSessions } from './rearrange-sessions.ts'

/**
 * Stores an event of a session and returns its stack. In the usual order it joins the open session or begins one; when
 * later events of its series are there already, the sessions around it are made anew. The caller holds the lock of the
 * series.
 */
export async function insertSessionEvent(tx: Tx, event: JudgedEvent): Promise<string> {
  const { last, isLatest } = await lookAround(tx, event)
  const open = isLatest && last !== null && isOpenAt(last, event.startDate)
  const stackId = open ? last.stackId : newId()
  const fresh = new Set(open ? [] : [stackId])
  await insertEvents(tx, [event], {
    stackOf: new Map([[event, stackId]]),
    opened: new Map(),
    moved: new Map(),
    fresh,
  })
  if (isLatest) return stackId
  await rearrangeSessions(tx, event.provider, event.key!, event.startDate)
  return stackOf(tx, event.id)
}

/** The stack that holds the event before, and the event that began it. */
type Last = { stackId: string; resolved: boolean; role: string; openedAt: Date; sessionMs: string | null }

function isOpenAt({ resolved, role, openedAt, sessionMs }: Last, at: Date): boolean {
  if (resolved || role !== 'opens') return false
  return sessionMs === null || at.getTime() - openedAt.getTime() < Number(sessionMs)
}

async function lookAround(tx: Tx, { provider, key, startDate, id }: JudgedEvent) {
  const [row] = await tx<(Partial<Last> & { later: boolean })[]>`
    SELECT b.stack_id AS "stackId", s.resolved, f.session_role AS role, f.start_date AS "openedAt",
           f.session_ms AS "sessionMs", EXISTS (
             SELECT 1 FROM events e WHERE e.provider = ${provider} AND e.session_key = ${key}
               AND (e.start_date, e.id) > (${startDate}, ${id}::uuid)) AS later
    FROM (SELECT 1) one LEFT JOIN LATERAL (
      SELECT e.stack_id FROM events e WHERE e.provider = ${provider} AND e.session_key = ${key}
        AND (e.start_date, e.id) < (${startDate}, ${id}::uuid)
      ORDER BY e.start_date DESC, e.id DESC LIMIT 1) b ON true
    LEFT JOIN stacks s ON s.id = b.stack_id
    LEFT JOIN LATERAL (
      SELECT e.session_role, e.start_date, e.session_ms FROM events e WHERE e.stack_id = b.stack_id
      ORDER BY e.start_date, e.id LIMIT 1) f ON true`
  return { last: row?.stackId ? (row as Last) : null, isLatest: !row?.later }
}

/** The stack that an event is in now. */
export async function stackOf(tx: Tx, eventId: string): Promise<string> {
  const [row] = await tx<
    { stackId: string }[]
  >`SELECT stack_id AS "stackId" FROM events WHERE id = ${eventId}`
  return row!.stackId
}
