import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ScoreProblem } from './problem.ts'
import { validateScore } from './validate.ts'

const MINIMAL = { providerIdentifier: 'com.example', displayName: 'Example' }

function problems(changes: object): ScoreProblem[] {
  const result = validateScore({ ...MINIMAL, ...changes })
  return 'problems' in result ? result.problems : []
}

const FULL = {
  $schema: './tempo-score.schema.json',
  color: '#e57000',
  severityDefault: { label: 'Odd' },
  severityRules: [
    { match: { a: 1, b: null, c: true, 'd.e': '*' }, severity: 'ok', title: '${title}', subtitle: 'x' },
  ],
  senderSeverityWins: false,
  indicatorRules: [
    { match: {}, emoji: '🌙' },
    { match: {}, color: 'red' },
  ],
  tagRules: [{ match: {}, tag: '${metadata.tag}' }],
  ackRules: [{ match: { a: 'x' } }],
  dismissRules: [{ match: { a: 'x' } }],
  grouping: '${metadata.a}',
  groupingWindow: '',
  groupingRules: [
    { match: {}, role: 'opens', key: 'x', window: '2h', stackColor: 'worst-severity' },
    { match: {}, role: 'single' },
  ],
  restStateOverrides: [{ match: {}, restState: 'off', closedCycleSeverity: 'warning' }],
  stackTitle: '${title}',
  eventPattern: 'run-bound',
  surface: 'agenda',
  defaultActions: [
    { label: 'x', systemIcon: 'y', trigger: { openTerminalWith: 'echo ${HOME}' }, _disabled: true },
    { label: 'x', systemIcon: 'y', trigger: { copyToClipboard: '${metadata}' } },
  ],
  helper: { platforms: ['py'] },
  _comment: ['x'],
  _bundledVersion: 3,
}

test('every key of the format is taken', () => {
  assert.deepEqual(problems(FULL), [])
  assert.deepEqual(problems({}), [])
})

test('a missing or wrong identifier is named', () => {
  assert.deepEqual(validateScore({}), {
    problems: [
      { path: 'providerIdentifier', message: 'is missing' },
      { path: 'displayName', message: 'is missing' },
    ],
  })
  for (const providerIdentifier of ['Com.Example', 'ab', 'a..b', '.abc', 'a b c', 'com.']) {
    assert.equal(problems({ providerIdentifier })[0]?.path, 'providerIdentifier', providerIdentifier)
  }
})

test('an unknown key is refused with its path and the key that was meant', () => {
  assert.deepEqual(problems({ severityRule: [] }), [
    { path: 'severityRule', message: 'is not a key of the format', meant: 'severityRules' },
  ])
  const rule = { match: {}, severity: 'ok', colour: '#000000' }
  assert.deepEqual(problems({ severityRules: [{ match: {}, severity: 'ok' }, rule] }), [
    { path: 'severityRules[1].colour', message: 'is not a key of the format', meant: 'color' },
  ])
  assert.equal(problems({ xyzzy: 1 })[0]?.meant, undefined)
  assert.equal(problems(JSON.parse('{"__proto__x": 1, "constructor": 2}')).length, 2)
})

test('a wrong value is named with what is possible', () => {
  const rule = { match: { a: [1] }, severity: 'eror' }
  assert.deepEqual(problems({ severityRules: [{ severity: 'ok' }, rule] }), [
    { path: 'severityRules[0].match', message: 'is missing' },
    { path: 'severityRules[1].match.a', message: 'must be string or number or boolean or null' },
    {
      path: 'severityRules[1].severity',
      message: 'must be one of ok, info, warning, error, critical',
      meant: 'error',
    },
  ])
  assert.match(problems({ color: 'red' })[0]!.message, /colour such as/)
  for (const window of ['1y', '0d', '1.5h', ' ']) {
    assert.match(problems({ groupingWindow: window })[0]!.message, /duration such as/)
  }
  assert.equal(problems({ groupingWindow: '999999w' })[0]!.path, 'groupingWindow')
})

test('a trigger has exactly one kind', () => {
  const action = (trigger: object) => problems({ defaultActions: [{ label: 'x', systemIcon: 'y', trigger }] })
  const path = 'defaultActions[0].trigger'
  const message = 'must have exactly one of openURL, copyToClipboard, openTerminalWith'
  assert.deepEqual(action({}), [{ path, message }])
  assert.deepEqual(action({ openURL: 'x', copyToClipboard: 'y' }), [{ path, message }])
  assert.deepEqual(action({ openUrl: 'x' }), [
    { path: `${path}.openUrl`, message: 'is not a key of the format', meant: 'openURL' },
  ])
})

test('a placeholder that no event has is found wherever templates are', () => {
  const typo = '${metdata.a}'
  const rule = { match: {}, severity: 'ok', label: typo, title: typo, subtitle: typo }
  const found = problems({
    severityDefault: { label: typo },
    severityRules: [rule],
    tagRules: [{ match: {}, tag: typo }],
    grouping: [typo],
    groupingRules: [{ match: {}, role: 'repeats', key: typo }],
    stackTitle: typo,
    defaultActions: [{ label: typo, systemIcon: 'x', trigger: { openURL: typo } }],
  })
  assert.deepEqual(
    found.map(({ path }) => path),
    [
      'severityDefault.label',
      'severityRules[0].label',
      'severityRules[0].title',
      'severityRules[0].subtitle',
      'tagRules[0].tag',
      'grouping[0]',
      'groupingRules[0].key',
      'stackTitle',
      'defaultActions[0].label',
      'defaultActions[0].trigger.openURL',
    ],
  )
  assert.ok(found.every(({ meant }) => meant === '${metadata.a}'))
})

test('a glob that would take long is refused, in whatever rule it stands', () => {
  const match = { 'a.b': `*${'x?'.repeat(65)}y*` }
  const rule = { match, severity: 'ok', tag: 'x', role: 'single', restState: 'on' }
  for (const [list, keys] of Object.entries({
    severityRules: ['match', 'severity'],
    indicatorRules: ['match'],
    tagRules: ['match', 'tag'],
    ackRules: ['match'],
    dismissRules: ['match'],
    groupingRules: ['match', 'role'],
    restStateOverrides: ['match', 'restState'],
  })) {
    const entries = Object.entries(rule).filter(([key]) => keys.includes(key))
    const found = problems({ [list]: [Object.fromEntries(entries)] })
    assert.equal(found[0]?.path, `${list}[0].match["a.b"]`)
    assert.match(found[0]!.message, /between two "\*"/)
  }
})

test('of very many problems the first are told', () => {
  assert.equal(problems(Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`x${n}`, 1]))).length, 100)
})

test('what is no object is refused', () => {
  for (const value of [null, [], 'x', 1])
    assert.deepEqual(validateScore(value), { problems: [{ path: '', message: 'must be object' }] })
})
