/** When the event starts and ends. */
import { parseTimestamp } from '../timestamp.ts'
import type { Findings } from './findings.ts'
import { isAbsent } from './value.ts'

const DAY = 86_400_000
const YEAR_2000 = Date.UTC(2000, 0, 1)

/** Now, when the payload does not say. */
export function readStartDate(value: unknown, now: Date, found: Findings): Date {
  const date = readDate(value, 'startDate', found)
  if (date === null) return new Date(now)
  if (date.getTime() - now.getTime() > DAY) {
    found.warn(`startDate ${date.toISOString()} is more than a day ahead; is the clock of the sender right?`)
  } else if (date.getTime() < YEAR_2000) {
    found.warn(
      `startDate ${date.toISOString()} is before the year 2000; is it Unix seconds, and is the clock right?`,
    )
  }
  return date
}

/** An end before the start is kept, with a warning. */
export function readEndDate(value: unknown, startDate: Date, found: Findings): Date | null {
  const date = readDate(value, 'endDate', found)
  if (date !== null && date < startDate) found.warn('endDate is before startDate')
  return date
}

function readDate(value: unknown, path: string, found: Findings): Date | null {
  if (isAbsent(value)) return null
  const parsed = parseTimestamp(value)
  if (parsed.ok) return parsed.date
  found.error(path, parsed.message)
  return null
}
