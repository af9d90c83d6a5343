import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coverGuest } from './coverage.ts'
import type { Interval } from './history.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const START = Date.parse('2026-05-01T00:00:00Z')
const DAYS = Array.from({ length: 7 }, (_, index) => ({
  from: START + index * DAY,
  to: START + (index + 1) * DAY,
}))
const ALWAYS: Interval[] = [{ from: 0, to: START + 365 * DAY }]
const at = (day: number, hour: number) => START + (day - 1) * DAY + hour * HOUR

test('the latest backup of a day speaks for it, and a day without one is absent', () => {
  const backups = [
    { at: at(1, 2), status: 'ok' as const },
    { at: at(2, 14), status: 'ok' as const },
    { at: at(2, 2), status: 'failed' as const },
    { at: at(4, 2), status: 'aborted' as const },
    { at: at(5, 2), status: 'unparsed' as const },
    { at: at(6, 2), status: 'failed' as const },
  ]
  assert.deepEqual(coverGuest(DAYS, backups, START, ALWAYS, at(8, 0)), [
    'ok',
    'ok',
    'absent',
    'aborted',
    'unknown',
    'failed',
    'absent',
  ])
})

test('days that are not over, and days before the guest was known, are unknown', () => {
  const backups = [{ at: at(3, 2), status: 'ok' as const }]
  assert.deepEqual(coverGuest(DAYS, backups, at(3, 2), ALWAYS, at(5, 12)), [
    'unknown',
    'unknown',
    'ok',
    'absent',
    'unknown',
    'unknown',
    'unknown',
  ])
})

test('a night in which nobody listened is unknown; a break in the afternoon changes nothing', () => {
  const backups = [1, 2, 5, 6, 7].map((day) => ({ at: at(day, 2), status: 'ok' as const }))
  const listening = [
    { from: 0, to: at(3, 1) },
    { from: at(3, 5), to: at(4, 14) },
    { from: at(4, 18), to: at(9, 0) },
  ]
  assert.deepEqual(coverGuest(DAYS, backups, START, listening, at(8, 0)).slice(2, 4), ['unknown', 'absent'])
})
