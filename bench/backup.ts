/**
 * Whether a backup takes memory by its size, and whether a restore gives back all of it: `tempo backup` and `tempo restore`
 * of databases of growing size. `npm run bench:backup`; `-- --sizes 10000,100000` for fewer events.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readShapes, tablesOf } from '../src/storage/backup/tables.ts'
import type { Sql } from '../src/storage/database.ts'
import { migrateDatabase } from '../src/storage/migrate.ts'
import { runProgram } from './child.ts'
import { CLI } from './contenders/tempo.ts'
import { describeMachine } from './machine.ts'
import { type BenchPostgres, startPostgres } from './postgres.ts'
import { fillDatabase } from './reads-database.ts'
import { table, whole } from './report.ts'
import { openWorkplace } from './workplace.ts'

/** How much more memory the largest backup may take than the smallest, in megabytes; garbage is collected when it may be. */
const SLACK_MB = 100
const HEAD = ['events', 'file, MB', 'backup: s', 'memory, MB', 'restore: s', 'memory, MB', 'the same']
/** Prints kilobytes at the end of a program (Node, `process.resourceUsage`). */
const TELL_MEMORY = 'data:text/javascript,process.on("exit",()=>console.log(process.resourceUsage().maxRSS))'

/** Runs a command of ours to its end; its seconds, and its largest resident size in megabytes. */
async function run(args: string[], url: string): Promise<{ seconds: number; peak: number }> {
  const begun = performance.now()
  const output = await runProgram(process.execPath, ['--import', TELL_MEMORY, CLI, ...args, '--quiet'], {
    DATABASE_URL: url,
  })
  const peak = Number(output.trim().split('\n').at(-1)) / 1024
  return { seconds: (performance.now() - begun) / 1000, peak }
}

/** Of each table that a backup holds, the number of its rows and a sum of their hashes. */
async function digest(sql: Sql): Promise<string> {
  const sums: string[] = []
  for (const { name, sql: from, columns } of (
    await readShapes(sql, tablesOf('data', 'history', 'log', 'answers'))
  ).values()) {
    const row = columns.map((column) => `t."${column}"`).join(', ')
    const [sum] = await sql.unsafe<{ text: string }[]>(`
      SELECT count(*) || ' ' || coalesce(sum(('x' || substr(md5(ROW(${row})::text), 1, 15))::bit(60)::bigint), 0) AS text
      FROM ${from} t`)
    sums.push(`${name} ${sum!.text}`)
  }
  return sums.join('\n')
}

type Row = { cells: string[]; peaks: number[]; isSame: boolean }

async function measure(postgres: BenchPostgres, folder: string, size: number): Promise<Row> {
  const [from, to] = [await postgres.createDatabase(), await postgres.createDatabase()]
  const file = join(folder, `${size}.backup`)
  await migrateDatabase({ url: from.url })
  await fillDatabase(from.sql, size)
  const backup = await run(['backup', file], from.url)
  const restore = await run(['restore', file], to.url)
  const isSame = (await digest(from.sql)) === (await digest(to.sql))
  for (const database of [from, to]) await database.drop()
  const numbers = [
    size,
    statSync(file).size / 1e6,
    backup.seconds,
    backup.peak,
    restore.seconds,
    restore.peak,
  ]
  return {
    cells: [...numbers.map(whole), isSame ? 'yes' : 'NO'],
    peaks: [backup.peak, restore.peak],
    isSame,
  }
}

const { values } = parseArgs({ options: { sizes: { type: 'string', default: '100000,1000000' } } })
const { makeFolder } = await openWorkplace()
const postgres = await startPostgres(await makeFolder('postgres'))
const folder = await makeFolder('backups')
const rows: Row[] = []
for (const size of values.sizes.split(',').map(Number)) rows.push(await measure(postgres, folder, size))
await postgres.stop()
const all = table(
  HEAD,
  rows.map(({ cells }) => cells),
)
console.log(`\n${describeMachine()}\n\n${all}`)
const grown = rows.at(-1)!.peaks.map((peak, index) => peak - rows[0]!.peaks[index]!)
if (rows.some(({ isSame }) => !isSame) || grown.some((megabytes) => megabytes > SLACK_MB))
  process.exitCode = 1
