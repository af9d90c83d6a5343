/** What the watch reads of a backup job: its reports, piece by piece. */
import type { BackupStatus, JobReport } from '../guest.ts'
import type { Database } from './database.ts'
import type { JobName } from './watching.ts'

/** Behind this report, in the order of their ends. */
type Place = { endedAt: Date; id: string }

/** Reports of one job that are judged, the latest; a job of 60 nodes sends so many in twelve weeks. */
const MOST_REPORTS = 5_000
/** Who reads a piece does nothing else meanwhile: so many guests take some milliseconds. */
const GUESTS_AT_ONCE = 1_000
const FIRST_PIECE = 20
const LARGEST_PIECE = 500
/** Before all others. */
const NO_ID = '00000000-0000-0000-0000-000000000000'

/**
 * Reports of a job since `since`, in the order of their ends, with each guest's result. A large site has millions of
 * results, so they come in pieces, and none is kept.
 */
export async function* readReports(db: Database, job: JobName, since: Date): AsyncGenerator<JobReport[]> {
  let after = await findBeginning(db, job, since)
  let size = FIRST_PIECE
  for (;;) {
    const piece = await readPiece(db, job, after, size)
    const last = piece.at(-1)
    if (!last) return
    yield piece
    if (piece.length < size) return
    after = last
    const guests = piece.reduce((sum, report) => sum + report.guests.length, 0) / piece.length
    size = Math.max(1, Math.min(LARGEST_PIECE, Math.floor(GUESTS_AT_ONCE / Math.max(guests, 1))))
  }
}

/** What comes after it is looked at. */
async function findBeginning(db: Database, { cluster, jobId }: JobName, since: Date): Promise<Place> {
  const [tooOld] = await db.read<Place[]>`
    SELECT ended_at AS "endedAt", event_id AS id FROM backup_reports
    WHERE cluster = ${cluster} AND job_id = ${jobId} AND ended_at >= ${since}
    ORDER BY ended_at DESC, event_id DESC OFFSET ${MOST_REPORTS} LIMIT 1`
  return tooOld ?? { endedAt: since, id: NO_ID }
}

/** Guests as arrays: a million times the same names of columns cost both sides more than what they name. */
type PieceRow = Omit<JobReport, 'guests'> & {
  guests: [string, string | null, BackupStatus, number | null, number | null][]
}

async function readPiece(
  db: Database,
  { cluster, jobId }: JobName,
  after: Place,
  size: number,
): Promise<JobReport[]> {
  const rows = await db.read<PieceRow[]>`
    SELECT r.event_id AS id, r.cluster, r.node, r.job_id AS "jobId", r.started_at AS "startedAt",
           r.ended_at AS "endedAt", r.incomplete, coalesce((
             SELECT json_agg(json_build_array(b.vmid, b.name, b.status, b.duration_seconds, b.size_bytes) ORDER BY b.id)
             FROM guest_backups b WHERE b.report_id = r.event_id), '[]'::json) AS guests
    FROM (SELECT * FROM backup_reports
          WHERE cluster = ${cluster} AND job_id = ${jobId} AND (ended_at, event_id) > (${after.endedAt}, ${after.id})
          ORDER BY ended_at, event_id LIMIT ${size}) r
    ORDER BY r.ended_at, r.event_id`
  return rows.map((row) => ({
    ...row,
    guests: row.guests.map(([vmid, name, status, durationSeconds, sizeBytes]) => ({
      vmid,
      name,
      status,
      durationSeconds,
      sizeBytes,
    })),
  }))
}
