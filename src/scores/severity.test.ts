import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IncomingEvent } from '../event.ts'
import type { ScoreFile } from './format.ts'
import { compileSeverity, decideSeverity, type SeverityVerdict } from './severity.ts'
import { read, sampleEvent } from './testing.ts'

const SCORE: ScoreFile = {
  providerIdentifier: 'com.example',
  displayName: 'Example',
  color: '#111111',
  severityDefault: { severity: 'warning', label: 'Odd', color: '#222222' },
  severityRules: [
    {
      match: { state: 'down' },
      severity: 'critical',
      label: 'Down',
      color: '#333333',
      title: '${metadata.host} is down',
    },
    {
      match: { state: 'd*' },
      severity: 'error',
      label: 'Degraded: ${metadata.why}',
      subtitle: '${metadata.why}',
    },
    { match: { state: 'up' }, severity: 'ok' },
  ],
}

function judge(score: ScoreFile | undefined, event: Partial<IncomingEvent>): SeverityVerdict {
  const { metadata, values } = read(event.metadata ?? {})
  return decideSeverity(score && compileSeverity(score), sampleEvent(event), metadata, values)
}

/** A verdict without what only explains it. */
function decide(score: ScoreFile | undefined, event: Partial<IncomingEvent>) {
  const { sender: _, decidedBy: __, ...said } = judge(score, event)
  return said
}

test('the first rule that matches gives severity, badge, colour and texts', () => {
  assert.deepEqual(decide(SCORE, { metadata: { state: 'DOWN', host: 'nas' } }), {
    severity: 'critical',
    label: 'Down',
    color: '#333333',
    title: 'nas is down',
    subtitle: null,
    rule: 0,
  })
  assert.deepEqual(decide(SCORE, { metadata: { state: 'drained', why: 'disk' } }), {
    severity: 'error',
    label: 'Degraded: disk',
    color: '#111111',
    title: null,
    subtitle: 'disk',
    rule: 1,
  })
})

test('a rule without a label wears the name of its severity', () => {
  assert.equal(decide(SCORE, { metadata: { state: 'up' } }).label, 'OK')
})

test('a missing value leaves its placeholder to be seen', () => {
  assert.equal(decide(SCORE, { metadata: { state: 'down' } }).title, '${metadata.host} is down')
})

test('without a matching rule the default counts, else info', () => {
  const bareVerdict = { title: null, subtitle: null, rule: null }
  const expected = { severity: 'warning', label: 'Odd', color: '#222222', ...bareVerdict }
  assert.deepEqual(decide(SCORE, { metadata: { state: 'x' } }), expected)
  const { severityDefault: _, ...bare } = SCORE
  assert.deepEqual(decide(bare, {}), { severity: 'info', label: 'Info', color: '#111111', ...bareVerdict })
  assert.equal(judge(SCORE, {}).decidedBy, 'default')
  assert.equal(judge(bare, {}).decidedBy, 'none')
  assert.equal(judge(SCORE, { metadata: { state: 'up' } }).decidedBy, 'rule')
})

test('a sender’s own severity other than info is taken as it is', () => {
  const down = { metadata: { state: 'down', why: 'disk' } }
  assert.deepEqual(decide(SCORE, { ...down, severity: 'error' }), {
    severity: 'error',
    label: 'Degraded: disk',
    color: '#111111',
    title: null,
    subtitle: 'disk',
    rule: 1,
  })
  const none = decide(SCORE, { ...down, severity: 'ok' })
  assert.deepEqual([none.severity, none.label, none.rule], ['ok', 'OK', null])
  assert.equal(decide(SCORE, { ...down, severity: 'info' }).severity, 'critical')
})

test('unless the score says that its rules decide', () => {
  const strict = { ...SCORE, senderSeverityWins: false }
  assert.equal(decide(strict, { severity: 'ok', metadata: { state: 'down' } }).severity, 'critical')
  assert.equal(decide(strict, { severity: 'critical' }).severity, 'warning')
})

test('metadata.severity is ordinary metadata to a score', () => {
  assert.equal(decide(SCORE, { metadata: { severity: 'critical' } }).severity, 'warning')
})

test('without a score the payload says it, at the top, else in the metadata, else it is info', () => {
  assert.equal(decide(undefined, { severity: 'ok', metadata: { severity: 'error' } }).severity, 'ok')
  assert.equal(decide(undefined, { severity: 'info', metadata: { severity: 'error' } }).severity, 'info')
  assert.equal(decide(undefined, { metadata: { severity: 'Error' } }).severity, 'error')
  for (const severity of ['notice', 'unknown', '', null, 4, {}]) {
    assert.equal(decide(undefined, { metadata: { severity } }).severity, 'info')
  }
  assert.equal(decide(undefined, {}).color, '#8E8E93')
})

test('the payload’s colour goes before all others', () => {
  assert.equal(decide(SCORE, { color: '#ABCDEF', metadata: { state: 'down' } }).color, '#ABCDEF')
  assert.equal(decide(undefined, { color: '#ABCDEF' }).color, '#ABCDEF')
})

test('whose word the severity is, and why the sender’s was taken or not', () => {
  const cases: [score: ScoreFile | undefined, event: Partial<IncomingEvent>, taken: boolean, why: RegExp][] =
    [
      [SCORE, { severity: 'error' }, true, /goes before the rules/],
      [SCORE, { severity: 'info' }, false, /leaves it to the rules/],
      [SCORE, {}, false, /none at the top level/],
      [{ ...SCORE, senderSeverityWins: false }, { severity: 'error' }, false, /senderSeverityWins/],
      [undefined, { severity: 'info' }, true, /no score/],
      [undefined, { metadata: { severity: 'error' } }, true, /no score/],
      [undefined, { metadata: { severity: 'notice' } }, false, /none of ok, info/],
    ]
  for (const [score, event, taken, why] of cases) {
    const { sender, decidedBy } = judge(score, event)
    assert.equal(sender.taken, taken)
    assert.equal(decidedBy === 'sender', taken)
    assert.match(sender.why, why)
  }
})

test('colours: the default’s own, else the score’s, and none of the default for a sender’s word', () => {
  assert.equal(judge(SCORE, {}).color, '#222222')
  assert.equal(judge({ ...SCORE, severityDefault: { label: 'x' } }, {}).color, '#111111')
  assert.equal(judge(SCORE, { severity: 'error' }).color, '#111111')
  assert.equal(judge({ providerIdentifier: 'abc', displayName: 'x' }, {}).color, '#8E8E93')
})

test('labels of rules and of the default are templates, and a blank one counts as none', () => {
  const label = (text: string) =>
    judge({ ...SCORE, severityDefault: { label: text } }, { metadata: { n: 3 } }).label
  assert.equal(label('${metadata.n} matches'), '3 matches')
  assert.equal(label('${metadata.m} matches'), '${metadata.m} matches')
  assert.equal(label('  '), 'Info')
})
