/**
 * Whether the machine was its own while something was measured. Nothing here looks at what the contender made of it: the figures
 * are those of bare Hono right before and after, of the system, and of a bystander who uses the same disk.
 */
import { cpus } from 'node:os'
import type { Speed } from './yardstick.ts'

/** What the machine did meanwhile. */
export type Conditions = {
  before: Speed
  after: Speed
  /** Cores that other machines on the same hardware had; NaN where the system does not tell. */
  stolen: number
  /** Longest time in milliseconds for which the disk let a bystander wait; null: the contender needs no disk. */
  stall: number | null
}

/** By which part bare Hono before and after may differ. */
const CHANGE = 0.2
/** Which part of the time may be stolen: of a p99 the slowest hundredth is all that it tells. */
const STOLEN = 0.01
/** How many times as long as half of the senders of bare Hono 99 of a hundred may wait; a machine of one's own has 2 to 4. */
const SPREAD = 5
/** Milliseconds for which the disk may stand still; everybody waits as long, and it takes 0.1 to 0.5 otherwise. */
const STALL_MS = 30

/** Above 1: measure again. */
export function unsteadiness({ before, after, stolen, stall }: Conditions): number {
  const mean = (before.rate + after.rate) / 2
  const known = [
    Math.abs(after.rate - before.rate) / mean / CHANGE,
    ...[before, after].map(({ p50, p99 }) => p99 / p50 / SPREAD),
    stolen / cpus().length / STOLEN,
    (stall ?? 0) / STALL_MS,
  ]
  return Math.max(...known.filter((one) => !Number.isNaN(one)))
}
