import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentPosition } from '../src/storage/changes.ts'
import type { Database } from '../src/storage/database.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { listNews } from '../src/storage/watching.ts'
import type { Accepted } from '../src/wire.ts'
import { createTestDatabase } from './helpers/database.ts'
import { judgedEvent } from './helpers/events.ts'
import { eventually } from './helpers/server.ts'

const AT = new Date('2026-05-01T02:00:00Z')

async function report(db: Database, jobId: string): Promise<string> {
  const [{ id }] = (await storeEvents(db, [judgedEvent({ title: jobId })])) as [Accepted]
  await db.write`
    INSERT INTO backup_reports (event_id, cluster, node, job_id, started_at, ended_at, incomplete)
    VALUES (${id}, 'lab', 'pve-1', ${jobId}, ${AT}, ${AT}, false)`
  return id
}

const jobsOf = ({ jobs }: { jobs: { jobId: string }[] }) => jobs.map(({ jobId }) => jobId).sort()

test('news are the jobs that reported since, each once, and those that were under way then', async (t) => {
  const database = await createTestDatabase()
  t.after(() => database.drop())
  const db = database.open()
  await report(db, 'before')
  const slow = await report(db, 'slow')
  const holder = await db.write.reserve()
  await holder`BEGIN`
  await holder`UPDATE events SET changed_tx = pg_current_xact_id() WHERE id = ${slow}`
  const position = await currentPosition(db)
  for (const job of ['a', 'b', 'a']) await report(db, job)
  await holder`COMMIT`
  holder.release()
  const news = await listNews(db, position, AT)
  assert.deepEqual(jobsOf(news), ['a', 'b', 'slow'])
  assert.equal(news.isAll, false)
  assert.deepEqual(jobsOf(await listNews(db, news.position, AT)), [])
})

test('looking for news takes one core, also where PostgreSQL would rather use more', async (t) => {
  const database = await createTestDatabase()
  t.after(() => database.drop())
  const db = database.open()
  const [told] = await db.read`
    SELECT FROM pg_attribute WHERE attrelid = 'pg_stat_database'::regclass AND attname = 'parallel_workers_launched'`
  if (!told) return t.skip('PostgreSQL counts parallel workers since version 18')
  const position = await currentPosition(db)
  await report(db, 'nightly')
  const name = new URL(database.url).pathname.slice(1)
  await db.write.unsafe(`ALTER DATABASE "${name}" SET max_parallel_workers_per_gather = 2`)
  await db.write.unsafe(`ALTER DATABASE "${name}" SET debug_parallel_query = on`)
  const count = async () => {
    const [row] = await db.read<[{ workers: number; connections: number }]>`
      SELECT parallel_workers_launched::int AS workers, numbackends AS connections
      FROM pg_stat_database WHERE datname = current_database()`
    return row
  }
  /** Workers of what a server of its own does; what a connection did is counted when it ends, at the latest. */
  const workersOf = async (work: (own: Database) => Promise<unknown>) => {
    const before = await count()
    const own = database.open()
    await work(own)
    await own.close()
    await eventually(async () => (await count()).connections <= before.connections)
    return (await count()).workers - before.workers
  }
  const ofPosition = await workersOf(currentPosition)
  const ofNews = await workersOf(async (own) => {
    assert.deepEqual(jobsOf(await listNews(own, position, AT)), ['nightly'])
  })
  assert.equal(ofNews, ofPosition)
})
