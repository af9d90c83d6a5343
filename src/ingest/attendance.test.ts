import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAttendance } from './attendance.ts'

const MINUTE = 60_000
const START = Date.parse('2026-05-01T00:00:00Z')

function attend(minutes: number[]) {
  let ids = 0
  const at = (minute: number) => new Date(START + minute * MINUTE)
  const attendance = createAttendance(at(0), () => `span ${++ids}`, 2 * MINUTE)
  for (const minute of minutes) attendance.tick(at(minute))
  const { id, from } = attendance.current()
  return [id, (from.getTime() - START) / MINUTE]
}

test('a server that ticks on was there all along', () => {
  assert.deepEqual(attend([1, 2, 4, 4, 6]), ['span 1', 0])
})

test('a machine that slept, or whose clock was set, begins anew', () => {
  assert.deepEqual(attend([1, 2, 62]), ['span 2', 62])
  assert.deepEqual(attend([1, 62, 63, 10]), ['span 3', 10])
})
