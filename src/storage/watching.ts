/** What the watch reads and keeps: which jobs have news, rhythms set by hand, parkings, and when servers listened. */
import { currentPosition, isAhead, type Position } from './changes.ts'
import type { Database } from './database.ts'

export type JobName = { cluster: string; jobId: string }

/** Jobs that reported since `since`. */
export async function listJobs(db: Database, since: Date): Promise<JobName[]> {
  return db.read`
    SELECT DISTINCT cluster, job_id AS "jobId" FROM backup_reports
    WHERE job_id IS NOT NULL AND ended_at >= ${since} ORDER BY 1, 2`
}

export type News = {
  /** What was committed later is new the next time. */
  position: Position
  jobs: JobName[]
  /** There is no telling what is new: `jobs` are all that reported since `since`. */
  isAll: boolean
}

/**
 * Jobs whose reports came, or were replaced, since `position`; all of them where there is none to count from. On one core:
 * half a minute of full load is a hundred thousand reports, and those who write events want the others meanwhile.
 */
export async function listNews(db: Database, position: Position | null, since: Date): Promise<News> {
  const now = await currentPosition(db)
  if (position === null || isAhead(position, now)) {
    return { position: now, jobs: await listJobs(db, since), isAll: true }
  }
  const snapshot = position.split('@')[0]!
  const jobs = await db.read.begin('read only', async (tx) => {
    await tx`SELECT set_config('max_parallel_workers_per_gather', '0', true)`
    return tx<JobName[]>`
      SELECT DISTINCT r.cluster, r.job_id AS "jobId"
      FROM events e JOIN backup_reports r ON r.event_id = e.id
      WHERE r.job_id IS NOT NULL AND e.changed_tx >= pg_snapshot_xmin(${snapshot}::pg_snapshot)
        AND NOT pg_visible_in_snapshot(e.changed_tx, ${snapshot}::pg_snapshot)`
  })
  return { position: now, jobs, isAll: false }
}

/** Good backups of these guests by any job since `since`, to know who was saved by another one. */
export async function listSaved(
  db: Database,
  cluster: string,
  vmids: string[],
  since: Date,
): Promise<{ vmid: string; jobId: string; startedAt: Date }[]> {
  return db.read`
    SELECT vmid, job_id AS "jobId", started_at AS "startedAt" FROM guest_backups
    WHERE cluster = ${cluster} AND started_at >= ${since} AND status = 'ok' AND job_id IS NOT NULL
      AND vmid IN (SELECT value FROM json_array_elements_text(${JSON.stringify(vmids)}::json))`
}

export type RhythmRow = JobName & { rhythm: string; by: string; updatedAt: Date }

export async function listRhythms(db: Database): Promise<RhythmRow[]> {
  return db.read`
    SELECT cluster, job_id AS "jobId", rhythm, by, updated_at AS "updatedAt" FROM rhythms ORDER BY cluster, job_id`
}

/** Sets the rhythm of a job, in the place of what was learnt or set before. */
export async function setRhythm(db: Database, row: RhythmRow): Promise<void> {
  await db.read`
    INSERT INTO rhythms (cluster, job_id, rhythm, by, updated_at)
    VALUES (${row.cluster}, ${row.jobId}, ${row.rhythm}, ${row.by}, ${row.updatedAt})
    ON CONFLICT (cluster, job_id) DO UPDATE SET rhythm = excluded.rhythm, by = excluded.by,
                                                updated_at = excluded.updated_at`
}

/** Goes back to learning; false when no rhythm was set. */
export async function forgetRhythm(db: Database, job: JobName): Promise<boolean> {
  const rows = await db.read`
    DELETE FROM rhythms WHERE cluster = ${job.cluster} AND job_id = ${job.jobId} RETURNING job_id`
  return rows.length > 0
}

export type ParkingRow = { cluster: string; vmid: string; from: Date; to: Date | null }

export async function listParkings(db: Database): Promise<ParkingRow[]> {
  return db.read`SELECT cluster, vmid, from_at AS "from", to_at AS "to" FROM parkings ORDER BY from_at`
}

/** Says that this server has listened until `now`. */
export async function beat(db: Database, serverId: string, from: Date, now: Date): Promise<void> {
  await db.read`
    INSERT INTO heartbeats (id, from_at, to_at) VALUES (${serverId}, ${from}, ${now})
    ON CONFLICT (id) DO UPDATE SET to_at = greatest(heartbeats.to_at, excluded.to_at)`
}

/** When any server listened, since `since`, in the order of time; intervals may overlap. */
export async function listListening(db: Database, since: Date): Promise<{ from: Date; to: Date }[]> {
  return db.read`SELECT from_at AS "from", to_at AS "to" FROM heartbeats WHERE to_at >= ${since} ORDER BY from_at`
}

/** Which of these verdicts were said before, by their externalID. */
export async function findSaid(db: Database, provider: string, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db.read<{ id: string }[]>`
    SELECT external_id AS id FROM events
    WHERE provider = ${provider}
      AND external_id IN (SELECT value FROM json_array_elements_text(${JSON.stringify(ids)}::json))`
  return new Set(rows.map(({ id }) => id))
}

export type OpenAlarm = { externalID: string; at: Date; metadata: Record<string, unknown> }

/** Alarms since `since` that are the last word of their episodes. */
export async function listOpenAlarms(db: Database, provider: string, since: Date): Promise<OpenAlarm[]> {
  return db.read`
    SELECT * FROM (
      SELECT DISTINCT ON (metadata->>'episode') external_id AS "externalID", start_date AS at, metadata
      FROM events WHERE provider = ${provider} AND start_date >= ${since} AND external_id IS NOT NULL
      ORDER BY metadata->>'episode', start_date DESC, id DESC) latest
    WHERE metadata->>'state' = 'alarm'`
}
