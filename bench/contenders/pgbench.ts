/** The same rows written by hand in SQL, one event a transaction, without HTTP, JSON or scores around it. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { findProgram, runProgram } from '../child.ts'
import {
  type Bench,
  CannotRun,
  type Contender,
  type Load,
  type LoadResult,
  type Running,
} from '../contender.ts'
import { PLAIN_TABLES, plainInsert } from '../plain-tables.ts'

const MESSAGE = 'INFO: 100% (32.0 GiB of 32.0 GiB) in 1m 35s, read: 344.9 MiB/s, write: 58.1 MiB/s. '.repeat(
  6,
)

const SCRIPT = `\\set node random(1, 60)
\\set guest random(100, 129)
${plainInsert({
  node: `('pve-' || :node::text)`,
  vmid: ':guest::text',
  title: `('vzdump backup status (pve-' || :node::text || '.example.lan): backup of ' || :guest::text || ' successful')`,
  startDate: 'now()',
  severity: `'info'`,
  metadata: `('{"severity":"info","ServerUrl":"https://pve.example.lan:8006","TaskType":"vzdump","JobId":"backup-a1b2c3d4-e5f6","Message":"${MESSAGE}","NodeName":"pve-' || :node::text || '","VMID":"' || :guest::text || '"}')::json`,
}).replaceAll('\n', ' ')};
`

async function start(bench: Bench): Promise<Running> {
  const { pid } = bench.postgres
  const database = await bench.postgres.createDatabase()
  await database.sql.unsafe(PLAIN_TABLES)
  const folder = await bench.makeFolder('pgbench')
  const script = join(folder, 'insert.sql')
  await writeFile(script, SCRIPT)
  let runs = 0

  async function load({ connections, seconds }: Load): Promise<LoadResult> {
    const prefix = `run-${++runs}`
    const output = await runProgram(
      'pgbench',
      [
        ...['--no-vacuum', '--protocol=prepared', `--file=${script}`],
        ...[`--client=${connections}`, `--jobs=${Math.min(cpus().length, connections)}`, `--time=${seconds}`],
        ...['--log', `--log-prefix=${prefix}`],
        database.url,
      ],
      {},
      folder,
    )
    const number = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? Number.NaN)
    const answers = number(/transactions actually processed: (\d+)/)
    const failed = number(/failed transactions: (\d+)/)
    const latencies = await readLatencies(folder, prefix)
    return {
      answers,
      seconds: answers / number(/^tps = ([\d.]+)/m),
      p50: latencies[Math.floor(latencies.length * 0.5)]!,
      p99: latencies[Math.floor(latencies.length * 0.99)]!,
      faults: failed > 0 ? [`${failed} transactions failed`] : [],
    }
  }

  return {
    load,
    pid: null,
    postmaster: pid,
    countRows: async () => (await database.sql`SELECT count(*)::int AS count FROM events`)[0]!.count,
    log: () => '',
    stop: database.drop,
  }
}

/** Milliseconds of each transaction, the third column of pgbench's log, in ascending order. */
async function readLatencies(folder: string, prefix: string): Promise<number[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${prefix}.`))
  const logs = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  const lines = logs.flatMap((log) => log.trim().split('\n'))
  return lines.map((line) => Number(line.split(' ')[2]) / 1000).sort((a, b) => a - b)
}

export const pgbench: Contender = {
  name: 'pgbench',
  title: 'pgbench, one statement per event',
  promise: 'stored: committed and synced to disk; no HTTP, no check, no score',
  warmUpSeconds: 5,
  prepare: async () => {
    if (!findProgram('pgbench')) {
      throw new CannotRun('pgbench is not installed; on Debian: apt-get install postgresql-contrib')
    }
  },
  start,
}
