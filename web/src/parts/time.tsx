import { signal } from '@preact/signals'

/** The present, moved on each half minute, for all relative times at once. */
const present = signal(Date.now())
setInterval(() => {
  present.value = Date.now()
}, 30_000)

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [60_000, 'second'],
  [3_600_000, 'minute'],
  [86_400_000, 'hour'],
  [7 * 86_400_000, 'day'],
  [30 * 86_400_000, 'week'],
  [365 * 86_400_000, 'month'],
  [Number.POSITIVE_INFINITY, 'year'],
]
const UNIT_MS = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 2_629_800_000,
  year: 31_557_600_000,
}

/** `5 min. ago`, `in 2 hr.`, `now`. */
export function relativeTime(at: number, now: number): string {
  const difference = at - now
  if (Math.abs(difference) < 45_000) return 'now'
  const [, unit] = STEPS.find(([limit]) => Math.abs(difference) < limit)!
  return relative.format(Math.round(difference / UNIT_MS[unit as keyof typeof UNIT_MS]), unit)
}

type TimeProps = { at: string; as?: 'relative' | 'exact' | 'clock' }

/** An instant in the viewer's zone; UTC on hover. */
export function Time({ at, as = 'exact' }: TimeProps) {
  const date = new Date(at)
  const text =
    as === 'relative'
      ? relativeTime(date.getTime(), present.value)
      : (as === 'clock' ? clock : exact).format(date)
  return (
    <time class="numeric" dateTime={at} title={`${exact.format(date)} · ${at} UTC`}>
      {text}
    </time>
  )
}
