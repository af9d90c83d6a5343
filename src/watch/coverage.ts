/** Which guest has a backup of which day. Instants are milliseconds. */
import type { BackupStatus } from '../guest.ts'
import { type Interval, median, wasListening } from './history.ts'

/** `absent`: none came, and it would have been heard. `unknown`: nobody can tell. */
export type Cell = 'ok' | 'failed' | 'aborted' | 'absent' | 'unknown'

export type Day = { from: number; to: number }

export type Backup = { at: number; status: BackupStatus }

/** Around the usual time of a guest's backup: when the server must have listened to know that none came. */
const BEFORE_MS = 3_600_000
const AFTER_MS = 4 * 3_600_000

/**
 * A cell for each day, from the guest's backups in any order. The latest backup of a day speaks for it. A day that is
 * not over, or lies before the guest was first heard of, is unknown.
 */
export function coverGuest(
  days: readonly Day[],
  backups: readonly Backup[],
  firstSeenAt: number,
  listening: readonly Interval[],
  now: number,
): Cell[] {
  const usual = usualTime(days, backups)
  return days.map((day) => {
    const latest = backups
      .filter(({ at }) => at >= day.from && at < day.to)
      .reduce<Backup | null>((last, one) => (last && last.at > one.at ? last : one), null)
    if (latest) return latest.status === 'unparsed' ? 'unknown' : latest.status
    if (day.to > now || day.to <= firstSeenAt) return 'unknown'
    const window =
      usual === null ? day : { from: day.from + usual - BEFORE_MS, to: day.from + usual + AFTER_MS }
    return wasListening(listening, window.from, Math.min(window.to, now)) ? 'absent' : 'unknown'
  })
}

/** Milliseconds from the beginning of a day to the usual backup; null until there are two. */
function usualTime(days: readonly Day[], backups: readonly Backup[]): number | null {
  const times = backups.flatMap(({ at }) => {
    const day = days.find(({ from, to }) => at >= from && at < to)
    return day ? at - day.from : []
  })
  return times.length < 2 ? null : median(times)
}
