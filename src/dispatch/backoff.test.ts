import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextTry } from './backoff.ts'

const CREATED = new Date('2026-11-22T00:00:00Z')
const DAY = 24 * 3_600_000
const after = (ms: number) => new Date(CREATED.getTime() + ms)

/** Milliseconds from the first try to each of the next ones, when none succeeds. */
function triesOf(chance: () => number, retryAfter: (tries: number) => number | null = () => null): number[] {
  const at: number[] = []
  let now = CREATED
  for (let tries = 1; tries < 1_000; tries++) {
    const next = nextTry({ createdAt: CREATED, tries }, retryAfter(tries), now, chance())
    if (!next) return at
    assert.ok(next > now, 'it goes back in time')
    at.push(next.getTime() - CREATED.getTime())
    now = next
  }
  throw new Error('it never gives up')
}

test('the first pauses are short, the later ones an hour, and the last try is after a day', () => {
  const tries = triesOf(() => 0.5)
  assert.deepEqual(
    tries.slice(0, 9).map((ms) => ms / 1_000),
    [10, 40, 100, 220, 520, 1_120, 2_320, 4_120, 7_720],
  )
  assert.equal(tries[10]! - tries[9]!, 3_600_000)
  assert.equal(tries.at(-1), DAY)
  assert.equal(tries.length, 31)
})

test('chance adds or takes a fifth at the most, and the day stays a day', () => {
  const pause = (chance: number) =>
    nextTry({ createdAt: CREATED, tries: 1 }, null, CREATED, chance)!.getTime() - CREATED.getTime()
  assert.deepEqual([pause(0), pause(0.5), pause(1)], [8_000, 10_000, 12_000])
  fc.assert(
    fc.property(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (chances) => {
      const tries = triesOf(() => chances.next().value)
      assert.equal(tries.at(-1), DAY)
      assert.ok(tries.length >= 26 && tries.length <= 38, String(tries.length))
    }),
  )
})

test('a receiver may ask for a longer pause, not for a shorter one, and not beyond the day', () => {
  const next = (wish: number, now = CREATED) => nextTry({ createdAt: CREATED, tries: 1 }, wish, now, 0.5)
  assert.deepEqual(next(5_000), after(10_000))
  assert.deepEqual(next(90_000), after(90_000))
  assert.deepEqual(next(7 * DAY), after(DAY))
  assert.deepEqual(next(60_000, after(DAY - 1)), after(DAY))
})

test('whoever always asks for an hour is tried each hour', () => {
  assert.deepEqual(
    triesOf(
      () => 0,
      () => 3_600_000,
    ).slice(0, 3),
    [3_600_000, 7_200_000, 10_800_000],
  )
})

test('a message that is older than a day is given up', () => {
  assert.equal(nextTry({ createdAt: CREATED, tries: 1 }, null, after(DAY), 0.5), null)
  assert.equal(nextTry({ createdAt: CREATED, tries: 1 }, 60_000, after(DAY + 1), 0.5), null)
})
