/** The load generator of everything that speaks HTTP: wrk, a process of its own. */
import { fileURLToPath } from 'node:url'
import { findProgram, runProgram } from './child.ts'
import { CannotRun, type Load, type LoadResult } from './contender.ts'

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url))

/** Longer than any answer of a contender that works takes. */
const TIMEOUT_S = 10

export type Target = { url: string; bodiesFile: string; token: string }

/** Says what to do when it is not there. */
export function requireWrk(): void {
  if (!findProgram('wrk')) throw new CannotRun('wrk is not installed; on Debian: apt-get install wrk')
}

/** Posts events for some seconds, which must be whole. */
export async function runWrk(
  { url, bodiesFile, token }: Target,
  { connections, seconds }: Load,
): Promise<LoadResult> {
  const threads = Math.min(2, connections)
  const output = await runProgram(
    'wrk',
    [
      `--threads=${threads}`,
      `--connections=${connections}`,
      `--duration=${seconds}s`,
      `--timeout=${TIMEOUT_S}s`,
      `--script=${SCRIPT}`,
      url,
    ],
    { BENCH_BODIES: bodiesFile, BENCH_TOKEN: token },
  )
  const line = /^RESULT (.*)$/m.exec(output)?.[1]
  if (!line) throw new Error(`wrk has no result:\n${output}`)
  const result = JSON.parse(line) as Record<string, number>
  const faults = ['status', 'connect', 'read', 'write', 'timeout'].filter((kind) => result[kind]! > 0)
  return {
    answers: result.requests! - result.status!,
    seconds: result.micros! / 1e6,
    p50: result.p50! / 1000,
    p99: result.p99! / 1000,
    faults: faults.map((kind) =>
      kind === 'status' ? `${result[kind]} answers that were not 2xx` : `${result[kind]} faults of ${kind}`,
    ),
  }
}
