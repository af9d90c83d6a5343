/** Local times without a zone, and the instants that they probably are. */

const MINUTE = 60_000
const QUARTER = 15 * MINUTE
/** The report leaves the node right behind the last line of its logs, or a little later where hooks still run. */
const LATEST_AFTER_LOG = 7 * MINUTE
const CLOCKS_APART = MINUTE

/** Offsets from UTC that exist, in minutes. */
const WEST = -12 * 60
const EAST = 14 * 60

/** Milliseconds of a local time as if it were UTC; null for a day or time that does not exist. */
function readLocal(local: string): number | null {
  const time = Date.parse(`${local.replace(' ', 'T')}Z`)
  return Number.isNaN(time) ? null : time
}

/**
 * The node's offset from UTC in minutes, from a local time and an instant shortly after it; null when they are too far
 * apart to tell. Zones lie quarters of an hour apart, so some minutes in between do no harm.
 */
export function offsetBetween(local: string, instant: Date): number | null {
  const time = readLocal(local)
  if (time === null) return null
  const apart = time - instant.getTime()
  const offset = Math.ceil((apart - CLOCKS_APART) / QUARTER) * QUARTER
  const late = offset - apart
  const minutes = offset / MINUTE + 0
  return late <= LATEST_AFTER_LOG && minutes >= WEST && minutes <= EAST ? minutes : null
}

/** The instant of a local time at this offset; an hour wrong where clocks were changed in between. */
export function instantAt(local: string, offsetMinutes: number): Date | null {
  const time = readLocal(local)
  return time === null ? null : new Date(time - offsetMinutes * MINUTE)
}
