import type { BackupStatus, Guest, GuestBackup } from '../guest.ts'
import { newId } from '../new-id.ts'
import type { Database } from './database.ts'

export type BackupFilter = {
  from?: Date | undefined
  to?: Date | undefined
  node?: string | undefined
  vmid?: string | undefined
  cluster?: string | undefined
  status?: BackupStatus | undefined
}

/** A backup as it is listed: with its report, and the stack of its event; null when that is gone. */
export type ListedBackup = Omit<GuestBackup, 'eventId'> & {
  reportId: string
  eventId: string | null
  stackId: string | null
}

export type BackupPosition = { at: Date; id: string }

/** Backups, the latest first, after `position`. */
export async function listGuestBackups(
  db: Database,
  filter: BackupFilter,
  position: BackupPosition | null,
  limit: number,
): Promise<ListedBackup[]> {
  const sql = db.read
  return sql<ListedBackup[]>`
    SELECT b.id, b.report_id AS "reportId", e.id AS "eventId", e.stack_id AS "stackId", b.cluster, b.node,
           b.vmid, b.name, b.status, b.started_at AS "startedAt", b.duration_seconds AS "durationSeconds",
           b.size_bytes::float8 AS "sizeBytes", b.file, b.job_id AS "jobId", b.log
    FROM guest_backups b LEFT JOIN events e ON e.id = b.event_id
    WHERE true
      ${filter.from ? sql`AND b.started_at >= ${filter.from}` : sql``}
      ${filter.to ? sql`AND b.started_at < ${filter.to}` : sql``}
      ${filter.node ? sql`AND b.node = ${filter.node}` : sql``}
      ${filter.vmid ? sql`AND b.vmid = ${filter.vmid}` : sql``}
      ${filter.cluster !== undefined ? sql`AND b.cluster = ${filter.cluster}` : sql``}
      ${filter.status ? sql`AND b.status = ${filter.status}` : sql``}
      ${position ? sql`AND (b.started_at, b.id) < (${position.at}, ${position.id}::uuid)` : sql``}
    ORDER BY b.started_at DESC, b.id DESC LIMIT ${limit}`
}

/** What coverage needs of each backup in a span. */
export async function listBackupMarks(
  db: Database,
  from: Date,
  to: Date,
): Promise<{ cluster: string; vmid: string; status: BackupStatus; startedAt: Date }[]> {
  return db.read`
    SELECT cluster, vmid, status, started_at AS "startedAt" FROM guest_backups
    WHERE started_at >= ${from} AND started_at < ${to}`
}

type GuestRow = Omit<Guest, 'parked'> & {
  reason: string | null
  parkedFrom: Date | null
  parkedTo: Date | null
  by: string | null
}

/** All guests, by cluster and VMID, with the parking that is in force at `now`. */
export async function listGuests(db: Database, now: Date): Promise<Guest[]> {
  const rows = await db.read<GuestRow[]>`
    SELECT g.cluster, g.vmid, g.name, g.node, g.first_seen_at AS "firstSeenAt", g.last_seen_at AS "lastSeenAt",
           g.last_success_at AS "lastSuccessAt", g.last_status AS "lastStatus",
           p.reason, p.from_at AS "parkedFrom", p.to_at AS "parkedTo", p.by
    FROM guests g LEFT JOIN LATERAL (
      SELECT * FROM parkings p
      WHERE p.cluster = g.cluster AND p.vmid = g.vmid AND p.from_at <= ${now} AND (p.to_at IS NULL OR p.to_at > ${now})
      ORDER BY p.from_at DESC LIMIT 1) p ON true
    ORDER BY g.cluster, lpad(g.vmid, 20, '0')`
  return rows.map(({ reason, parkedFrom, parkedTo, by, ...guest }) => ({
    ...guest,
    parked: reason === null ? null : { reason, from: parkedFrom!, to: parkedTo, by: by! },
  }))
}

export type NewParking = {
  cluster: string
  vmid: string
  reason: string
  by: string
  from: Date
  to: Date | null
}

/** Parks a known guest in the place of what was in force; false when there is no such guest. */
export async function parkGuest(db: Database, parking: NewParking): Promise<boolean> {
  const { cluster, vmid, reason, by, from, to } = parking
  const rows = await db.read.begin(async (tx) => {
    await tx`SELECT 1 FROM guests WHERE cluster = ${cluster} AND vmid = ${vmid} FOR UPDATE`
    await tx`
      UPDATE parkings SET to_at = ${from}
      WHERE cluster = ${cluster} AND vmid = ${vmid} AND from_at <= ${from} AND (to_at IS NULL OR to_at > ${from})`
    return tx`
      INSERT INTO parkings (id, cluster, vmid, reason, by, from_at, to_at)
      SELECT ${newId()}, cluster, vmid, ${reason}, ${by}, ${from}, ${to}
      FROM guests WHERE cluster = ${cluster} AND vmid = ${vmid} RETURNING id`
  })
  return rows.length > 0
}

/** Ends the parking in force; false when there is none. */
export async function unparkGuest(db: Database, cluster: string, vmid: string, now: Date): Promise<boolean> {
  const rows = await db.read`
    UPDATE parkings SET to_at = ${now}
    WHERE cluster = ${cluster} AND vmid = ${vmid} AND from_at <= ${now} AND (to_at IS NULL OR to_at > ${now})
    RETURNING id`
  return rows.length > 0
}

/** Days of `tz` (an IANA name) that touch `[from, to)`, by their own date. */
export async function listDays(
  db: Database,
  from: Date,
  to: Date,
  tz: string,
): Promise<{ date: string; from: Date; to: Date }[]> {
  return db.read`
    SELECT to_char(d, 'YYYY-MM-DD') AS date, d AT TIME ZONE ${tz} AS from, (d + interval '1 day') AT TIME ZONE ${tz} AS to
    FROM generate_series(
      date_trunc('day', ${from}::timestamptz AT TIME ZONE ${tz}),
      (${to}::timestamptz - interval '1 millisecond') AT TIME ZONE ${tz}, interval '1 day') AS d`
}
