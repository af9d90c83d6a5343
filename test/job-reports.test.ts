import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { JobReport } from '../src/guest.ts'
import type { Database } from '../src/storage/database.ts'
import { readReports } from '../src/storage/job-reports.ts'
import { createTestDatabase } from './helpers/database.ts'

const JOB = { cluster: 'lab', jobId: 'backup-nightly' }
const FIRST = new Date('2026-05-01T02:00:00Z')

async function open(t: TestContext): Promise<Database> {
  const database = await createTestDatabase()
  t.after(database.drop)
  return database.open()
}

/** So many reports, a minute apart by threes, beside another job's; the n-th has `guests(n)` guests. */
async function fill(db: Database, count: number, guests: string): Promise<void> {
  await db.write`
    INSERT INTO backup_reports (event_id, cluster, node, job_id, started_at, ended_at, incomplete)
    SELECT gen_random_uuid(), 'lab', 'pve-' || n, job, ${FIRST}::timestamptz, ${FIRST}::timestamptz + make_interval(mins => n / 3), n % 7 = 0
    FROM generate_series(0, ${count}::int - 1) n, unnest(ARRAY['backup-nightly', 'backup-weekly']) job`
  await db.write.unsafe(`
    INSERT INTO guest_backups (id, report_id, event_id, cluster, node, vmid, name, status, started_at, duration_seconds, size_bytes)
    SELECT gen_random_uuid(), event_id, gen_random_uuid(), cluster, node, g, nullif('guest ' || g, 'guest 3'),
           (ARRAY['ok', 'failed', 'aborted', 'unparsed'])[1 + g % 4], started_at, nullif(g, 5), 20000000000 + g
    FROM backup_reports, generate_series(1, ${guests.replace('n', "split_part(node, '-', 2)::int")}) g`)
}

async function readAll(db: Database, since: Date): Promise<JobReport[][]> {
  return Array.fromAsync(readReports(db, JOB, since))
}

test('reports of a job come in pieces, each once, in the order of their ends, with what became of each guest', async (t) => {
  const db = await open(t)
  await fill(db, 400, 'n % 60')
  const pieces = await readAll(db, FIRST)
  const expected = await db.read`
    SELECT r.event_id AS id, r.cluster, r.node, r.job_id AS "jobId", r.started_at AS "startedAt",
           r.ended_at AS "endedAt", r.incomplete, coalesce((
             SELECT json_agg(json_build_object('vmid', b.vmid, 'name', b.name, 'status', b.status,
               'durationSeconds', b.duration_seconds, 'sizeBytes', b.size_bytes) ORDER BY b.id)
             FROM guest_backups b WHERE b.report_id = r.event_id), '[]'::json) AS guests
    FROM backup_reports r WHERE job_id = 'backup-nightly' ORDER BY r.ended_at, r.event_id`
  assert.equal(expected.length, 400)
  assert.deepEqual(pieces.flat(), [...expected])
  assert.ok(pieces.length > 5, String(pieces.length))
})

test('a piece holds some thousand guests at most, however many a report has', async (t) => {
  const db = await open(t)
  await fill(db, 90, '300')
  const pieces = await readAll(db, FIRST)
  const counts = pieces.map((piece) => piece.reduce((sum, { guests }) => sum + guests.length, 0))
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    90 * 300,
  )
  // The first tells how many there are.
  assert.ok(
    counts.slice(1).every((count) => count <= 1_000),
    counts.join(),
  )
})

test('what ended before, and all but the latest five thousand, is left out', async (t) => {
  const db = await open(t)
  await fill(db, 5_010, '0')
  const since = new Date(FIRST.getTime() + 30 * 60_000)
  assert.equal((await readAll(db, since)).flat().length, 4_920)
  const latest = (await readAll(db, FIRST)).flat()
  assert.equal(latest.length, 5_000)
  const [oldest] = await db.read<{ id: string }[]>`
    SELECT event_id AS id FROM backup_reports WHERE job_id = 'backup-nightly'
    ORDER BY ended_at DESC, event_id DESC OFFSET 4999 LIMIT 1`
  assert.equal(latest[0]!.id, oldest!.id)
})
