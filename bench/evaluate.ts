/**
 * What it costs to evaluate an event, and whether that grows with the number of scores in force: 1 score of 60 rules
 * against 50. Prints a table; run by `npm run bench:scores`.
 */
import type { IncomingEvent } from '../src/event.ts'
import { resolveActions } from '../src/scores/actions.ts'
import { createCatalog } from '../src/scores/catalog.ts'
import { evaluateEvent } from '../src/scores/evaluate.ts'
import type { ScoreFile, SeverityRule } from '../src/scores/format.ts'

const SCORES = 50
const RULES = 60
const EVENTS = 500
const ROUNDS = 40

/** Of each three rules one is exact, one a number, one a glob over the message. */
function rule(index: number): SeverityRule {
  const severity = (['warning', 'error', 'critical'] as const)[index % 3]!
  const label = `Rule ${index} of \${metadata.NodeName}`
  if (index % 3 === 0) return { match: { state: `state ${index}` }, severity, label }
  if (index % 3 === 1) return { match: { code: index, 'service.name': 'db*' }, severity, label }
  return { match: { Message: `*problem ${index} on*` }, severity, label }
}

function score(index: number): ScoreFile {
  return {
    providerIdentifier: `com.example.app${index}`,
    displayName: `App ${index}`,
    severityRules: Array.from({ length: RULES }, (_, index) => rule(index)),
    indicatorRules: [{ match: { state: 'state 0' }, emoji: '🔥' }],
    tagRules: [{ match: { 'service.name': '*' }, tag: '${metadata.service.name}' }],
    dismissRules: [{ match: { noise: true } }],
    groupingRules: [
      { match: { state: 'state 0' }, role: 'opens', key: '${metadata.NodeName}' },
      { match: { state: 'up' }, role: 'closes', key: '${metadata.NodeName}' },
      { match: {}, role: 'repeats', key: '${metadata.NodeName}/${metadata.VMID}' },
    ],
    defaultActions: [
      { label: 'Open', systemIcon: 'globe', trigger: { openURL: 'https://${metadata.NodeName}/' } },
      { label: 'Ping', systemIcon: 'bolt', trigger: { openTerminalWith: 'ping ${metadata.NodeName}' } },
    ],
  }
}

/** Most events match a late rule or none, which is what costs most. */
function event(index: number, scores: number): IncomingEvent {
  return {
    provider: `com.example.app${index % scores}.part`,
    title: 'An event',
    startDate: new Date(0),
    endDate: null,
    eventType: 'alert',
    externalID: null,
    severity: null,
    color: null,
    groupingKey: null,
    recurrenceRule: null,
    actions: [],
    metadata: {
      NodeName: `node${index % 7}`,
      VMID: 100 + (index % 50),
      state: `state ${index % 200}`,
      code: index % 300,
      service: { name: index % 2 === 0 ? 'db-main' : 'web' },
      Message: `${'A line of a log that says little. '.repeat(30)}problem ${index % 120} on disk`,
    },
  }
}

/** Microseconds an event in the fastest round, which is the one least disturbed. */
function measure(count: number): { evaluate: number; actions: number } {
  const catalog = createCatalog(Array.from({ length: count }, (_, index) => score(index)))
  const events = Array.from({ length: EVENTS }, (_, index) => event(index, count))
  const best = (work: (event: IncomingEvent) => unknown) => {
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now()
      for (const event of events) work(event)
      least = Math.min(least, performance.now() - start)
    }
    return (least * 1000) / EVENTS
  }
  return {
    evaluate: best((event) => evaluateEvent(catalog.find(event.provider)?.score, event)),
    actions: best((event) => resolveActions(catalog.find(event.provider)?.score, event, [])),
  }
}

const one = measure(1)
const many = measure(SCORES)
const compileStart = performance.now()
createCatalog(Array.from({ length: SCORES }, (_, index) => score(index)))
const compiled = performance.now() - compileStart

const row = (what: string, one: number, many: number) => ({
  what,
  '1 score (µs)': one.toFixed(1),
  [`${SCORES} scores (µs)`]: many.toFixed(1),
  ratio: (many / one).toFixed(2),
})
console.table([
  row('evaluate an event', one.evaluate, many.evaluate),
  row('resolve its actions', one.actions, many.actions),
])
console.log(`${SCORES} scores of ${RULES} rules are compiled in ${compiled.toFixed(1)} ms`)
