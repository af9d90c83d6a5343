import { type JudgedEvent, severityRank } from '../event.ts'
import type { Tx } from './database.ts'
import { type WindowRowToWrite, windowParameter } from './series.ts'

/** Where each new event goes, and which intervals open or move for it. */
export type Placements = {
  stackOf: Map<JudgedEvent, string>
  opened: Map<string, WindowRowToWrite>
  moved: Map<string, WindowRowToWrite>
}

/** Writes the events, their stacks and intervals in one statement, so that they are one unit to every reader. */
export async function insertEvents(tx: Tx, events: JudgedEvent[], placements: Placements): Promise<void> {
  await tx`
    WITH d AS (
      SELECT * FROM json_to_recordset(${stackParameter(events, placements)}::json) AS d(
        id uuid, fresh boolean, provider text, key text, node text, vmid text, title text, count int,
        first timestamptz, last timestamptz, latest uuid, severity smallint, label text, severe timestamptz)
    ), new_stacks AS (
      INSERT INTO stacks (id, provider, key, node, vmid, title, first_event_at, last_event_at, latest_event_id,
                          event_count, severity, label, severity_at)
      SELECT id, provider, key, node, vmid, title, first, last, latest, count, severity, label, severe
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
        severity = greatest(s.severity, d.severity),
        label = CASE WHEN worse THEN d.label ELSE s.label END,
        severity_at = CASE WHEN worse THEN d.severe ELSE s.severity_at END,
        acked_at = NULL, dismissed_at = NULL,
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
                        event_type, severity, label, color, node, vmid, metadata, payload)
    SELECT * FROM json_to_recordset(${eventParameter(events, placements.stackOf)}::json) AS e(
      id uuid, "stackId" uuid, provider text, "externalID" text, title text, subtitle text, "startDate" timestamptz,
      "endDate" timestamptz, "receivedAt" timestamptz, "eventType" text, severity smallint, label text, color text,
      node text, vmid text, metadata json, payload json)`
}

/** What a batch adds to one stack. */
type Addition = {
  id: string
  fresh: boolean
  provider: string
  key: string | null
  count: number
  first: Date
  last: JudgedEvent
  worst: JudgedEvent
}

/**
 * One row per stack, since a statement updates a row only once, in the order of their ids, in which whoever holds
 * several stacks takes them.
 */
function stackParameter(events: JudgedEvent[], placements: Placements): string {
  const additions = new Map<string, Addition>()
  for (const event of events) {
    const id = placements.stackOf.get(event)!
    const sum = additions.get(id)
    if (!sum) {
      const fresh = event.key === null || placements.opened.has(id)
      additions.set(id, {
        id,
        fresh,
        provider: event.provider,
        key: event.key,
        count: 1,
        first: event.startDate,
        last: event,
        worst: event,
      })
      continue
    }
    sum.count++
    if (event.startDate < sum.first) sum.first = event.startDate
    if (isLater(event, sum.last)) sum.last = event
    const harm = severityRank(event.severity) - severityRank(sum.worst.severity)
    if (harm > 0 || (harm === 0 && isLater(event, sum.worst))) sum.worst = event
  }
  const inOrder = [...additions.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  return JSON.stringify(inOrder.map(additionRow))
}

function additionRow({ last, worst, ...sum }: Addition) {
  return {
    ...sum,
    node: last.node,
    vmid: last.vmid,
    title: last.title,
    last: last.startDate,
    latest: last.id,
    severity: severityRank(worst.severity),
    label: worst.label,
    severe: worst.startDate,
  }
}

/** Events of one stack are in the order of their start, then of their id. */
function isLater(a: JudgedEvent, b: JudgedEvent): boolean {
  const difference = a.startDate.getTime() - b.startDate.getTime()
  return difference > 0 || (difference === 0 && a.id > b.id)
}

/** The JSON form in which statements take events. */
function eventParameter(events: JudgedEvent[], stackOf: Map<JudgedEvent, string>): string {
  return JSON.stringify(
    events.map((event) => ({
      ...event,
      stackId: stackOf.get(event),
      severity: severityRank(event.severity),
    })),
  )
}
