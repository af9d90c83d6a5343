/** Scales and ticks of a plot. */
export type Scale = { of: (value: number) => number; ticks: number[] }

const STEPS = [1, 2, 2.5, 5, 10]
const SECOND_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
]
const DAY_MS = 86_400_000

/** From 0 to a round value at or above `most`, drawn from `bottom` up to `top`. */
export function amountScale(most: number, unit: 'bytes' | 'seconds', bottom: number, top: number): Scale {
  const step = unit === 'seconds' ? secondStep(most / 3) : byteStep(most / 3)
  const count = Math.max(1, Math.ceil(most / step))
  const end = step * count
  return {
    of: (value) => bottom + ((top - bottom) * value) / end,
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
  }
}

function secondStep(least: number): number {
  return SECOND_STEPS.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400
}

function byteStep(least: number): number {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(least, 1)) / 10))
  const ten = 10 ** Math.floor(Math.log10(Math.max(least / unit, 1)))
  return unit * ten * (STEPS.find((step) => step * ten >= least / unit) ?? 10)
}

/** From the first instant to the last, with ticks at the beginnings of days in the viewer's zone. */
export function timeScale(first: number, last: number, left: number, right: number): Scale {
  const span = Math.max(last - first, DAY_MS)
  const wanted = Math.max(2, Math.floor((right - left) / 90))
  const stepDays = Math.max(1, Math.ceil(span / DAY_MS / wanted))
  const day = new Date(last)
  day.setHours(0, 0, 0, 0)
  const ticks: number[] = []
  while (day.getTime() >= last - span) {
    ticks.unshift(day.getTime())
    day.setDate(day.getDate() - stepDays)
  }
  return { of: (value) => right - ((right - left) * (last - value)) / span, ticks }
}
