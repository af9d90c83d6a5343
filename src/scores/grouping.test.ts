import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Metadata } from '../event.ts'
import { parseDuration } from './duration.ts'
import type { ScoreFile } from './format.ts'
import { compileGrouping, decideGrouping, type Grouping } from './grouping.ts'
import { read, sampleEvent } from './testing.ts'

const SCORE: ScoreFile = {
  providerIdentifier: 'com.example',
  displayName: 'Example',
  grouping: ['${metadata.NodeName}/${metadata.VMID}', '${metadata.NodeName}'],
  groupingWindow: '6h',
}
const DAY = 86_400_000

function decide(
  score: ScoreFile | undefined,
  metadata: Metadata,
  groupingKey: string | null = null,
): Grouping {
  const { values } = read(metadata)
  return decideGrouping(score && compileGrouping(score), sampleEvent({ groupingKey }), values)
}

test('the first template that resolves fully gives the key', () => {
  assert.deepEqual(decide(SCORE, { NodeName: 'pve-01', VMID: '100' }), {
    key: 'pve-01/100',
    windowMs: DAY / 4,
  })
  assert.equal(decide(SCORE, { NodeName: 'pve-01', VMID: 100 }).key, 'pve-01/100')
  assert.equal(decide(SCORE, { NodeName: ' pve-01 ', VMID: ' 100\n' }).key, 'pve-01/100')
})

test('an empty VMID falls to the node alone', () => {
  for (const VMID of ['', ' ', '\t\n', null, undefined]) {
    assert.equal(decide(SCORE, { NodeName: 'pve-01', VMID }).key, 'pve-01')
  }
})

test('without any value, or any grouping, the event stands alone', () => {
  assert.equal(decide(SCORE, { NodeName: '', VMID: '100' }).key, null)
  const { grouping: _, ...ungrouped } = SCORE
  assert.equal(decide(ungrouped, { NodeName: 'pve-01' }).key, null)
  assert.equal(decide(undefined, { NodeName: 'pve-01' }).key, null)
})

test('keys keep their case', () => {
  assert.notEqual(decide(SCORE, { NodeName: 'PVE' }).key, decide(SCORE, { NodeName: 'pve' }).key)
})

test('a payload’s own key goes before the templates, unless it is blank', () => {
  assert.equal(decide(SCORE, { NodeName: 'pve-01' }, ' mine ').key, 'mine')
  assert.equal(decide(SCORE, { NodeName: 'pve-01' }, ' ').key, 'pve-01')
  assert.deepEqual(decide(undefined, {}, 'mine'), { key: 'mine', windowMs: DAY })
})

test('the window is a day unless the score says otherwise, and endless when empty', () => {
  const { groupingWindow: _, ...daily } = SCORE
  assert.equal(decide(daily, {}).windowMs, DAY)
  assert.equal(decide({ ...SCORE, groupingWindow: '' }, {}).windowMs, null)
})

test('very long keys are shortened and stay apart', () => {
  const key = (end: string) => decide(SCORE, { NodeName: 'n'.repeat(3_000_000) + end }).key!
  assert.ok(Buffer.byteLength(key('a')) < 600)
  assert.equal(key('a'), key('a'))
  assert.notEqual(key('a'), key('b'))
  assert.ok(Buffer.byteLength(decide(SCORE, { NodeName: '€'.repeat(500) }).key!) <= 1500)
})

test('null, missing and empty metadata group alike', () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.constantFrom(null, '', ' ', undefined))
  fc.assert(
    fc.property(value, value, (NodeName, VMID) => {
      const present = Object.fromEntries(
        Object.entries({ NodeName, VMID }).filter(([, v]) => String(v ?? '').trim()),
      )
      assert.deepEqual(decide(SCORE, { NodeName, VMID }), decide(SCORE, present))
    }),
  )
})

test('durations', () => {
  const minute = 60_000
  const expected = { '15m': 15, '30m': 30, '1h': 60, '6h': 360, '1d': 1440, '1w': 10_080, '90d': 129_600 }
  for (const [source, minutes] of Object.entries(expected))
    assert.equal(parseDuration(source), minutes * minute)
  assert.equal(parseDuration(''), null)
  for (const source of [
    '0m',
    '1',
    'd',
    '1 d',
    '1D',
    '-1d',
    '1.5h',
    '1d2h',
    '99999999d',
    '999999w',
    'constructor',
  ]) {
    assert.throws(() => parseDuration(source), RangeError, source)
  }
})
