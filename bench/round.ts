/** One round of one contender: started afresh, warmed up, measured, its promise checked, and stopped. */
import { setImmediate } from 'node:timers/promises'
import type { Bench, Contender, Load, LoadResult, Running } from './contender.ts'
import { withDiskWatched } from './disk.ts'
import { processesOf } from './postgres.ts'
import {
  cpuSeconds,
  endedChildrenCpuSeconds,
  familyCpuSeconds,
  type Memory,
  machineCpuSeconds,
  memoryOf,
} from './procfs.ts'
import { type Conditions, unsteadiness } from './steadiness.ts'
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
  /** Bare Hono before and after, on the average. */
  yardstick: Speed
  /** Longest time in milliseconds for which the disk let a bystander wait; null: it needs no disk. */
  stall: number | null
  /** How often it was measured; above 1 in `unsteadiness` the machine was not its own in any of them. */
  tries: number
  unsteadiness: number
  p50: number
  p99: number
  lone: { rate: number; p50: number; p99: number }
  cpu: Cpu
  memory: { contender: Memory | null; postgres: Memory | null }
  answers: number
  rows: number | null
  faults: string[]
}

export type Plan = {
  connections: number
  seconds: number
  warmUpSeconds: number
  loneSeconds: number
  /** How often to measure at the most until the machine is its own; the steadiest counts. */
  tries: number
}

export async function runRound(
  bench: Bench,
  contender: Contender,
  plan: Plan,
  yardstick: Yardstick,
): Promise<Round> {
  const running = await contender.start(bench)
  try {
    return await measure(bench, contender, running, plan, yardstick)
  } catch (error) {
    throw new Error(`${contender.name}: ${(error as Error).message}\n${running.log()}`, { cause: error })
  } finally {
    await running.stop()
  }
}

async function measure(
  { folder }: Pick<Bench, 'folder'>,
  { name, warmUpSeconds }: Contender,
  running: Running,
  plan: Plan,
  yardstick: Yardstick,
): Promise<Round> {
  const { connections } = plan
  const seconds = Math.min(plan.warmUpSeconds, warmUpSeconds ?? plan.warmUpSeconds)
  const warmUp = await running.load({ connections, seconds })
  const lone = await running.load({ connections: 1, seconds: plan.loneSeconds })
  const attempt = () => tryOnce(folder, running, { connections, seconds: plan.seconds })
  const tries = await tryUntilSteady(attempt, plan.tries, yardstick)
  const best = tries.reduce((best, one) => (one.unsteadiness < best.unsteadiness ? one : best))
  const { result, cpu, stall } = best
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
    yardstick: meanOf(best.before, best.after),
    stall,
    tries: tries.length,
    unsteadiness: best.unsteadiness,
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

type Try = { result: LoadResult; cpu: Cpu; stall: number | null }
type Judged = Try & Conditions & { unsteadiness: number }

/** Bare Hono right before and after each. */
async function tryUntilSteady(
  attempt: () => Promise<Try>,
  most: number,
  yardstick: Yardstick,
): Promise<Judged[]> {
  const tries: Judged[] = []
  let before = await yardstick.measure()
  do {
    const tried = await attempt()
    const after = await yardstick.measure()
    const conditions = { before, after, stolen: tried.cpu.stolen, stall: tried.stall }
    tries.push({ ...tried, ...conditions, unsteadiness: unsteadiness(conditions) })
    before = after
  } while (tries.at(-1)!.unsteadiness > 1 && tries.length < most)
  return tries
}

async function tryOnce(folder: string, running: Running, load: Load): Promise<Try> {
  if (running.postmaster === null) return { ...(await withCpu(running, load)), stall: null }
  const { done, stall } = await withDiskWatched(folder, () => withCpu(running, load))
  return { ...done, stall }
}

function meanOf(a: Speed, b: Speed): Speed {
  return { rate: (a.rate + b.rate) / 2, p50: (a.p50 + b.p50) / 2, p99: (a.p99 + b.p99) / 2 }
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
