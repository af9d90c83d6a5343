/** When a job is due next: learnt from when it ran, or set by hand. All instants and lengths in milliseconds. */
import { median } from './history.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const WEEK = 7 * DAY

/** A rhythm that a person has set: `every 24h grace 3h`. */
export type Rhythm = { everyMs: number; graceMs: number }

/** A time at which a run was expected, and what became of it; `unknown`: nobody was listening. */
export type Slot = { at: number; fate: 'seen' | 'missed' | 'unknown' }

export type Due = { at: number; graceMs: number }

/** Runs after which a rhythm counts as learnt. */
export const ROUNDS_OF_LEARNING = 2

/** A run this near to a slot is the slot's; clocks that change by an hour, and a busy node, move it. */
export const SLOT_TOLERANCE_MS = 6 * HOUR
const DAILY_GRACE_MS = 3 * HOUR
const LEAST_GRACE_MS = 15 * MINUTE
const INTERVALS_LOOKED_AT = 10

const UNITS = { m: MINUTE, h: HOUR, d: DAY, w: WEEK } as const
const SYNTAX = /^every\s+(\d{1,4})([mhdw])(?:\s+grace\s+(\d{1,4})([mhdw]))?$/

/** Reads `every 24h grace 3h`; without `grace` an eighth, at least 15 minutes. Null when it is something else. */
export function parseRhythm(text: string): Rhythm | null {
  const [, count, unit, grace, graceUnit] = SYNTAX.exec(text.trim().toLowerCase()) ?? []
  const everyMs = Number(count) * (UNITS[unit as keyof typeof UNITS] ?? Number.NaN)
  if (!(everyMs >= 5 * MINUTE)) return null
  const graceMs = grace ? Number(grace) * UNITS[graceUnit as keyof typeof UNITS] : graceOf(everyMs)
  return { everyMs, graceMs }
}

function graceOf(everyMs: number): number {
  return Math.min(Math.max(everyMs / 8, LEAST_GRACE_MS), DAY)
}

/**
 * When the next run is due after the slots so far, in the order of time; null while the rhythm is being learnt.
 * Hours apart: after the longest pause of late. Days apart: at the same time of a day, on the days of the week on which
 * it ran before. Weeks apart: after the usual pause.
 */
export function nextDue(slots: readonly Slot[], rhythm: Rhythm | null): Due | null {
  const last = slots.at(-1)
  if (!last) return null
  if (rhythm) return { at: last.at + rhythm.everyMs, graceMs: rhythm.graceMs }
  if (slots.filter(({ fate }) => fate === 'seen').length < ROUNDS_OF_LEARNING) return null
  const pauses = pausesOf(slots)
  const usual = median(pauses)
  if (usual === null) return null
  if (usual < 20 * HOUR) {
    const seen = slots.findLast(({ fate }) => fate === 'seen')!
    if (last.at - seen.at > 2 * WEEK) return null
    const longest = Math.max(...pauses)
    return { at: last.at + longest, graceMs: graceOf(longest) }
  }
  if (usual > 8 * DAY) return { at: last.at + usual, graceMs: graceOf(usual) }
  return nextDay(slots, last, usual)
}

/** The latest pauses between two runs that followed each other. */
function pausesOf(slots: readonly Slot[]): number[] {
  return slots
    .flatMap((slot, index) => {
      const before = slots[index - 1]
      return before?.fate === 'seen' && slot.fate === 'seen' ? slot.at - before.at : []
    })
    .slice(-INTERVALS_LOOKED_AT)
}

function nextDay(slots: readonly Slot[], last: Slot, usual: number): Due | null {
  const isDaily = usual < 28 * HOUR
  for (let days = 1; days <= 7; days++) {
    const at = last.at + days * DAY
    if (ranOnThatDay(slots, at) ?? (isDaily && days === 1)) return { at, graceMs: DAILY_GRACE_MS }
  }
  return null
}

/**
 * Whether it ran at this time of the week, a week ago, or two when it was missed a week ago; null when there is no
 * knowing: at this time of the day it runs for less than a week, or nobody was listening.
 */
function ranOnThatDay(slots: readonly Slot[], at: number): boolean | null {
  const recent = slots.filter((slot) => slot.at > at - 3 * WEEK)
  const first = recent.find((slot) => slot.fate === 'seen' && isSameTimeOfDay(slot.at, at))
  if (!first) return null
  let answer: boolean | null = null
  for (const then of [at - WEEK, at - 2 * WEEK]) {
    if (then < first.at - SLOT_TOLERANCE_MS) return answer
    const slot = recent.findLast((one) => Math.abs(one.at - then) <= SLOT_TOLERANCE_MS)
    if (slot?.fate === 'seen') return true
    if (!slot) return false
    if (slot.fate === 'missed') answer = false
  }
  return answer
}

function isSameTimeOfDay(one: number, other: number): boolean {
  const apart = Math.abs(one - other) % DAY
  return Math.min(apart, DAY - apart) <= SLOT_TOLERANCE_MS
}
