import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EVENT_TYPES, type IncomingEvent, SEVERITIES } from '../event.ts'
import { resolveActions } from './actions.ts'
import { createCatalog } from './catalog.ts'
import { evaluateEvent } from './evaluate.ts'
import { explainEvent } from './explain.ts'
import type { ExplainedRule } from './explanation.ts'
import type { ScoreFile } from './format.ts'
import { sampleEvent } from './testing.ts'
import { validateScore } from './validate.ts'

const SCORE: ScoreFile = {
  providerIdentifier: 'com.example',
  displayName: 'Example',
  severityDefault: { label: 'Odd' },
  severityRules: [
    { match: { state: 'down', host: 'db*' }, severity: 'critical', label: 'Down: ${metadata.host}' },
    { match: { state: 'd?wn' }, severity: 'error' },
    { match: { state: null }, severity: 'warning', label: 'Silent' },
  ],
  indicatorRules: [{ match: { state: 'down' }, emoji: '🔥' }],
  tagRules: [{ match: { host: '*' }, tag: '${metadata.host}' }],
  ackRules: [{ match: { state: 'up' } }],
  dismissRules: [{ match: { noise: true } }],
  grouping: ['${metadata.host}/${metadata.disk}', '${metadata.host}', '${metadata.rack}'],
  groupingRules: [
    { match: { state: 'down' }, role: 'opens' },
    { match: { state: 'up' }, role: 'closes', key: '${metadata.host}' },
  ],
  restStateOverrides: [{ match: { host: 'tv' }, restState: 'off' }],
  defaultActions: [
    { label: 'Open', systemIcon: 'globe', trigger: { openURL: '${metadata.url}' } },
    { label: 'Copy', systemIcon: 'doc', trigger: { copyToClipboard: '${metadata.host} ${metadata.disk}' } },
  ],
}

const catalog = createCatalog([SCORE])

function explain(changes: Partial<IncomingEvent> = {}) {
  return explainEvent(catalog, sampleEvent(changes))
}

test('the score is named, and the names it was looked up by', () => {
  const { provider, score, lookedUp } = explain({ provider: 'com.example.disk' })
  assert.deepEqual(
    { provider, score, lookedUp },
    {
      provider: 'com.example.disk',
      score: { foundAs: 'com.example', displayName: 'Example' },
      lookedUp: ['com.example.disk', 'com.example', 'com'],
    },
  )
  assert.equal(explain({ provider: 'org.other' }).score, null)
})

test('every severity rule tells each condition: expected, actual, held', () => {
  const { severity } = explain({ metadata: { state: 'DOWN', host: 'web1' } })
  assert.deepEqual(severity.rules, [
    {
      index: 0,
      matched: false,
      conditions: [
        { key: 'state', expected: 'down', actual: 'DOWN', cutFrom: null, held: true },
        { key: 'host', expected: 'db*', actual: 'web1', cutFrom: null, held: false },
      ],
      severity: 'critical',
      label: 'Down: ${metadata.host}',
      inPlay: true,
    },
    {
      index: 1,
      matched: true,
      conditions: [{ key: 'state', expected: 'd?wn', actual: 'DOWN', cutFrom: null, held: true }],
      severity: 'error',
      label: null,
      inPlay: true,
    },
    {
      index: 2,
      matched: false,
      conditions: [{ key: 'state', expected: null, actual: 'DOWN', cutFrom: null, held: false }],
      severity: 'warning',
      label: 'Silent',
      inPlay: true,
    },
  ])
  assert.deepEqual([severity.winner, severity.badgeFrom], [1, 1])
})

test('the winner is a rule, the default, the sender, or nobody', () => {
  assert.equal(explain({ metadata: { state: 'x' } }).severity.winner, 'default')
  const said = explain({ severity: 'critical', metadata: { state: 'down', host: 'db1' } }).severity
  assert.deepEqual([said.winner, said.badgeFrom, said.sender.taken], ['sender', 0, true])
  assert.deepEqual(
    said.rules.map(({ inPlay }) => inPlay),
    [true, false, false],
  )
  assert.equal(explain({ provider: 'org.other' }).severity.winner, 'none')
  assert.equal(
    explain({ provider: 'org.other', metadata: { severity: 'error' } }).severity.sender.from,
    'metadata.severity',
  )
})

test('long values are cut, and their true length told', () => {
  const [condition] = explain({ metadata: { state: '😀'.repeat(5000) } }).severity.rules[0]!.conditions
  assert.equal(condition!.cutFrom, 10_000)
  assert.equal(condition!.actual!.length, 201)
  assert.ok(condition!.actual!.isWellFormed())
})

test('each template of the key that was tried says what it gave, or what is missing', () => {
  const { grouping, outcome } = explain({ metadata: { state: 'down', host: 'nas' } })
  assert.equal(grouping.by, 'groupingRules')
  assert.equal(grouping.rules.winner, 0)
  assert.deepEqual(grouping.attempts, [
    { template: '${metadata.host}/${metadata.disk}', text: null, missing: ['metadata.disk'] },
    { template: '${metadata.host}', text: 'nas', missing: [] },
  ])
  assert.deepEqual([outcome.role, outcome.key], ['opens', 'nas'])
  assert.deepEqual(explain({ groupingKey: 'mine', metadata: { state: 'up' } }).grouping.attempts, [])
  assert.equal(explain({ groupingKey: 'mine' }).grouping.payloadKey, 'mine')
})

test('a swap of rest states is told', () => {
  const { grouping, outcome } = explain({ metadata: { state: 'down', host: 'tv' } })
  assert.deepEqual([grouping.restStates.winner, outcome.role], [0, 'closes'])
})

test('each action tells its template, where it is from, and why it is disabled', () => {
  const own = { label: 'Mine', trigger: { copyToClipboard: '${title}' } }
  const told = (metadata: IncomingEvent['metadata']) =>
    explain({ metadata, actions: [own] }).actions.map(({ label, from, fault, missing, value }) => [
      label,
      from,
      fault,
      missing,
      value,
    ])
  assert.deepEqual(told({ url: 'javascript:alert(1)', host: 'nas' }), [
    ['Open', 'score', 'link', [], null],
    ['Copy', 'score', 'missing', ['metadata.disk'], null],
    ['Mine', 'payload', null, [], 'A title'],
  ])
})

const NAMES = ['state', 'host', 'disk', 'url', 'severity', 'a.b', 'constructor', '__proto__', 'runTotal']
const WORDS = ['down', 'up', 'nas', '0', '0.0', '', 'javascript:alert(1)', 'https://nas/']

const name = fc.constantFrom(...NAMES)
const word = fc.constantFrom(...WORDS)
const expected = fc.oneof(word, fc.constantFrom('*', 'd*', '?p', null, 0, true))
const match = fc.dictionary(name, expected, { maxKeys: 2, noNullPrototype: true })
const template = fc
  .array(
    fc.oneof(
      word,
      name.map((name) => `\${metadata.${name}}`),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => `x${parts.join('/')}`)
const severity = fc.constantFrom(...SEVERITIES)
const rulesOf = <Shape extends object>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }) =>
  fc.array(fc.record({ match, ...shape }), { maxLength: 4 })

const scoreFile = fc.record(
  {
    providerIdentifier: fc.constantFrom('com.example', 'com.example.sub'),
    displayName: fc.constant('Example'),
    severityDefault: fc.record({ severity, label: template }, { requiredKeys: [] }),
    severityRules: rulesOf({ severity, label: template, title: template, subtitle: template }),
    senderSeverityWins: fc.boolean(),
    indicatorRules: rulesOf({ emoji: fc.constant('🔥') }),
    tagRules: rulesOf({ tag: template }),
    ackRules: rulesOf({}),
    dismissRules: rulesOf({}),
    grouping: fc.array(template, { minLength: 1, maxLength: 3 }),
    groupingRules: rulesOf({
      role: fc.constantFrom('single', 'repeats', 'opens', 'continues', 'closes'),
      key: fc.option(template, { nil: '' }),
    }),
    restStateOverrides: rulesOf({ restState: fc.constantFrom('on', 'off') }),
    stackTitle: template,
    eventPattern: fc.constantFrom('episodic', 'entity', 'run-bound'),
    defaultActions: fc.array(
      fc.record({
        label: template,
        systemIcon: fc.constant('x'),
        trigger: fc.oneof(
          fc.record({ openURL: fc.oneof(template, fc.constant('${metadata.url}')) }),
          fc.record({ openTerminalWith: template }),
        ),
      }),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ['providerIdentifier', 'displayName'], noNullPrototype: true },
)

const incoming = fc
  .record({
    provider: fc.constantFrom('com.example', 'com.example.sub.x', 'org.other'),
    eventType: fc.constantFrom(...EVENT_TYPES),
    severity: fc.option(severity),
    groupingKey: fc.option(word),
    metadata: fc.dictionary(name, fc.oneof(word, fc.jsonValue({ maxDepth: 1 })), { noNullPrototype: true }),
  })
  .map(sampleEvent)

function firstMatched(rules: readonly ExplainedRule[]): number | null {
  return rules.find(({ matched }) => matched)?.index ?? null
}

test('whatever the scores and the event, the explanation tells what is stored, and its parts agree', () => {
  fc.assert(
    fc.property(fc.array(scoreFile, { maxLength: 2 }), incoming, (scores, event) => {
      for (const score of scores) assert.deepEqual(validateScore(score), { score })
      const catalog = createCatalog(scores as ScoreFile[])
      const found = catalog.find(event.provider)?.score
      const { severity, indicator, tag, ack, dismiss, grouping, actions, outcome, ...rest } = explainEvent(
        catalog,
        event,
      )
      assert.deepEqual(outcome, evaluateEvent(found, event))
      assert.deepEqual(
        actions.map(({ label, type, enabled, missing }) => [label, type, enabled, missing]),
        resolveActions(found, event, event.actions).map(({ label, type, enabled, missing }) => [
          label,
          type,
          enabled,
          missing,
        ]),
      )
      const decisive = severity.rules.find(({ matched, inPlay }) => matched && inPlay)
      assert.equal(severity.badgeFrom, decisive?.index ?? null)
      if (typeof severity.winner === 'number') {
        assert.deepEqual([severity.winner, outcome.severity], [decisive?.index, decisive?.severity])
      } else if (severity.winner === 'sender') {
        assert.equal(outcome.severity, severity.sender.severity)
      } else assert.equal(decisive, undefined)
      for (const list of [indicator, tag, ack, dismiss, grouping.rules, grouping.restStates]) {
        assert.equal(list.winner, firstMatched(list.rules))
      }
      assert.equal(outcome.dismissed, dismiss.winner !== null)
      assert.equal(outcome.acked, ack.winner !== null && dismiss.winner === null)
      assert.equal(outcome.role === 'single', outcome.key === null)
      if (grouping.attempts.length > 0) assert.equal(outcome.key, grouping.attempts.at(-1)!.text)
      const whole = { severity, indicator, tag, ack, dismiss, grouping, actions, outcome, ...rest }
      assert.deepEqual(JSON.parse(JSON.stringify(whole)), whole)
    }),
    { numRuns: 600 },
  )
})
