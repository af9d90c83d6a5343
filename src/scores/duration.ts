/** Durations of a score: `15m`, `30m`, `1h`, `6h`, `1d`, `1w`; empty for no end. */

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** The window of a score that names none. */
export const DEFAULT_WINDOW_MS = UNITS.d

/** Keeps the end of every window within the four-digit years of ISO 8601. */
export const LONGEST_DURATION_MS = 1000 * 365 * UNITS.d

/**
 * Milliseconds of a duration; null for the empty one, which has no end. A day is 24 hours, whatever the clocks do.
 * Throws a RangeError on anything else: score files are checked before.
 */
export function parseDuration(source: string): number | null {
  if (source === '') return null
  const [, count, unit] = /^([1-9][0-9]{0,5})([mhdw])$/.exec(source) ?? []
  const length = Number(count) * (UNITS[unit as keyof typeof UNITS] ?? Number.NaN)
  if (!(length <= LONGEST_DURATION_MS)) throw new RangeError(`no duration: ${source}`)
  return length
}
