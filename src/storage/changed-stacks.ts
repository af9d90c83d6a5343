import type { Queryable } from './database.ts'
import type { Fragment } from './filters.ts'

/**
 * Ids of the stacks that may have changed since a snapshot; whoever asks looks at their `changed_tx`. Each has an event that
 * came or changed since, or was altered otherwise. There is no index on `changed_tx` itself, as it would have an entry for
 * each event that joins a stack, and with it all other indexes of the table (docs/adr/0003-ids-and-positions.md).
 */
export function stacksChangedSince(sql: Queryable, since: Fragment): Fragment {
  return sql`
    SELECT e.stack_id FROM events e
    WHERE e.changed_tx >= pg_snapshot_xmin(${since}) AND NOT pg_visible_in_snapshot(e.changed_tx, ${since})
    UNION
    SELECT a.id FROM stacks a WHERE a.altered_tx >= pg_snapshot_xmin(${since})`
}
