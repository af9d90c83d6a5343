import type { Tx } from './database.ts'

/** Locks stacks in the order of their ids until the transaction ends; returns those that exist. */
export async function holdStacks(tx: Tx, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await tx<{ id: string }[]>`
    SELECT id FROM stacks WHERE id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(ids)}::json))
    ORDER BY id FOR UPDATE`
  return rows.map((row) => row.id)
}

/**
 * Computes count, span, latest event, worst severity and the acknowledged and dismissed states of stacks anew from
 * their events, `exceptEvent` left out. A stack is acknowledged, or dismissed, when all its events are. Only for
 * stacks that the transaction holds already: a statement that had to wait for one would write sums from before the
 * wait.
 */
export async function refreshStacks(
  tx: Tx,
  stackIds: string[],
  exceptEvent: string | null = null,
): Promise<void> {
  await tx`
    UPDATE stacks s SET
      event_count = a.count, first_event_at = a.first, last_event_at = a.last,
      latest_event_id = l.id, title = l.title, node = l.node, vmid = l.vmid,
      stack_title = l.stack_title, resolved = a.count > 1 AND l.session_role IS NOT DISTINCT FROM 'closes',
      severity = CASE WHEN NOT s.current_state THEN w.severity
                      WHEN a.count > 1 AND l.session_role = 'closes' THEN coalesce(l.closed_severity, l.severity)
                      ELSE l.severity END,
      label = CASE WHEN s.current_state THEN l.label ELSE w.label END,
      severity_at = CASE WHEN s.current_state THEN l.start_date ELSE w.start_date END,
      acked_at = CASE WHEN a.unacked = 0 THEN a.acked_at END,
      dismissed_at = CASE WHEN a.undismissed = 0 THEN a.dismissed_at END,
      changed_tx = pg_current_xact_id(), altered_tx = pg_current_xact_id()
    FROM json_array_elements_text(${JSON.stringify(stackIds)}::json) AS q(id)
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS count, min(start_date) AS first, max(start_date) AS last,
             count(*) FILTER (WHERE acked_at IS NULL) AS unacked, max(acked_at) AS acked_at,
             count(*) FILTER (WHERE dismissed_at IS NULL) AS undismissed, max(dismissed_at) AS dismissed_at
      FROM events WHERE stack_id = q.id::uuid AND id IS DISTINCT FROM ${exceptEvent}::uuid) a
    CROSS JOIN LATERAL (
      SELECT id, title, node, vmid, stack_title, session_role, severity, closed_severity, label, start_date FROM events
      WHERE stack_id = q.id::uuid AND id IS DISTINCT FROM ${exceptEvent}::uuid
      ORDER BY start_date DESC, id DESC LIMIT 1) l
    CROSS JOIN LATERAL (
      SELECT severity, label, start_date FROM events
      WHERE stack_id = q.id::uuid AND id IS DISTINCT FROM ${exceptEvent}::uuid
      ORDER BY severity DESC, start_date DESC, id DESC LIMIT 1) w
    WHERE s.id = q.id::uuid`
}
