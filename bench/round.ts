/** One round of one contender: started afresh, warmed up, measured, its promise checked, and stopped. */
import { cpus } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import type { Bench, Contender, Load, LoadResult, Running } from './contender.ts'
import { processesOf } from './postgres.ts'
import {
  cpuSeconds,
  endedChildrenCpuSeconds,
  familyCpuSeconds,
  type Memory,
  machineCpuSeconds,
  memoryOf,
} from './procfs.ts'
import type { Speed, Yardstick } from './yardstick.ts'

/** Busy cores, on the average. */
export type Cpu = {
  contender: number | null
  postgres: number | null
  load: number
  /** Everything else that the machine did meanwhile. */
  others: number
  /** What other machines on the same hardware took away. */
  stolen: number
}

export type Round = {
  contender: string
  /** Events a second. */
  rate: number
  /** Bare Hono before and after, on the average, and the part by which the two differ. */
  yardstick: Speed & { change: number }
  p50: number
  p99: number
  lone: { rate: number; p50: number; p99: number }
  cpu: Cpu
  memory: { contender: Memory | null; postgres: Memory | null }
  answers: number
  rows: number | null
  faults: string[]
}

export type Plan = { connections: number; seconds: number; warmUpSeconds: number; loneSeconds: number }

/**
 * A machine whose speed changed by more than this part meanwhile, or that was taken away for more than this part of its time,
 * is measured again, so many times; the steadiest counts. Of a p99 the slowest hundredth is all that it tells.
 */
const STEADY = 0.2
const MOST_STOLEN = 0.01
const MOST_TRIES = 4

export async function runRound(
  bench: Bench,
  contender: Contender,
  plan: Plan,
  yardstick: Yardstick,
): Promise<Round> {
  const running = await contender.start(bench)
  try {
    return await measure(contender, running, plan, yardstick)
  } catch (error) {
    throw new Error(`${contender.name}: ${(error as Error).message}\n${running.log()}`, { cause: error })
  } finally {
    await running.stop()
  }
}

async function measure(
  { name, warmUpSeconds }: Contender,
  running: Running,
  plan: Plan,
  yardstick: Yardstick,
): Promise<Round> {
  const { connections } = plan
  const seconds = Math.min(plan.warmUpSeconds, warmUpSeconds ?? plan.warmUpSeconds)
  const warmUp = await running.load({ connections, seconds })
  const lone = await running.load({ connections: 1, seconds: plan.loneSeconds })
  const tries = await tryUntilSteady(running, { connections, seconds: plan.seconds }, yardstick)
  const { result, cpu, speed } = tries.reduce((best, one) =>
    unsteadiness(one) < unsteadiness(best) ? one : best,
  )
  const memory = {
    contender: running.pid === null ? null : memoryOf([running.pid]),
    postgres: running.postmaster === null ? null : memoryOf(processesOf(running.postmaster)),
  }
  const loads = [warmUp, lone, ...tries.map(({ result }) => result)]
  const answers = loads.reduce((sum, load) => sum + load.answers, 0)
  const rows = (await running.countRows?.()) ?? null
  return {
    contender: name,
    rate: result.answers / result.seconds,
    yardstick: speed,
    p50: result.p50,
    p99: result.p99,
    lone: { rate: lone.answers / lone.seconds, p50: lone.p50, p99: lone.p99 },
    cpu,
    memory,
    answers,
    rows,
    faults: [
      ...loads.flatMap(({ faults }) => faults),
      ...checkRows(answers, rows, (loads.length - 1) * connections + 1),
    ],
  }
}

type Try = { result: LoadResult; cpu: Cpu; speed: Round['yardstick'] }

/** Bare Hono right before and after each; what the contender itself makes of it does not matter here. */
async function tryUntilSteady(running: Running, load: Load, yardstick: Yardstick): Promise<Try[]> {
  const tries: Try[] = []
  let before = await yardstick.measure()
  do {
    const measured = await withCpu(running, load)
    const after = await yardstick.measure()
    const speed = { rate: (before.rate + after.rate) / 2, p99: (before.p99 + after.p99) / 2 }
    tries.push({
      ...measured,
      speed: { ...speed, change: Math.abs(after.rate - before.rate) / speed.rate },
    })
    before = after
  } while (unsteadiness(tries.at(-1)!) > 1 && tries.length < MOST_TRIES)
  return tries
}

/** Above 1: measure again. Where the system does not tell what is stolen, the change of speed alone counts. */
function unsteadiness({ speed, cpu }: Try): number {
  const stolen = cpu.stolen / cpus().length / MOST_STOLEN
  return Math.max(speed.change / STEADY, Number.isNaN(stolen) ? 0 : stolen)
}

/** At the end of each load, wrk leaves up to one event a connection without waiting for the answer. */
function checkRows(answers: number, rows: number | null, unanswered: number): string[] {
  if (answers === 0) return ['not a single answer']
  if (rows === null || (rows >= answers && rows <= answers + unanswered)) return []
  return [`${rows} events are stored, and ${answers} were answered`]
}

async function withCpu(running: Running, load: Load): Promise<{ result: LoadResult; cpu: Cpu }> {
  const before = readCpu(running)
  const begun = performance.now()
  const result = await running.load(load)
  const seconds = (performance.now() - begun) / 1000
  // libuv has collected the generator by now, and with it the time that it took.
  await setImmediate()
  const after = readCpu(running)
  const cores = (key: keyof typeof before) => (after[key] - before[key]) / seconds
  const own = (['contender', 'postgres', 'load', 'bench'] as const).map(cores)
  return {
    result,
    cpu: {
      contender: running.pid === null ? null : cores('contender'),
      postgres: running.postmaster === null ? null : cores('postgres'),
      load: cores('load'),
      others: Math.max(0, cores('machine') - own.reduce((sum, busy) => sum + busy, 0)),
      stolen: cores('stolen'),
    },
  }
}

function readCpu({ pid, postmaster }: Running) {
  const { busy, stolen } = machineCpuSeconds()
  return {
    contender: pid === null ? 0 : cpuSeconds(pid),
    postgres: postmaster === null ? 0 : familyCpuSeconds(postmaster),
    load: endedChildrenCpuSeconds(),
    bench: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    machine: busy,
    stolen,
  }
}
