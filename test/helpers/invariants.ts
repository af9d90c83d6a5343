import assert from 'node:assert/strict'
import type { Database } from '../../src/storage/database.ts'

/** Each query names what breaks one rule of the stacks; all are empty on a database that is right. */
const RULES: [rule: string, query: string][] = [
  [
    'intervals of one provider and key overlap',
    `SELECT a.stack_id || ' and ' || b.stack_id FROM stack_windows a JOIN stack_windows b
     ON a.provider = b.provider AND a.key = b.key AND a.stack_id < b.stack_id
     AND tstzrange(a.opened_at, a.closes_at) && tstzrange(b.opened_at, b.closes_at)`,
  ],
  [
    'an interval ends neither one window after its opening nor where the next opens',
    `SELECT w.stack_id FROM stack_windows w WHERE w.closes_at IS DISTINCT FROM least(
       w.opened_at + w.window_ms * interval '1 millisecond',
       (SELECT min(n.opened_at) FROM stack_windows n
        WHERE n.provider = w.provider AND n.key = w.key AND n.opened_at > w.opened_at))`,
  ],
  [
    'an interval does not open with the first event of its stack',
    `SELECT w.stack_id FROM stack_windows w
     WHERE w.opened_at IS DISTINCT FROM (SELECT min(e.start_date) FROM events e WHERE e.stack_id = w.stack_id)`,
  ],
  [
    'an event lies outside of the interval of its stack',
    `SELECT e.id FROM events e JOIN stack_windows w ON w.stack_id = e.stack_id
     WHERE e.start_date < w.opened_at OR e.start_date >= w.closes_at`,
  ],
  [
    'a stack with a key has no interval, or one of another key',
    `SELECT s.id FROM stacks s LEFT JOIN stack_windows w ON w.stack_id = s.id
     WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.stack_id = s.id AND e.session_key IS NOT NULL)
       AND (s.key, CASE WHEN s.key IS NOT NULL THEN s.provider END) IS DISTINCT FROM (w.key, w.provider)`,
  ],
  [
    'a stack that shows its current state has not the severity of its newest event',
    `SELECT s.id FROM stacks s JOIN events e ON e.id = s.latest_event_id
     WHERE s.current_state AND s.severity <> CASE WHEN s.resolved THEN coalesce(e.closed_severity, e.severity) ELSE e.severity END`,
  ],
  [
    'a stack is resolved though nothing closed it, or closed and not resolved',
    `SELECT s.id FROM stacks s JOIN events e ON e.id = s.latest_event_id
     WHERE s.resolved <> (s.event_count > 1 AND e.session_role IS NOT DISTINCT FROM 'closes')`,
  ],
  [
    'a stack has no event',
    'SELECT s.id FROM stacks s WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.stack_id = s.id)',
  ],
  [
    'an event is in no stack',
    'SELECT e.id FROM events e WHERE NOT EXISTS (SELECT 1 FROM stacks s WHERE s.id = e.stack_id)',
  ],
  ['a stack without a key has several events', 'SELECT id FROM stacks WHERE key IS NULL AND event_count > 1'],
  [
    'an event is in a stack of another provider',
    'SELECT e.id FROM events e JOIN stacks s ON s.id = e.stack_id WHERE s.provider <> e.provider',
  ],
  [
    'count, span or states of a stack disagree with its events',
    `SELECT s.id FROM stacks s JOIN (
       SELECT stack_id, count(*) AS count, min(start_date) AS first, max(start_date) AS last,
              CASE WHEN bool_and(acked_at IS NOT NULL) THEN max(acked_at) END AS acked_at,
              CASE WHEN bool_and(dismissed_at IS NOT NULL) THEN max(dismissed_at) END AS dismissed_at
       FROM events GROUP BY stack_id) e ON e.stack_id = s.id
     WHERE (s.event_count, s.first_event_at, s.last_event_at, s.acked_at, s.dismissed_at)
       IS DISTINCT FROM (e.count, e.first, e.last, e.acked_at, e.dismissed_at)`,
  ],
  [
    'latest event, title, node or vmid of a stack is not that of its newest event',
    `SELECT s.id FROM stacks s JOIN (
       SELECT DISTINCT ON (stack_id) * FROM events ORDER BY stack_id, start_date DESC, id DESC) e ON e.stack_id = s.id
     WHERE (s.latest_event_id, s.title, s.node, s.vmid) IS DISTINCT FROM (e.id, e.title, e.node, e.vmid)`,
  ],
  [
    'severity or label of a stack is not that of its worst event, the newest of equals',
    `SELECT s.id FROM stacks s WHERE NOT s.current_state AND NOT EXISTS (
       SELECT 1 FROM events e
       WHERE e.stack_id = s.id AND (e.severity, e.start_date, e.label) = (s.severity, s.severity_at, s.label)
         AND NOT EXISTS (
           SELECT 1 FROM events o
           WHERE o.stack_id = s.id AND (o.severity, o.start_date) > (e.severity, e.start_date)))`,
  ],
]

/** A stack whose first event was old enough to go keeps its interval: it is still the stack of that day. */
const AFTER_RETENTION: typeof RULES = RULES.map(([rule, query]) =>
  rule === 'an interval does not open with the first event of its stack'
    ? ['an interval opens after the first event of its stack', query.replace('IS DISTINCT FROM', '>')]
    : [rule, query],
)

/** Checks every rule of the stacks over the whole database; `retained`: events of some stacks were deleted for their age. */
export async function assertInvariants(db: Database, { retained = false } = {}): Promise<void> {
  const rules = retained ? AFTER_RETENTION : RULES
  const parts = rules.map(
    ([rule, query]) => `SELECT '${rule}' AS rule, id::text FROM (${query}) AS broken(id)`,
  )
  const broken = await db.read.unsafe<{ rule: string; id: string }[]>(`${parts.join(' UNION ALL ')} LIMIT 20`)
  assert.deepEqual(
    broken.map(({ rule, id }) => `${rule}: ${id}`),
    [],
  )
}
