import type { BackupReport } from '../guest.ts'
import { instantText } from '../instant-text.ts'
import type { Tx } from './database.ts'
import { LOCKED } from './series.ts'

/** A report, and the id of the event that brought it; `isNew`: none can be there under that id. */
export type ReportToWrite = { eventId: string; report: BackupReport; isNew: boolean }

/**
 * Sends what reports say of guests, in the transaction of their events and without waiting in between; a report that is
 * there already is replaced. Guests are written in the order of their keys, so that two servers never wait for each
 * other in a circle.
 */
export function insertReports(tx: Tx, reports: ReportToWrite[]): Promise<unknown> {
  if (reports.length === 0) return Promise.resolve()
  const replaced = reports.filter(({ isNew }) => !isNew)
  const heads = reports.map(({ eventId, report: { backups: _backups, ...head } }) => ({
    eventId,
    ...head,
    startedAt: instantText(head.startedAt),
    endedAt: instantText(head.endedAt),
  }))
  const backups = reports.flatMap(({ eventId, report }) =>
    report.backups.map((backup) => ({
      reportId: eventId,
      ...backup,
      startedAt: instantText(backup.startedAt),
    })),
  )
  const statements = [
    ...(replaced.length > 0 ? removals(tx, JSON.stringify(replaced.map(({ eventId }) => eventId))) : []),
    tx`
        INSERT INTO backup_reports (event_id, cluster, node, job_id, started_at, ended_at, incomplete, reason)
        SELECT * FROM json_to_recordset(${JSON.stringify(heads)}::json) AS r(
          "eventId" uuid, cluster text, node text, "jobId" text, "startedAt" timestamptz, "endedAt" timestamptz,
          incomplete boolean, reason text)
        WHERE ${tx.unsafe(LOCKED)}`,
  ]
  if (backups.length > 0) {
    const parameter = JSON.stringify(backups)
    statements.push(
      tx`
        INSERT INTO guest_backups (id, report_id, event_id, cluster, node, vmid, name, status, started_at,
                                   duration_seconds, size_bytes, file, job_id, log)
        SELECT * FROM json_to_recordset(${parameter}::json) AS b(
          id uuid, "reportId" uuid, "eventId" uuid, cluster text, node text, vmid text, name text, status text,
          "startedAt" timestamptz, "durationSeconds" int, "sizeBytes" bigint, file text, "jobId" text, log text)
        WHERE ${tx.unsafe(LOCKED)}`,
      tx`
        INSERT INTO guests AS g (cluster, vmid, name, node, first_seen_at, last_seen_at, last_success_at, last_status)
        SELECT cluster, vmid, (array_agg(name ORDER BY "startedAt" DESC))[1],
               (array_agg(node ORDER BY "startedAt" DESC))[1], min("startedAt"), max("startedAt"),
               max("startedAt") FILTER (WHERE status = 'ok'), (array_agg(status ORDER BY "startedAt" DESC))[1]
        FROM json_to_recordset(${parameter}::json) AS b(
          cluster text, vmid text, name text, node text, status text, "startedAt" timestamptz)
        WHERE ${tx.unsafe(LOCKED)}
        GROUP BY cluster, vmid ORDER BY cluster, vmid
        ON CONFLICT (cluster, vmid) DO UPDATE SET
          name = CASE WHEN excluded.last_seen_at >= g.last_seen_at THEN coalesce(excluded.name, g.name)
                      ELSE g.name END,
          node = CASE WHEN excluded.last_seen_at >= g.last_seen_at THEN coalesce(excluded.node, g.node)
                      ELSE g.node END,
          last_status = CASE WHEN excluded.last_seen_at >= g.last_seen_at THEN excluded.last_status
                             ELSE g.last_status END,
          first_seen_at = least(g.first_seen_at, excluded.first_seen_at),
          last_seen_at = greatest(g.last_seen_at, excluded.last_seen_at),
          last_success_at = greatest(g.last_success_at, excluded.last_success_at)`,
    )
  }
  return Promise.all(statements.map((statement) => statement.execute()))
}

/** Takes away what is replaced, and what the guests' last success was by it. */
function removals(tx: Tx, ids: string) {
  return [
    tx`
        WITH ids AS (SELECT value::uuid AS id FROM json_array_elements_text(${ids}::json)),
        gone AS (DELETE FROM guest_backups WHERE report_id IN (SELECT id FROM ids) RETURNING cluster, vmid)
        UPDATE guests g SET last_success_at = (
          SELECT max(b.started_at) FROM guest_backups b
          WHERE b.cluster = g.cluster AND b.vmid = g.vmid AND b.status = 'ok' AND b.report_id NOT IN (SELECT id FROM ids))
        FROM (SELECT DISTINCT cluster, vmid FROM gone) old
        WHERE g.cluster = old.cluster AND g.vmid = old.vmid`,
    tx`DELETE FROM backup_reports
         WHERE event_id IN (SELECT value::uuid FROM json_array_elements_text(${ids}::json))`,
  ]
}
