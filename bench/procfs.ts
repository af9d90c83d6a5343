/** Time and memory of processes, from Linux' /proc (proc(5)). On other systems everything is unknown. */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second in /proc: USER_HZ, 100 on every Linux of today. */
const TICKS = 100

/** Megabytes; PSS counts what n processes share with an n-th, and only who may look closer sees it. */
export type Memory = { rss: number; pss: number | null }

type Stat = { parent: number; own: number; ended: number }

function readStat(pid: number | 'self'): Stat | undefined {
  try {
    // The name, second in the line, stands in parentheses and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const seconds = (index: number) => (Number(fields[index]) + Number(fields[index + 1])) / TICKS
    return { parent: Number(fields[1]), own: seconds(11), ended: seconds(13) }
  } catch {
    return undefined
  }
}

/** CPU seconds of one process, all threads. */
export function cpuSeconds(pid: number): number {
  return readStat(pid)?.own ?? Number.NaN
}

/** CPU seconds of a process and its children, ended ones included: PostgreSQL has one for each connection. */
export function familyCpuSeconds(pid: number): number {
  const root = readStat(pid)
  if (!root) return Number.NaN
  const children = childrenOf(pid).map((child) => readStat(child)?.own ?? 0)
  return children.reduce((sum, seconds) => sum + seconds, root.own + root.ended)
}

/** CPU seconds of our own children that have ended, as the load generator. */
export function endedChildrenCpuSeconds(): number {
  return readStat('self')?.ended ?? Number.NaN
}

/** CPU seconds of the whole machine; `stolen`: those in which other machines on the same hardware had its cores. */
export function machineCpuSeconds(): { busy: number; stolen: number } {
  try {
    const [user, nice, system, , , irq, softirq, stolen] = readFileSync('/proc/stat', 'utf8')
      .split('\n')[0]!
      .split(/\s+/)
      .slice(1)
      .map((ticks) => Number(ticks) / TICKS) as number[]
    return { busy: user! + nice! + system! + irq! + softirq!, stolen: stolen! }
  } catch {
    return { busy: Number.NaN, stolen: Number.NaN }
  }
}

export function childrenOf(pid: number): number[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((other) => other > 0)
  return pids.filter((other) => readStat(other)?.parent === pid)
}

/** Memory of all these processes together. */
export function memoryOf(pids: number[]): Memory {
  const found = pids.map(readMemory)
  return {
    rss: found.reduce((sum, { rss }) => sum + rss, 0),
    pss: found.some(({ pss }) => pss === null) ? null : found.reduce((sum, { pss }) => sum + pss!, 0),
  }
}

function readMemory(pid: number): Memory {
  const read = (file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8')
    } catch {
      return ''
    }
  }
  const megabytes = (text: string, field: string) => {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)
    return found ? Number(found[1]) / 1024 : null
  }
  const status = read('status')
  // A process that has ended meanwhile has nothing any more.
  if (!status) return { rss: 0, pss: 0 }
  return { rss: megabytes(status, 'VmRSS') ?? 0, pss: megabytes(read('smaps_rollup'), 'Pss') }
}

/** Largest resident size that a process ever had, in megabytes. */
export function peakMemory(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}
