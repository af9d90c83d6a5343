import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wasListening } from './history.ts'
import { parseRhythm } from './rhythm.ts'

const HOUR = 3_600_000

test('a rhythm is read as people write it', () => {
  assert.deepEqual(parseRhythm('every 24h grace 3h'), { everyMs: 24 * HOUR, graceMs: 3 * HOUR })
  assert.deepEqual(parseRhythm(' Every 1d '), { everyMs: 24 * HOUR, graceMs: 3 * HOUR })
  assert.deepEqual(parseRhythm('every 30m'), { everyMs: HOUR / 2, graceMs: HOUR / 4 })
  for (const text of [
    '',
    '24h',
    'every',
    'every 0h',
    'every 1m',
    'every 24h grace',
    'every 24h 3h',
    'every -1d',
  ]) {
    assert.equal(parseRhythm(text), null, text)
  }
})

test('listening is whole when no break is longer than a minute', () => {
  const listening = [
    { from: 0, to: 1000_000 },
    { from: 1030_000, to: 2000_000 },
    { from: 2100_000, to: 3000_000 },
  ]
  assert.equal(wasListening(listening, 0, 1000_000), true)
  assert.equal(wasListening(listening, 500_000, 2000_000), true)
  assert.equal(wasListening(listening, 500_000, 2500_000), false)
  assert.equal(wasListening(listening, 2_010_000, 2_500_000), false)
  assert.equal(wasListening(listening, 2_500_000, 3_200_000), false)
  assert.equal(wasListening([], 0, 10_000_000), false)
})
