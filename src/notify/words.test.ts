import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeItem, makeNotification } from '../../test/helpers/notifications.ts'
import {
  clickable,
  countsOf,
  detailsOf,
  factsOf,
  headlineOf,
  introOf,
  isSingle,
  linksOf,
  markOf,
  severityOf,
} from './words.ts'

test('a group is counted by the bands that people see, the worst first', () => {
  const items = (['ok', 'info', 'critical', 'error', 'error'] as const).map((severity) =>
    makeItem({ severity, count: 2 }),
  )
  assert.equal(countsOf(makeNotification(items)), '10 events in 5 stacks: 2 critical, 4 error, 4 info')
  assert.equal(
    countsOf(makeNotification([makeItem({ severity: 'warning' })])),
    '1 event in 1 stack: 1 warning',
  )
})

test('a label that says no more than its severity is not repeated', () => {
  assert.equal(severityOf(makeItem({ severity: 'ok', label: 'INFO' })), 'Info')
  assert.equal(severityOf(makeItem({ severity: 'ok', label: '' })), 'Info')
  assert.equal(severityOf(makeItem({ label: 'Backup failed' })), 'Error · Backup failed')
})

test('a headline says what happened to the stack, and is never empty', () => {
  assert.equal(headlineOf(makeNotification([makeItem({ title: ' \n ' })])), 'Event without a title')
  assert.equal(headlineOf(makeNotification([makeItem({ occasion: 'resolved' })])), 'Resolved: Backup failed')
  assert.equal(headlineOf(makeNotification([makeItem()], { kind: 'test' })), 'Test: Backup failed')
})

test('one stack in a summary is shown as one, with why it comes late', () => {
  const summary = makeNotification([makeItem({ count: 3 })], {
    kind: 'summary',
    because: 'Quiet hours are over.',
  })
  assert.ok(isSingle(summary))
  assert.equal(introOf(summary), 'Quiet hours are over.')
  assert.deepEqual(factsOf(summary.items[0]!).at(-1), { name: 'Events', value: '3' })
  assert.ok(!isSingle({ ...summary, stacks: 2 }))
})

test('what is not known is left out', () => {
  const item = makeItem({ node: null, vmid: null })
  assert.deepEqual(
    factsOf(item).map(({ name }) => name),
    ['Severity', 'Source', 'Time'],
  )
  assert.equal(detailsOf(item), 'Error · Backup failed · 2026-11-21T02:00:04Z')
  assert.deepEqual(linksOf(makeNotification([makeItem({ url: null, links: [] })])), [])
})

test('it is over only when all of it is', () => {
  const resolved = makeItem({ occasion: 'resolved' })
  assert.equal(markOf(makeNotification([resolved, resolved])), '✅')
  assert.equal(markOf(makeNotification([resolved, makeItem()])), '🟠')
})

test('only addresses of the web are links', () => {
  for (const url of [
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'ssh://pve1',
    'x',
    '',
    null,
  ]) {
    assert.equal(clickable(url), null)
  }
  assert.equal(clickable(`https://example.org/${'x'.repeat(2_000)}`), null)
  assert.equal(clickable('https://example.org/a b'), 'https://example.org/a%20b')
})
