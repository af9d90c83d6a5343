import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instantAt, offsetBetween } from './local-time.ts'

const at = (text: string) => new Date(text)

test('the offset is that quarter of an hour that leaves a few minutes between log and report', () => {
  for (const [local, instant, minutes] of [
    ['2026-11-21 02:02:04', '2026-11-21T01:02:04Z', 60],
    ['2026-11-21 02:02:04', '2026-11-21T01:08:04Z', 60],
    ['2026-11-21 01:02:04', '2026-11-21T01:02:04Z', 0],
    ['2026-11-21 01:02:04', '2026-11-21T01:01:34Z', 0],
    ['2026-11-20 19:02:04', '2026-11-21T01:02:10Z', -360],
    ['2026-11-21 06:47:04', '2026-11-21T01:02:10Z', 345],
    ['2026-11-21 15:02:04', '2026-11-21T01:02:10Z', 840],
  ] as const) {
    assert.equal(offsetBetween(local, at(instant)), minutes, `${local} ${instant}`)
  }
})

test('what is too far apart for a zone, or no time at all, tells nothing', () => {
  assert.equal(offsetBetween('2026-11-21 02:02:04', at('2026-11-21T01:12:04Z')), null)
  assert.equal(offsetBetween('2026-11-23 02:02:04', at('2026-11-21T01:02:04Z')), null)
  assert.equal(offsetBetween('2026-13-41 02:02:04', at('2026-11-21T01:02:04Z')), null)
  assert.equal(offsetBetween('2026-11-21 02:02:04', new Date(Number.NaN)), null)
})

test('an instant is the local time less the offset', () => {
  assert.deepEqual(instantAt('2026-11-21 02:00:04', 60), at('2026-11-21T01:00:04Z'))
  assert.deepEqual(instantAt('2026-11-20 19:00:04', -360), at('2026-11-21T01:00:04Z'))
  assert.equal(instantAt('2026-99-21 02:00:04', 60), null)
})
