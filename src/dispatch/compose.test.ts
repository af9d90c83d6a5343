import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { NotifiedItem } from '../channel.ts'
import { OCCASIONS } from '../event.ts'
import { composeNotification, groupByStack, titleOf } from './compose.ts'
import { minutes, NOW, sampleRow } from './testing.ts'

const at = (minute: number, stackId: string, severity: number, changes = {}) =>
  sampleRow({ createdAt: minutes(minute), stackId, severity, ...changes })
const ENVELOPE = {
  id: 'm',
  kind: 'group' as const,
  because: null,
  createdAt: NOW,
  channel: { id: 'c', name: 'ops' },
  url: null,
}
const ITEM = { title: 'x' } as NotifiedItem

test('stacks come worst first, then newest first, each with its worst and newest event', () => {
  const rows = [
    at(1, 'old error', 3),
    at(2, 'warning', 2),
    at(3, 'new error', 3, { title: 'first' }),
    at(4, 'new error', 3, { title: 'second' }),
    at(5, 'new error', 2, { title: 'milder' }),
  ]
  const groups = groupByStack(rows)
  assert.deepEqual(
    groups.map(({ stackId, count }) => [stackId, count]),
    [
      ['new error', 3],
      ['old error', 1],
      ['warning', 1],
    ],
  )
  assert.equal(groups[0]!.cause, rows[3]!.cause)
})

test('a stack whose end came last is told by its end, and one that began anew by its trouble', () => {
  const end = at(2, 'a', 0, { occasion: 'resolved' })
  assert.equal(groupByStack([at(1, 'a', 4), end])[0]!.occasion, 'resolved')
  assert.equal(
    groupByStack([at(1, 'a', 4), { ...end, occasion: 'acknowledged' }])[0]!.occasion,
    'acknowledged',
  )
  assert.equal(groupByStack([at(1, 'a', 3), end, at(3, 'a', 2)])[0]!.occasion, 'event')
})

test('a notification counts all events, also of stacks that have no item', () => {
  const rows = [at(1, 'a', 4), at(2, 'a', 3), at(3, 'b', 3), at(4, 'c', 1)]
  const made = composeNotification(ENVELOPE, rows, [ITEM])
  assert.deepEqual(
    { events: made?.events, stacks: made?.stacks, severity: made?.severity, bySeverity: made?.bySeverity },
    {
      events: 4,
      stacks: 3,
      severity: 'critical',
      bySeverity: { ok: 0, info: 1, warning: 0, error: 2, critical: 1 },
    },
  )
  assert.deepEqual(made?.channel, ENVELOPE.channel)
})

test('without any item there is nothing to send', () => {
  assert.equal(composeNotification(ENVELOPE, [at(1, 'a', 4)], []), null)
})

test('the title of a message is that of its first stack, and says how many others there are', () => {
  assert.equal(titleOf([at(1, 'a', 3, { title: 'disk' })]), 'disk')
  assert.equal(
    titleOf([at(1, 'a', 3, { title: 'disk' }), at(2, 'b', 4, { title: 'node' })]),
    'node, and 1 more',
  )
})

test('no event is lost or counted twice, whatever comes together', () => {
  const row = fc
    .record({
      stackId: fc.constantFrom('a', 'b', 'c'),
      severity: fc.nat(4),
      occasion: fc.constantFrom(...OCCASIONS),
    })
    .map((changes) => sampleRow(changes))
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), (rows) => {
      const groups = groupByStack(rows)
      assert.equal(
        groups.reduce((sum, { count }) => sum + count, 0),
        rows.length,
      )
      assert.equal(new Set(groups.map(({ stackId }) => stackId)).size, groups.length)
      for (const [index, group] of groups.entries()) {
        assert.ok(rows.some(({ cause, stackId }) => cause === group.cause && stackId === group.stackId))
        assert.ok(index === 0 || groups[index - 1]!.severity >= group.severity)
      }
      const made = composeNotification(ENVELOPE, rows, [ITEM])!
      assert.equal(
        Object.values(made.bySeverity).reduce((sum, count) => sum + count, 0),
        rows.length,
      )
    }),
  )
})
