/** One round of one contender: started afresh, warmed up, measured, its promise checked, and stopped. */
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
import type { Yardstick } from './yardstick.ts'

/** Busy cores, on the average. */
export type Cpu = {
  contender: number | null
  postgres: number | null
  load: number
  /** Everything else that the machine did meanwhile, and what its host took away. */
  others: number
}

export type Round = {
  contender: string
  /** Events a second. */
  rate: number
  /** Those of bare Hono, before and after, on the average. */
  yardstick: number
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
  const before = await yardstick.measure()
  const { result, cpu } = await withCpu(running, { connections, seconds: plan.seconds })
  const after = await yardstick.measure()
  const memory = {
    contender: running.pid === null ? null : memoryOf([running.pid]),
    postgres: running.postmaster === null ? null : memoryOf(processesOf(running.postmaster)),
  }
  const loads = [warmUp, lone, result]
  const answers = loads.reduce((sum, load) => sum + load.answers, 0)
  const rows = (await running.countRows?.()) ?? null
  return {
    contender: name,
    rate: result.answers / result.seconds,
    yardstick: (before + after) / 2,
    p50: result.p50,
    p99: result.p99,
    lone: { rate: lone.answers / lone.seconds, p50: lone.p50, p99: lone.p99 },
    cpu,
    memory,
    answers,
    rows,
    faults: [...loads.flatMap(({ faults }) => faults), ...checkRows(answers, rows, 2 * connections + 1)],
  }
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
    },
  }
}

function readCpu({ pid, postmaster }: Running) {
  return {
    contender: pid === null ? 0 : cpuSeconds(pid),
    postgres: postmaster === null ? 0 : familyCpuSeconds(postmaster),
    load: endedChildrenCpuSeconds(),
    bench: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    machine: machineCpuSeconds(),
  }
}
