/**
 * Whether anything grows that should not: posts events to this server, out of the box, and tells every 100,000 how
 * fast it still is and what it holds. `node bench/growth.ts --events 1000000`
 */
import { parseArgs } from 'node:util'
import { createClient, type Sql } from '../src/storage/database.ts'
import { CannotRun } from './contender.ts'
import { embeddedTarget, startTempo, type TempoServer } from './contenders/tempo.ts'
import { writeDocs } from './docs.ts'
import { describeMachine } from './machine.ts'
import { processesOf } from './postgres.ts'
import { memoryOf, peakMemory } from './procfs.ts'
import { table, whole } from './report.ts'
import { openWorkplace } from './workplace.ts'
import { requireWrk, runWrk, type Target } from './wrk.ts'

const STEP = 100_000
/** Megabytes that the server may hold at the end. */
const GOAL_RSS = 250
/** Seconds that wrk posts at a time. */
const LONGEST_SLICE = 10

const HEAD = ['events', 'events/s', 'worst p99 ms', 'RSS, MB', 'its peak', 'PostgreSQL PSS', 'database, MB']

type Step = { answers: number; seconds: number; p99: number; slices: number; faults: string[] }

/** Posts until that many more were answered, in slices, because wrk counts seconds and not events. */
async function runStep(target: Target, connections: number, wanted: number): Promise<Step> {
  const step: Step = { answers: 0, seconds: 0, p99: 0, slices: 0, faults: [] }
  while (step.answers < wanted && step.faults.length === 0) {
    const needed = step.answers === 0 ? 1 : ((wanted - step.answers) * step.seconds) / step.answers
    const seconds = Math.min(Math.ceil(needed), LONGEST_SLICE)
    const slice = await runWrk(target, { connections, seconds })
    step.answers += slice.answers
    step.seconds += slice.seconds
    step.p99 = Math.max(step.p99, slice.p99)
    step.slices += 1
    step.faults.push(...slice.faults)
    if (slice.answers === 0) step.faults.push('not a single answer')
  }
  return step
}

async function describeStep(step: Step, total: number, server: TempoServer, postmaster: number, sql: Sql) {
  const [{ bytes }] = await sql<
    [{ bytes: number }]
  >`SELECT pg_database_size(current_database())::float8 AS bytes`
  return [
    total,
    step.answers / step.seconds,
    step.p99,
    memoryOf([server.service.pid]).rss,
    peakMemory(server.service.pid),
    memoryOf(processesOf(postmaster)).pss ?? Number.NaN,
    bytes / 1024 / 1024,
  ].map(whole)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      events: { type: 'string', default: '1000000' },
      connections: { type: 'string', default: '64' },
      'write-docs': { type: 'boolean', default: false },
    },
  })
  const [events, connections] = [Number(values.events), Number(values.connections)]
  if (!(events > 0 && connections > 0))
    throw new CannotRun('--events and --connections must be numbers above 0')
  requireWrk()
  const server = await startTempo(await openWorkplace(), {})
  const embedded = await embeddedTarget(server.dataDir)
  const { sql } = createClient(embedded.target, { max: 1 })
  const fact = `${describeMachine()}; ${connections} connections`
  console.log(`${fact}\n${HEAD.join('\t')}`)

  const rows: string[][] = []
  const faults: string[] = []
  let answers = 0
  let left = 0
  while (answers < events && faults.length === 0) {
    const step = await runStep(server.target, connections, Math.min(STEP, events - answers))
    answers += step.answers
    left += connections * step.slices
    const row = await describeStep(step, answers, server, embedded.pid, sql)
    console.log(row.join('\t'))
    rows.push(row)
    faults.push(...step.faults)
  }
  const [{ stored }] = await sql<[{ stored: number }]>`SELECT count(*)::int AS stored FROM events`
  if (stored < answers || stored > answers + left)
    faults.push(`${stored} events are stored, and ${answers} were answered`)
  const rss = memoryOf([server.service.pid]).rss
  await sql.end()
  await server.service.stop()

  const verdict = `${whole(stored)} events are stored for ${whole(answers)} answers. The server holds ${whole(rss)} MB; the goal, under ${GOAL_RSS} MB, is ${rss < GOAL_RSS ? 'met' : 'missed'}.`
  console.log(`\n${table(HEAD, rows)}\n\n${verdict}`)
  for (const fault of faults) console.error(`FAULT: ${fault}`)
  if (faults.length > 0 || rss >= GOAL_RSS) process.exitCode = 1
  if (faults.length === 0 && values['write-docs'])
    await writeDocs('growth', [`- ${fact}`, table(HEAD, rows), verdict].join('\n\n'))
}

try {
  await main()
} catch (error) {
  console.error(error instanceof CannotRun ? error.message : error)
  // The database may still be open; the end of the process is its end, too.
  process.exit(1)
}
