import type { JudgedEvent } from '../event.ts'
import { additionsParameter } from './additions.ts'
import type { Tx } from './database.ts'
import {
  EVENT_COLUMNS,
  eventParameter,
  hasRareColumns,
  ONE_EACH_COLUMNS,
  RARE_COLUMNS,
} from './event-rows.ts'
import { LOCKED, type WindowRowToWrite, windowParameter } from './series.ts'

/** Where each new event goes, and which intervals open or move for it. */
export type Placements = {
  stackOf: Map<JudgedEvent, string>
  opened: Map<string, WindowRowToWrite>
  moved: Map<string, WindowRowToWrite>
  /** Ids of the stacks that begin with this batch. */
  fresh: Set<string>
}

/**
 * Columns of what is added to the stacks, as {@link additionsParameter} gives them, and those that it leaves out for
 * events without rare columns.
 */
const ADDITION_COLUMNS = `id uuid, fresh boolean, provider text, key text, node text, vmid text, title text, count int,
  first timestamptz, last timestamptz, latest uuid, severity smallint, label text, severe timestamptz,
  last_severity smallint, last_label text`
const RARE_ADDITION_COLUMNS = `closed_severity smallint, closes boolean, current_state boolean, stack_title text,
  acked timestamptz, dismissed timestamptz`
const NO_RARE_ADDITIONS = `NULL::smallint AS closed_severity, false AS closes, false AS current_state,
  NULL::text AS stack_title, NULL::timestamptz AS acked, NULL::timestamptz AS dismissed`

/** What is added to stacks that get one event each, taken from the events `e` themselves. */
const ONE_EACH = `"stackId" AS id, fresh, provider, key, node, vmid, title, 1 AS count, "startDate" AS first,
  "startDate" AS last, id AS latest, severity, label, "startDate" AS severe, severity AS last_severity,
  label AS last_label`

/** Each stack that is there already has an interval that holds what is added, and the locks are held. */
const AND_HOLDS = `AND ${LOCKED} AND (SELECT count(*) FROM d WHERE NOT fresh) = (
  SELECT count(*) FROM d JOIN stack_windows w ON w.stack_id = d.id
  WHERE NOT d.fresh AND d.first >= w.opened_at AND (w.closes_at IS NULL OR d.last < w.closes_at))`

/**
 * Writes the events, their stacks and intervals in one statement, so that they are one unit to every reader. It has been
 * sent when this returns; it fails when one of the stacks is gone, or, with `isRemembered`, has an interval that does not
 * hold its events any more; one that opens where another one is fails by the exclusion constraint. There are several forms
 * of it: each column costs, also where it is empty, and most events have few; and most stacks get one event at a time,
 * which says all that is added to them.
 */
export function insertEvents(
  tx: Tx,
  events: JudgedEvent[],
  placements: Placements,
  isRemembered = false,
): Promise<unknown> {
  const isRare = events.some(hasRareColumns)
  const isSummed = isRare || new Set(placements.stackOf.values()).size < events.length
  const columns = isRare ? [...EVENT_COLUMNS, ...RARE_COLUMNS] : EVENT_COLUMNS
  const given = isSummed ? columns : [...columns, ...ONE_EACH_COLUMNS]
  const later = tx`(d.last, d.latest) > (s.last_event_at, s.latest_event_id)`
  const worse = tx`(d.severity, d.severe) >= (s.severity, s.severity_at)`
  return tx`
    WITH e AS MATERIALIZED (
      SELECT * FROM json_to_recordset(${eventParameter(events, placements, isRare, isSummed)}::json) AS e(
        ${tx.unsafe(given.map(([, key, type]) => `"${key}" ${type}`).join(', '))})
    ), d AS ${isSummed ? tx`` : tx`NOT MATERIALIZED`} (
      SELECT ${tx.unsafe(isSummed ? '*' : ONE_EACH)} ${isRare ? tx`` : tx.unsafe(`, ${NO_RARE_ADDITIONS}`)}
      FROM ${isSummed ? summed(tx, additionsParameter(events, placements, isRare), isRare) : tx`e`}
    )${opensOrMoves(placements) ? newStacks(tx, placements) : tx``}, grown AS (
      UPDATE stacks s SET
        event_count = s.event_count + d.count,
        first_event_at = least(s.first_event_at, d.first),
        last_event_at = greatest(s.last_event_at, d.last),
        latest_event_id = CASE WHEN ${later} THEN d.latest ELSE s.latest_event_id END,
        title = CASE WHEN ${later} THEN d.title ELSE s.title END,
        node = CASE WHEN ${later} THEN d.node ELSE s.node END,
        vmid = CASE WHEN ${later} THEN d.vmid ELSE s.vmid END,
        stack_title = CASE WHEN ${later} THEN d.stack_title ELSE s.stack_title END,
        resolved = CASE WHEN ${later} THEN d.closes ELSE s.resolved END,
        severity = CASE
          WHEN NOT s.current_state THEN greatest(s.severity, d.severity)
          WHEN NOT (${later}) THEN s.severity
          WHEN d.closes THEN coalesce(d.closed_severity, d.last_severity) ELSE d.last_severity END,
        label = CASE WHEN s.current_state THEN CASE WHEN ${later} THEN d.last_label ELSE s.label END
                     WHEN ${worse} THEN d.label ELSE s.label END,
        severity_at = CASE WHEN s.current_state THEN greatest(s.severity_at, d.last)
                           WHEN ${worse} THEN d.severe ELSE s.severity_at END,
        acked_at = CASE WHEN s.acked_at IS NOT NULL AND d.acked IS NOT NULL
                        THEN greatest(s.acked_at, d.acked) END,
        dismissed_at = CASE WHEN s.dismissed_at IS NOT NULL AND d.dismissed IS NOT NULL
                            THEN greatest(s.dismissed_at, d.dismissed) END,
        changed_tx = pg_current_xact_id()
      FROM d WHERE s.id = d.id AND NOT d.fresh
      RETURNING s.id
    )
    INSERT INTO events (${tx.unsafe(columns.map(([column]) => column).join(', '))}, written_by)
    SELECT ${tx.unsafe(columns.map(([, key]) => `"${key}"`).join(', '))}, id FROM e
    WHERE (SELECT require_undisturbed(
      (SELECT count(*) FROM grown) = (SELECT count(*) FROM d WHERE NOT fresh)
      ${isRemembered ? tx.unsafe(AND_HOLDS) : tx``}))`.execute()
}

function opensOrMoves({ fresh, opened, moved }: Placements): boolean {
  return fresh.size + opened.size + moved.size > 0
}

/** Stacks that begin, and intervals that open or move; most batches have none, and each part of a statement costs. */
function newStacks(tx: Tx, placements: Placements) {
  return tx`, new_stacks AS (
      INSERT INTO stacks (id, provider, key, node, vmid, title, first_event_at, last_event_at, latest_event_id,
                          event_count, severity, label, severity_at, current_state, stack_title, acked_at,
                          dismissed_at)
      SELECT id, provider, key, node, vmid, title, first, last, latest, count,
             CASE WHEN current_state THEN last_severity ELSE severity END,
             CASE WHEN current_state THEN last_label ELSE label END,
             CASE WHEN current_state THEN last ELSE severe END, current_state, stack_title, acked, dismissed
      FROM d WHERE fresh
    ), opened AS (
      INSERT INTO stack_windows (stack_id, provider, key, opened_at, closes_at, window_ms)
      SELECT * FROM json_to_recordset(${windowParameter(placements.opened.values())}::json) AS w(
        "stackId" uuid, provider text, key text, "openedAt" timestamptz, "closesAt" timestamptz, "windowMs" bigint)
    ), moved AS (
      UPDATE stack_windows w SET opened_at = m."openedAt", closes_at = m."closesAt"
      FROM json_to_recordset(${windowParameter(placements.moved.values())}::json) AS m(
        "stackId" uuid, "openedAt" timestamptz, "closesAt" timestamptz)
      WHERE w.stack_id = m."stackId"
    )`
}

/** Rows of what is added to stacks that may get several events. */
function summed(tx: Tx, parameter: string, isRare: boolean) {
  return tx`json_to_recordset(${parameter}::json) AS d(
    ${tx.unsafe(isRare ? `${ADDITION_COLUMNS}, ${RARE_ADDITION_COLUMNS}` : ADDITION_COLUMNS)})`
}
