/**
 * What the watch over backups costs a site of many nodes: how long a look takes that reads all jobs anew, for how long at
 * a time it keeps the server from everything else, and what it holds. `node bench/watch.ts --clusters 20 --nodes 20`
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { silentLog } from '../src/log.ts'
import { newId } from '../src/new-id.ts'
import { createCatalog } from '../src/scores/catalog.ts'
import { openWatcher } from '../src/start-watching.ts'
import { openDatabase, type Sql } from '../src/storage/database.ts'
import { migrateDatabase } from '../src/storage/migrate.ts'
import { startInstalled } from './installed-postgres.ts'
import { startPostgres } from './postgres.ts'
import { familyCpuSeconds } from './procfs.ts'
import { table, whole } from './report.ts'
import { openWorkplace } from './workplace.ts'

const { values: options } = parseArgs({
  options: {
    clusters: { type: 'string', default: '20' },
    nodes: { type: 'string', default: '20' },
    guests: { type: 'string', default: '30' },
    nights: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
  },
})
const MEGABYTE = 1024 * 1024
const clusters = Number(options.clusters)
const nodes = Number(options.nodes)
const guests = Number(options.guests)
const nights = Number(options.nights)

const workplace = await openWorkplace()
const postgres =
  (await startInstalled(await workplace.makeFolder('installed'))) ??
  (await startPostgres(await workplace.makeFolder('packaged')))
const { url, sql, drop } = await postgres.createDatabase()
await migrateDatabase({ url })
await fill(sql)
const db = await openDatabase({ url })
try {
  const rows = []
  for (let round = 0; round < Number(options.rounds); round++) rows.push(await measure())
  console.log(`${clusters} clusters of ${nodes} nodes with ${guests} guests each, ${nights} nights\n`)
  console.log(
    table(['a look, s', 'PostgreSQL, CPU s', 'longest hold, ms', 'p99', 'RSS at most, MB', 'expected'], rows),
  )
} finally {
  await db.close()
  await drop()
  await postgres.stop()
}

/** One job in each cluster, on all of its nodes, every night at two. */
async function fill(sql: Sql): Promise<void> {
  await sql`SET synchronous_commit = off`
  await sql`
    INSERT INTO backup_reports (event_id, cluster, node, job_id, started_at, ended_at, incomplete)
    SELECT gen_random_uuid(), 'cluster-' || c, 'pve-' || n, 'backup-nightly', at, at + interval '20 minutes', false
    FROM generate_series(1, ${clusters}::int) c, generate_series(1, ${nodes}::int) n, generate_series(0, ${nights}::int - 1) night,
         LATERAL (SELECT date_trunc('day', now()) - make_interval(days => night, mins => n) AS at) start`
  await sql`
    INSERT INTO guest_backups (id, report_id, event_id, cluster, node, vmid, name, status, started_at, duration_seconds,
                               size_bytes, job_id)
    SELECT gen_random_uuid(), event_id, gen_random_uuid(), cluster, node, split_part(node, '-', 2) || to_char(g, 'FM000'),
           'guest-' || g, 'ok', started_at, 40, 20000000000, job_id
    FROM backup_reports, generate_series(1, ${guests}::int) g`
  await sql`
    INSERT INTO heartbeats (id, from_at, to_at) VALUES (gen_random_uuid(), now() - interval '200 days', now())`
  await sql`VACUUM ANALYZE`
}

/** A watcher that knows nothing yet, as after a start, looks once. */
async function measure(): Promise<string[]> {
  const now = new Date()
  const watcher = openWatcher({
    db,
    catalog: () => createCatalog([]),
    write: async () => {},
    now: () => now,
    log: silentLog,
    attending: () => ({ id: newId(), from: now }),
  })
  const delays = monitorEventLoopDelay({ resolution: 1 })
  let rss = 0
  const looking = setInterval(() => {
    rss = Math.max(rss, process.memoryUsage.rss())
  }, 20)
  delays.enable()
  const cpu = familyCpuSeconds(postgres.pid)
  const begun = performance.now()
  await watcher.look()
  const seconds = (performance.now() - begun) / 1000
  delays.disable()
  clearInterval(looking)
  return [
    seconds.toFixed(2),
    (familyCpuSeconds(postgres.pid) - cpu).toFixed(2),
    whole(delays.max / 1e6),
    whole(delays.percentile(99) / 1e6),
    whole(rss / MEGABYTE),
    whole(watcher.expected().length),
  ]
}
