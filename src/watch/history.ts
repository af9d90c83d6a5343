/** What the watch knows: reports that came, and when the server was there to hear them. Instants are milliseconds. */
import type { GuestResult } from '../guest.ts'

/** One run of a backup job on one node. Runs by hand carry no job id and teach no rhythm. */
export type Report = {
  id: string
  cluster: string
  node: string
  jobId: string
  startedAt: number
  /** When the report came: a job announces itself at its end. */
  endedAt: number
  guests: GuestResult[]
  /** The table was cut off, or has rows that nobody could read: who is not in it may have been. */
  incomplete: boolean
}

/** Half open: `[from, to)`. */
export type Interval = { from: number; to: number }

/** Breaks of listening up to this long are not worth a doubt: a restart. */
export const NEGLIGIBLE_GAP_MS = 60_000

/** True when the server listened through the whole of `[from, to)`, but for breaks of a minute. */
export function wasListening(listening: readonly Interval[], from: number, to: number): boolean {
  let heard = from
  for (const interval of listening) {
    if (interval.to <= heard) continue
    if (interval.from - heard > NEGLIGIBLE_GAP_MS) break
    heard = interval.to
    if (heard >= to) return true
  }
  return to - heard <= NEGLIGIBLE_GAP_MS && heard > from
}

/** The middle value, of an even number the upper one; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? null
}
