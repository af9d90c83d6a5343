/** Times of day on somebody's wall clock, across changes of daylight saving. */
import { TZDate } from '@date-fns/tz'
import { type Digest, type QuietHours, WEEKDAYS } from '../channel.ts'

/** The end of the quiet hours that `now` is in; null when it is in none. */
export function quietUntil(quiet: QuietHours | null, now: Date): Date | null {
  if (!quiet || quiet.from === quiet.to) return null
  const [from, to] = [minutesOf(quiet.from), minutesOf(quiet.to)]
  // They may have begun yesterday, and end after midnight.
  for (const daysAgo of [0, 1]) {
    const begin = onDay(now, -daysAgo, from, quiet.timezone)
    if (!quiet.days.includes(WEEKDAYS[(begin.getDay() + 6) % 7]!)) continue
    const end = onDay(now, -daysAgo + (to > from ? 0 : 1), to, quiet.timezone)
    if (begin.getTime() <= now.getTime() && now.getTime() < end.getTime()) return new Date(end.getTime())
  }
  return null
}

/** The next time of a digest that is later than `now`. */
export function nextDigest({ at, timezone }: Digest, now: Date): Date {
  const times = [0, 1, 2].map((days) => onDay(now, days, minutesOf(at), timezone).getTime())
  return new Date(times.find((time) => time > now.getTime())!)
}

/** That many days after the day of `now`; an hour that the day does not have is that much later. */
function onDay(now: Date, days: number, minutes: number, timezone: string): TZDate {
  const here = new TZDate(now.getTime(), timezone)
  return new TZDate(
    here.getFullYear(),
    here.getMonth(),
    here.getDate() + days,
    Math.floor(minutes / 60),
    minutes % 60,
    timezone,
  )
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':')
  return Number(hours) * 60 + Number(minutes)
}
