/**
 * The benchmark of the way in: this server and its peers, in turn, on one PostgreSQL, under one load generator. Run by
 * `npm run bench`; docs/performance.md tells what it measures.
 */
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { averageSize } from './bodies.ts'
import { type Bench, CannotRun, type Contender } from './contender.ts'
import { alertmanager } from './contenders/alertmanager.ts'
import { bareHono, bareHttp } from './contenders/bare.ts'
import { nodeRed } from './contenders/node-red.ts'
import { pgbench } from './contenders/pgbench.ts'
import { tempoTelling } from './contenders/telling.ts'
import { tempo, tempoEmbedded, tempoOneByOne, tempoPackaged, tempoReports } from './contenders/tempo.ts'
import { measureSync } from './disk.ts'
import { writeDocs } from './docs.ts'
import { startInstalled } from './installed-postgres.ts'
import { describeMachine } from './machine.ts'
import { startPostgres, usePostgres } from './postgres.ts'
import { costTable, disturbance, goalTable, promiseTable, type Result, rateTable } from './report.ts'
import { type Plan, type Round, runRound } from './round.ts'
import { openWorkplace } from './workplace.ts'
import { requireWrk } from './wrk.ts'
import { startYardstick } from './yardstick.ts'

const CONTENDERS: Contender[] = [
  bareHttp,
  bareHono,
  tempo,
  tempoPackaged,
  tempoEmbedded,
  tempoOneByOne,
  tempoTelling,
  tempoReports,
  pgbench,
  nodeRed,
  alertmanager,
]

const USAGE = `node bench/run.ts [--rounds 5] [--seconds 5] [--warm-up 45] [--connections 64] [--tries 4] [--only a,b]
  [--json FILE] [--write-docs] [--postgres URL|packaged]
  --tries: how often to measure at the most until the machine is its own
  --only takes ${CONTENDERS.map(({ name }) => name).join(', ')}`

type Options = Plan & {
  rounds: number
  contenders: Contender[]
  json: string | undefined
  docs: boolean
  postgres: string | undefined
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '45' },
      connections: { type: 'string', default: '64' },
      tries: { type: 'string', default: '4' },
      only: { type: 'string' },
      json: { type: 'string' },
      postgres: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
    },
  })
  const whole = (name: 'rounds' | 'seconds' | 'warm-up' | 'connections' | 'tries') => {
    if (!/^[1-9]\d{0,3}$/.test(values[name])) throw new CannotRun(`--${name} must be a whole number above 0`)
    return Number(values[name])
  }
  const only = values.only?.split(',')
  const unknown = only?.find((name) => !CONTENDERS.some((contender) => contender.name === name))
  if (unknown !== undefined) throw new CannotRun(`there is no contender ${unknown}`)
  const seconds = whole('seconds')
  return {
    rounds: whole('rounds'),
    connections: whole('connections'),
    seconds,
    warmUpSeconds: whole('warm-up'),
    loneSeconds: Math.min(seconds, 2),
    tries: whole('tries'),
    contenders: CONTENDERS.filter(({ name }) => only?.includes(name) ?? true),
    json: values.json,
    postgres: values.postgres,
    docs: values['write-docs'],
  }
}

async function prepare(bench: Bench, wanted: Contender[]): Promise<Contender[]> {
  const ready: Contender[] = []
  for (const contender of wanted) {
    try {
      await contender.prepare?.(bench)
      ready.push(contender)
    } catch (error) {
      if (!(error instanceof CannotRun)) throw error
      console.log(`SKIPPED ${contender.title}: ${error.message}`)
    }
  }
  return ready
}

function show({ faults, ...round }: Round, title: string): void {
  const rate = Math.round(round.rate).toLocaleString('en-US').padStart(8)
  const part = (round.rate / round.yardstick.rate).toFixed(2)
  const latency = `p50 ${round.p50.toFixed(2)} ms, p99 ${round.p99.toFixed(2)} ms (of bare Hono ${round.yardstick.p99.toFixed(2)})`
  const percent = (round.cpu.stolen / cpus().length) * 100
  const stolen = Number.isNaN(percent) ? '' : `, ${percent.toFixed(1)} % of the time stolen`
  const stall = round.stall === null ? '' : `, the disk stood still for ${round.stall.toFixed(0)} ms`
  const tries =
    round.tries === 1 ? '' : `, ${round.tries} tries${round.unsteadiness > 1 ? ', all disturbed' : ''}`
  const stored = round.rows === null ? '' : `, ${round.rows} stored for ${round.answers} answers`
  console.log(
    `  ${title.padEnd(40)}${rate}/s, ${part} of bare Hono, ${latency}${stolen}${stall}${tries}${stored}`,
  )
  for (const fault of faults) console.error(`    FAULT: ${fault}`)
}

/** A B A B: what disturbs the machine for a while does not disturb one contender alone. */
async function runRounds(bench: Bench, contenders: Contender[], options: Options): Promise<Result[]> {
  const results = contenders.map((contender): Result => ({ contender, rounds: [] }))
  const yardstick = await startYardstick(bench, options.connections)
  for (let number = 1; number <= options.rounds; number++) {
    console.log(`round ${number} of ${options.rounds}`)
    for (const { contender, rounds } of results) {
      const round = await runRound(bench, contender, options, yardstick)
      show(round, contender.title)
      rounds.push(round)
    }
  }
  await yardstick.stop()
  return results
}

/** What all contenders use, and what ends it. */
async function openBench(wanted: string | undefined): Promise<{ bench: Bench; close: () => Promise<void> }> {
  const { folder, makeFolder } = await openWorkplace()
  const makeOwn = async () => startPostgres(await makeFolder('postgres'))
  const given =
    wanted === undefined
      ? await startInstalled(await makeFolder('installed'))
      : wanted !== 'packaged' && (await usePostgres(wanted))
  const postgres = given || (await makeOwn())
  let apart: ReturnType<typeof makeOwn> | undefined
  const packaged = given ? () => (apart ??= makeOwn()) : null
  const notes = new Set<string>()
  const note = (text: string) => {
    if (!notes.has(text)) console.log(`  ${text}`)
    notes.add(text)
  }
  const close = async () => {
    await postgres.stop()
    await (await apart)?.stop()
  }
  return { bench: { folder, makeFolder, postgres, packaged, note }, close }
}

async function main(): Promise<void> {
  const options = readOptions()
  requireWrk()
  const { bench, close } = await openBench(options.postgres)
  const facts = [
    describeMachine(),
    bench.postgres.settings,
    `to make a page durable the disk takes ${measureSync(bench.folder).toFixed(2)} ms (median)`,
    `${options.connections} connections for ${options.seconds} s a round after up to ${options.warmUpSeconds} s of warming up, ${options.rounds} rounds, ${averageSize()} bytes an event`,
  ]
  for (const fact of facts) console.log(fact)
  const results = await runRounds(bench, await prepare(bench, options.contenders), options)
  await close()

  const report = [
    disturbance(results, cpus().length),
    rateTable(results, tempo.name),
    costTable(results, cpus().length),
    goalTable(results, tempo.name),
  ].filter((part) => part !== '')
  console.log(`\n${report.join('\n\n')}\n\n${promiseTable(results.map(({ contender }) => contender))}`)
  const rounds = results.flatMap((result) => result.rounds)
  if (options.json)
    await writeFile(
      options.json,
      `${JSON.stringify({ facts, options: { ...options, postgres: undefined }, rounds }, null, 2)}\n`,
    )
  if (rounds.some(({ faults }) => faults.length > 0)) {
    console.error('The run has failed: there were faults, see above.')
    process.exitCode = 1
  } else if (options.docs) {
    const list = facts.map((fact) => `- ${fact}`).join('\n')
    await writeDocs('contenders', promiseTable(CONTENDERS))
    await writeDocs('results', [list, ...report].join('\n\n'))
  }
}

try {
  await main()
} catch (error) {
  const isMisused = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  if (isMisused || error instanceof CannotRun) console.error(`${(error as Error).message}\n${USAGE}`)
  else console.error(error)
  // The databases may still be open; the end of the process is their end, too.
  process.exit(1)
}
