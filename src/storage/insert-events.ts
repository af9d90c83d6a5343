import type { JudgedEvent } from '../event.ts'
import { additionsParameter } from './additions.ts'
import type { Tx } from './database.ts'
import { eventColumnsOf } from './event-parameter.ts'
import { type WindowRowToWrite, windowParameter } from './series.ts'

/** Where each new event goes, and which intervals open or move for it. */
export type Placements = {
  stackOf: Map<JudgedEvent, string>
  opened: Map<string, WindowRowToWrite>
  moved: Map<string, WindowRowToWrite>
  /** Ids of the stacks that begin with this batch. */
  fresh: Set<string>
}

/**
 * Writes the events, their stacks and intervals in one statement, so that they are one unit to every reader. It has been
 * sent when this returns.
 */
export function insertEvents(tx: Tx, events: JudgedEvent[], placements: Placements): Promise<unknown> {
  return tx`
    WITH d AS (
      SELECT * FROM json_to_recordset(${additionsParameter(events, placements)}::json) AS d(
        id uuid, fresh boolean, provider text, key text, node text, vmid text, title text, count int,
        first timestamptz, last timestamptz, latest uuid, severity smallint, label text, severe timestamptz,
        last_severity smallint, last_label text, closed_severity smallint, closes boolean, current_state boolean,
        stack_title text, acked timestamptz, dismissed timestamptz)
    ), new_stacks AS (
      INSERT INTO stacks (id, provider, key, node, vmid, title, first_event_at, last_event_at, latest_event_id,
                          event_count, severity, label, severity_at, current_state, stack_title, acked_at,
                          dismissed_at)
      SELECT id, provider, key, node, vmid, title, first, last, latest, count,
             CASE WHEN current_state THEN last_severity ELSE severity END,
             CASE WHEN current_state THEN last_label ELSE label END,
             CASE WHEN current_state THEN last ELSE severe END, current_state, stack_title, acked, dismissed
      FROM d WHERE fresh
    ), grown AS (
      UPDATE stacks s SET
        event_count = s.event_count + d.count,
        first_event_at = least(s.first_event_at, d.first),
        last_event_at = greatest(s.last_event_at, d.last),
        latest_event_id = CASE WHEN later THEN d.latest ELSE s.latest_event_id END,
        title = CASE WHEN later THEN d.title ELSE s.title END,
        node = CASE WHEN later THEN d.node ELSE s.node END,
        vmid = CASE WHEN later THEN d.vmid ELSE s.vmid END,
        stack_title = CASE WHEN later THEN d.stack_title ELSE s.stack_title END,
        resolved = CASE WHEN later THEN d.closes ELSE s.resolved END,
        severity = CASE
          WHEN NOT s.current_state THEN greatest(s.severity, d.severity)
          WHEN NOT later THEN s.severity
          WHEN d.closes THEN coalesce(d.closed_severity, d.last_severity) ELSE d.last_severity END,
        label = CASE WHEN s.current_state THEN CASE WHEN later THEN d.last_label ELSE s.label END
                     WHEN worse THEN d.label ELSE s.label END,
        severity_at = CASE WHEN s.current_state THEN greatest(s.severity_at, d.last)
                           WHEN worse THEN d.severe ELSE s.severity_at END,
        acked_at = CASE WHEN s.acked_at IS NOT NULL AND d.acked IS NOT NULL
                        THEN greatest(s.acked_at, d.acked) END,
        dismissed_at = CASE WHEN s.dismissed_at IS NOT NULL AND d.dismissed IS NOT NULL
                            THEN greatest(s.dismissed_at, d.dismissed) END,
        changed_tx = pg_current_xact_id()
      FROM (
        SELECT d.*, (d.last, d.latest) > (o.last_event_at, o.latest_event_id) AS later,
               (d.severity, d.severe) >= (o.severity, o.severity_at) AS worse
        FROM d JOIN stacks o ON o.id = d.id WHERE NOT d.fresh
      ) d WHERE s.id = d.id
    ), opened AS (
      INSERT INTO stack_windows (stack_id, provider, key, opened_at, closes_at, window_ms)
      SELECT * FROM json_to_recordset(${windowParameter(placements.opened.values())}::json) AS w(
        "stackId" uuid, provider text, key text, "openedAt" timestamptz, "closesAt" timestamptz, "windowMs" bigint)
    ), moved AS (
      UPDATE stack_windows w SET opened_at = m."openedAt", closes_at = m."closesAt"
      FROM json_to_recordset(${windowParameter(placements.moved.values())}::json) AS m(
        "stackId" uuid, "openedAt" timestamptz, "closesAt" timestamptz)
      WHERE w.stack_id = m."stackId"
    )
    INSERT INTO events (id, stack_id, provider, external_id, title, subtitle, start_date, end_date, received_at,
                        event_type, severity, label, color, node, vmid, session_role, session_key, session_ms,
                        closed_severity, current_state, stack_title, indicator, tags, surface, progress, acked_at,
                        dismissed_at, metadata, facts, derived_from, payload, written_by)
    SELECT * FROM json_to_recordset(${eventParameter(events, placements.stackOf)}::json) AS e(
      id uuid, "stackId" uuid, provider text, "externalID" text, title text, subtitle text, "startDate" timestamptz,
      "endDate" timestamptz, "receivedAt" timestamptz, "eventType" text, severity smallint, label text, color text,
      node text, vmid text, "sessionRole" text, "sessionKey" text, "sessionMs" bigint, "closedSeverity" smallint,
      "currentState" boolean, "stackTitle" text, indicator json, tags text[], surface text, progress json,
      "ackedAt" timestamptz, "dismissedAt" timestamptz, metadata json, facts json, "derivedFrom" uuid, payload json, "writtenBy" uuid)`.execute()
}

function eventParameter(events: JudgedEvent[], stackOf: Map<JudgedEvent, string>): string {
  return JSON.stringify(events.map((event) => ({ ...eventColumnsOf(event), stackId: stackOf.get(event) })))
}
