/**
 * How fast the machine is at the moment: the rate of bare Hono, taken right before and after each measurement. Machines that
 * share their processors with others change their speed by half within seconds, so figures that are minutes apart cannot
 * be compared as they are.
 */
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Bench } from './contender.ts'
import { bareHono } from './contenders/bare.ts'
import { machineCpuSeconds } from './procfs.ts'

/** Events a second, and in how many milliseconds half and 99 of a hundred are answered: by a server that stores nothing. */
export type Speed = { rate: number; p50: number; p99: number }

export type Yardstick = {
  measure: () => Promise<Speed>
  stop: () => Promise<void>
}

/** Until V8 has compiled what it runs. */
const WARM_UP_SECONDS = 3
const SECONDS = 2
const LOOK_MS = 200
const PATIENCE_MS = 10_000
const QUIET = 0.1

/** Starts it beside the contenders; it does nothing until it is asked. */
export async function startYardstick(bench: Bench, connections: number): Promise<Yardstick> {
  const running = await bareHono.start(bench)
  await running.load({ connections, seconds: WARM_UP_SECONDS })
  return {
    measure: async () => {
      await untilQuiet()
      const { answers, seconds, p50, p99 } = await running.load({ connections, seconds: SECONDS })
      return { rate: answers / seconds, p50, p99 }
    },
    stop: running.stop,
  }
}

/** What a contender still does after its load must not make the yardstick shorter. */
async function untilQuiet(): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  let busy = Number.POSITIVE_INFINITY
  while (busy > QUIET * cpus().length && performance.now() < deadline) {
    const before = machineCpuSeconds().busy
    const begun = performance.now()
    await delay(LOOK_MS)
    busy = (machineCpuSeconds().busy - before) / ((performance.now() - begun) / 1000)
  }
}
