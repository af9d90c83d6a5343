import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Database } from './database.ts'
import { forget, knownToTheirEnd, newestOf, recall, remember } from './known-series.ts'
import { type Interval, Series } from './placement.ts'

const PROVIDER = 'com.example'
/** Only its identity counts. */
const newDatabase = () => ({}) as Database
const moment = (key: string, at: number) => ({ provider: PROVIDER, key, at: new Date(at) })
const interval = (openedAt: number, closesAt: number | null = null): Interval => ({
  stackId: `stack at ${openedAt}`,
  openedAt,
  closesAt,
  windowMs: null,
  lastEventAt: openedAt,
})

test('each database has a memory of its own, of which all must be known that is asked for', () => {
  const db = newDatabase()
  remember(db, new Map([[`${PROVIDER} a`, interval(10)]]))
  assert.deepEqual([...recall(db, [moment('a', 10), moment('a', 99)])!.keys()], [`${PROVIDER} a`])
  assert.equal(recall(newDatabase(), [moment('a', 10)]), null)
  assert.equal(recall(db, [moment('a', 10), moment('b', 10)]), null)
  assert.equal(recall(db, [moment('a', 10), moment('a', 9)]), null)
  forget(db, [`${PROVIDER} a`])
  assert.equal(recall(db, [moment('a', 10)]), null)
  assert.equal(recall(db, [])!.size, 0)
})

test('the series that were written to last are remembered, and no more of them than a bound', () => {
  const db = newDatabase()
  const names = Array.from({ length: 20_001 }, (_, n) => String(n))
  for (const name of names) {
    remember(db, new Map([[`${PROVIDER} ${name}`, interval(0)]]))
    remember(db, new Map([[`${PROVIDER} 0`, interval(0)]]))
  }
  const known = names.filter((name) => recall(db, [moment(name, 0)]) !== null)
  assert.ok(known.length >= 10_000 && known.length <= 20_000, `${known.length}`)
  assert.deepEqual(known, ['0', ...names.slice(-known.length + 1)])
  forget(db, [`${PROVIDER} 0`])
  assert.equal(recall(db, [moment('0', 0)]), null)
})

test('what is remembered is a copy of what was given', () => {
  const db = newDatabase()
  const name = `${PROVIDER} a`
  remember(db, new Map([[name, interval(0, 5)]]))
  const given = interval(10, 20)
  remember(db, new Map([[name, given]]))
  given.openedAt = 99
  assert.deepEqual(recall(db, [moment('a', 12)])!.get(name), interval(10, 20))
})

test('the newest interval is known when nothing was found to open after the last moment', () => {
  const series = new Map([
    [`${PROVIDER} ends`, new Series([interval(0, 5), interval(10)])],
    [`${PROVIDER} goes on`, new Series([interval(0, 5), interval(30)])],
    [`${PROVIDER} empty`, new Series([])],
  ])
  const known = knownToTheirEnd(series, [
    moment('ends', 20),
    moment('goes on', 20),
    moment('goes on', 3),
    moment('empty', 3),
  ])
  assert.deepEqual([...known.keys()], [`${PROVIDER} ends`, `${PROVIDER} empty`])
  assert.deepEqual([...newestOf(known)], [[`${PROVIDER} ends`, interval(10)]])
})
