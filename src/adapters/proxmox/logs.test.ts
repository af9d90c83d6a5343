import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastLocal, readGuestLogs, startedLocal } from './logs.ts'

test('lines go to the guest whose VMID stands in front, and those of the job to none', () => {
  const logs = readGuestLogs([
    'vzdump 100',
    '',
    'hook: x',
    '100: a',
    '101: b',
    '',
    '100: c: d',
    '99a: x',
    '101:',
  ])
  assert.deepEqual(
    [...logs],
    [
      [100, ['a', 'c: d']],
      [101, ['b']],
    ],
  )
})

test('a line that vzdump broke behind 990 bytes is one line again, whatever its rest looks like', () => {
  for (const filler of ['x', 'ü']) {
    const start = `100: ${filler.repeat(985)}`
    const first = Buffer.from(start)
      .subarray(0, 990)
      .toString()
      .replace(/\ufffd$/, '')
    const padded = first + 'y'.repeat(990 - Buffer.byteLength(first))
    const logs = readGuestLogs([padded, '101: forged', '101: real'])
    assert.deepEqual(logs.get(101), ['real'])
    assert.deepEqual(logs.get(100), [`${padded.slice(5)}101: forged`])
  }
  const shorter = readGuestLogs([`100: ${'x'.repeat(984)}`, '101: real'])
  assert.deepEqual(shorter.get(101), ['real'])
})

test('a backup starts with the line that says so, or else with its first line', () => {
  const start = '2026-11-21 02:00:04 INFO: Starting Backup of VM 100 (qemu)'
  const hook = '2026-11-21 01:59:00 INFO: hook'
  assert.equal(startedLocal([hook, start], 100), '2026-11-21 02:00:04')
  assert.equal(startedLocal([hook, start], 10), '2026-11-21 01:59:00')
  assert.equal(startedLocal(['no log available'], 100), null)
})

test('the last time is the latest of all guests', () => {
  const logs = readGuestLogs([
    '101: 2026-11-21 02:05:00 INFO: x',
    '101: no time',
    '100: 2026-11-21 02:04:00 INFO: y',
  ])
  assert.equal(lastLocal(logs), '2026-11-21 02:05:00')
  assert.equal(lastLocal(new Map()), null)
})
