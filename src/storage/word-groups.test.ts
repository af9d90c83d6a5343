import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeGroups, type WordsToIndex } from './word-groups.ts'

const groupsOf = (events: WordsToIndex[]) =>
  Array.from(makeGroups(events), ({ spans, words, events }) => ({
    spans,
    words,
    eventIds: events.map(({ id }) => id),
  }))
const event = (id: number, hour: number, body: string) => ({ id: String(id), spans: [hour, hour + 1], body })

test('a group holds events of one hour, and each of their words once', () => {
  const groups = groupsOf([
    event(1, 100, 'backup of 101 ok\nok'),
    event(2, 105, 'backup of 102 ok'),
    event(3, 100, 'backup of 103\tfailed'),
  ])
  assert.deepEqual(
    groups.map(({ spans, eventIds, words }) => ({ spans, eventIds, words })),
    [
      { spans: [100, 101], eventIds: ['1', '3'], words: 'backup of 101 ok 103 failed' },
      { spans: [105, 106], eventIds: ['2'], words: 'backup of 102 ok' },
    ],
  )
})

test('every event is in one group, and those that are alike are together', () => {
  const events = Array.from({ length: 50 }, (_, n) =>
    event(n, 100, `${n % 2 === 0 ? 'backup' : 'replication'} number${n}`),
  )
  const groups = groupsOf(events)
  assert.deepEqual(
    groups
      .flatMap(({ eventIds }) => eventIds)
      .map(Number)
      .sort((a, b) => a - b),
    events.map((_, n) => n),
  )
  assert.ok(groups.length <= 7)
  const mixed = groups.filter(({ words }) => words.includes('backup') && words.includes('replication'))
  assert.equal(mixed.length, 1)
})

test('events of one template make large groups, and those that share no word small ones', () => {
  const template = Array.from({ length: 20 }, (_, n) => `word${n}`).join(' ')
  const sizes = (events: WordsToIndex[]) => groupsOf(events).map(({ eventIds }) => eventIds.length)
  const alike = Array.from({ length: 70 }, (_, n) => event(n, 100, `${template}\nguest ${n}`))
  assert.deepEqual(sizes(alike), [32, 32, 6])
  const own = Array.from({ length: 20 }, (_, n) => event(n, 100, template.replaceAll('word', `word${n}x`)))
  assert.deepEqual(sizes(own), [8, 8, 4])
  assert.deepEqual(sizes([]), [])
})

test('a group of many ends behind an event that brings many words', () => {
  const long = `b ${Array.from({ length: 500 }, (_, n) => `word${n}`).join(' ')}`
  const bodies = [...Array.from({ length: 10 }, (_, n) => `a ${n % 2}`), long, 'c', 'c', 'c']
  assert.deepEqual(
    groupsOf(bodies.map((body, n) => event(n, 100, body))).map(({ eventIds }) => eventIds.length),
    [11, 3],
  )
})

test('an event without any text is in a group too', () => {
  const [group] = groupsOf([event(1, 100, '  ')])
  assert.deepEqual([group!.eventIds, group!.words], [['1'], ''])
})

test('a group has all words of its events, whatever lines they share', () => {
  const line = fc.constantFrom('', 'a', 'ab', 'a b', 'b', 'b\r', ' ')
  const body = fc.array(line, { maxLength: 4 }).map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(fc.array(body, { minLength: 1, maxLength: 8 }), (bodies) => {
      const [group] = groupsOf(bodies.map((body, n) => event(n, 100, body)))
      const wanted = new Set(bodies.flatMap((body) => body.split(/\s+/)).filter((word) => word !== ''))
      assert.deepEqual(new Set(group!.words.split(' ').filter((word) => word !== '')), wanted)
    }),
    { numRuns: 500 },
  )
})
