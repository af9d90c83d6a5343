import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Metadata } from '../event.ts'
import { parseDuration } from './duration.ts'
import type { ScoreFile } from './format.ts'
import { compileGrouping, decideGrouping, type Grouping, type GroupingVerdict } from './grouping.ts'
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
  return judge(score, metadata, groupingKey)
}

function judge(
  score: ScoreFile | undefined,
  metadata: Metadata,
  groupingKey: string | null = null,
): GroupingVerdict {
  const { metadata: reader, values } = read(metadata)
  return decideGrouping(score && compileGrouping(score), sampleEvent({ groupingKey }), reader, values)
}

test('the first template that resolves fully gives the key', () => {
  assert.deepEqual(judge(SCORE, { NodeName: 'pve-01', VMID: '100' }), {
    role: 'repeats',
    key: 'pve-01/100',
    windowMs: DAY / 4,
    stackColor: 'worst-severity',
    closedSeverity: null,
    rule: null,
    restState: null,
    attempts: [{ template: '${metadata.NodeName}/${metadata.VMID}', text: 'pve-01/100', missing: [] }],
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
  assert.equal(decide(SCORE, { NodeName: '', VMID: '100' }).role, 'single')
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
  const { role, key, windowMs } = decide(undefined, {}, 'mine')
  assert.deepEqual([role, key, windowMs], ['repeats', 'mine', DAY])
})

test('a score that groups without a window has none, as with an empty one', () => {
  const { groupingWindow: _, ...endless } = SCORE
  assert.equal(decide(endless, {}).windowMs, null)
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
      assert.deepEqual(judge(SCORE, { NodeName, VMID }), judge(SCORE, present))
    }),
  )
})

const SESSIONS: ScoreFile = {
  ...SCORE,
  groupingRules: [
    { match: { state: 'down' }, role: 'opens', key: '${metadata.host}' },
    { match: { state: 'still down' }, role: 'continues', key: '${metadata.host}', window: '1h' },
    { match: { state: 'up' }, role: 'closes', key: '${metadata.host}', stackColor: 'worst-severity' },
    { match: { state: 'note' }, role: 'repeats', key: 'note/${metadata.host}', window: '' },
    { match: { state: 'echo' }, role: 'repeats' },
    { match: { state: 'alone' }, role: 'single', key: '${metadata.host}' },
    { match: { state: 'd*' }, role: 'repeats', key: 'never' },
  ],
}

test('grouping rules say the role in place of grouping; the first that matches counts', () => {
  const seen = (state: string) => {
    const { role, key, windowMs, stackColor } = judge(SESSIONS, { state, host: 'nas', NodeName: 'pve' })
    return [role, key, windowMs, stackColor]
  }
  assert.deepEqual(seen('DOWN'), ['opens', 'nas', null, 'current-state'])
  assert.deepEqual(seen('still down'), ['continues', 'nas', DAY / 24, 'current-state'])
  assert.deepEqual(seen('up'), ['closes', 'nas', null, 'worst-severity'])
  assert.deepEqual(seen('note'), ['repeats', 'note/nas', null, 'worst-severity'])
  assert.deepEqual(seen('echo'), ['repeats', 'pve', DAY / 4, 'worst-severity'])
  assert.deepEqual(seen('alone'), ['single', null, DAY / 4, 'worst-severity'])
  assert.deepEqual(seen('other'), ['single', null, DAY / 4, 'worst-severity'])
})

test('repeats without any window have no end', () => {
  const { groupingWindow: _, ...endless } = SESSIONS
  assert.equal(judge(endless, { state: 'echo', NodeName: 'pve' }).windowMs, null)
})

test('a role whose key does not resolve stands alone', () => {
  for (const state of ['down', 'still down', 'up', 'note', 'echo']) {
    const seen = judge(SESSIONS, { state, host: ' ' })
    assert.deepEqual([seen.role, seen.key, seen.closedSeverity], ['single', null, null], state)
  }
  assert.deepEqual(judge(SESSIONS, { state: 'down' }).attempts, [
    { template: '${metadata.host}', text: null, missing: ['metadata.host'] },
  ])
})

test('a payload’s own key goes before that of a rule, and makes no stack where the rules want none', () => {
  assert.deepEqual(judge(SESSIONS, { state: 'down' }, ' mine ').key, 'mine')
  assert.deepEqual(judge(SESSIONS, { state: 'down', host: 'nas' }, 'mine').key, 'mine')
  for (const state of ['alone', 'other']) assert.equal(judge(SESSIONS, { state }, 'mine').key, null)
})

test('an empty list of rules is none', () => {
  assert.equal(decide({ ...SCORE, groupingRules: [] }, { NodeName: 'pve' }).role, 'repeats')
})

test('a subject at rest when off swaps opens and closes, and nothing else', () => {
  const score: ScoreFile = {
    ...SESSIONS,
    restStateOverrides: [
      { match: { host: 'tv-kitchen' }, restState: 'on', closedCycleSeverity: 'info' },
      { match: { host: 'tv*' }, restState: 'off', closedCycleSeverity: 'warning' },
      { match: { host: 'radio' }, restState: 'off' },
    ],
  }
  const seen = (state: string, host: string) => {
    const { role, closedSeverity } = judge(score, { state, host })
    return [role, closedSeverity]
  }
  assert.deepEqual(seen('down', 'tv-hall'), ['closes', 'warning'])
  assert.deepEqual(seen('up', 'tv-hall'), ['opens', 'warning'])
  assert.deepEqual(seen('still down', 'tv-hall'), ['continues', 'warning'])
  assert.deepEqual(seen('note', 'tv-hall'), ['repeats', null])
  assert.deepEqual(seen('down', 'tv-kitchen'), ['opens', 'info'])
  assert.deepEqual(seen('down', 'radio'), ['closes', null])
  assert.deepEqual(seen('down', 'nas'), ['opens', null])
})

test('the swap follows the role to its own defaults', () => {
  const score: ScoreFile = {
    ...SCORE,
    groupingRules: [{ match: {}, role: 'opens', key: 'k' }],
    restStateOverrides: [{ match: {}, restState: 'off' }],
  }
  const { role, windowMs, stackColor } = judge(score, {})
  assert.deepEqual([role, windowMs, stackColor], ['closes', null, 'current-state'])
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
