/** Explains an event's evaluation by the very parts that made it. */
import type { IncomingEvent } from '../event.ts'
import { traceActions } from './actions.ts'
import { type Catalog, namesUpwards } from './catalog.ts'
import type { CompiledScore } from './compile.ts'
import { reachVerdicts, type Verdicts } from './evaluate.ts'
import { type Excerpt, excerptOf } from './excerpt.ts'
import type { ExplainedAction, ExplainedCondition, ExplainedRules, Explanation } from './explanation.ts'
import type { Condition } from './match.ts'
import type { MetadataReader } from './metadata.ts'
import type { Rule } from './rules.ts'
import { isInPlay } from './severity.ts'

/** Explains what the catalogue makes of an event. Stores nothing, and asks nobody. */
export function explainEvent(catalog: Catalog, event: IncomingEvent): Explanation {
  const found = catalog.find(event.provider)
  const score = found?.score
  const verdicts = reachVerdicts(score, event)
  const { metadata, marks, triage } = verdicts
  const explain = <Saying, Told extends object>(
    rules: readonly Rule<Saying>[] | undefined,
    winner: number | null,
    tell: (rule: Rule<Saying>) => Told,
  ) => explainRules(rules ?? [], winner, metadata, tell)
  return {
    provider: event.provider,
    score: found ? { foundAs: found.foundAs, displayName: found.score.displayName } : null,
    lookedUp: [...namesUpwards(event.provider)],
    severity: explainSeverity(score, verdicts),
    indicator: explain(score?.marks.indicators, marks.indicatorRule, ({ indicator }) => ({
      emoji: indicator?.emoji ?? null,
      color: indicator?.color ?? null,
    })),
    tag: explain(score?.marks.tags, marks.tagRule, ({ tag }) => ({ tag: tag.source })),
    ack: explain(score?.triage.ack, triage.ackRule, () => ({})),
    dismiss: explain(score?.triage.dismiss, triage.dismissRule, () => ({})),
    grouping: explainGrouping(score, event, verdicts),
    actions: explainActions(score, event),
    outcome: verdicts.evaluation,
  }
}

function explainSeverity(
  score: CompiledScore | undefined,
  { severity, metadata }: Verdicts,
): Explanation['severity'] {
  const { rule, decidedBy, sender } = severity
  const { rules } = explainRules(score?.severity.rules ?? [], rule, metadata, (each) => ({
    severity: each.severity,
    label: each.label?.source ?? null,
    inPlay: isInPlay(each, sender),
  }))
  return { sender, rules, winner: decidedBy === 'rule' ? rule! : decidedBy, badgeFrom: rule }
}

function explainGrouping(
  score: CompiledScore | undefined,
  event: IncomingEvent,
  { grouping, metadata }: Verdicts,
): Explanation['grouping'] {
  const { rules = [], restStates = [], templates = [] } = score?.grouping ?? {}
  return {
    by: rules.length > 0 ? 'groupingRules' : templates.length > 0 ? 'grouping' : 'nothing',
    rules: explainRules(rules, grouping.rule, metadata, ({ role, key }) => ({
      role,
      key: key?.source ?? null,
    })),
    restStates: explainRules(restStates, grouping.restState, metadata, ({ swaps }) => ({
      restState: swaps ? 'off' : 'on',
    })),
    payloadKey: event.groupingKey,
    attempts: grouping.attempts,
  }
}

function explainActions(score: CompiledScore | undefined, event: IncomingEvent): ExplainedAction[] {
  return traceActions(score, event, event.actions).map(({ action, from, template, fault }) => {
    const value = excerptOrNull(action.value)
    const { label, type, enabled, missing } = action
    return { label, type, template, value: value.text, cutFrom: value.cutFrom, enabled, missing, from, fault }
  })
}

function explainRules<Saying, Told extends object>(
  rules: readonly Rule<Saying>[],
  winner: number | null,
  metadata: MetadataReader,
  tell: (rule: Rule<Saying>) => Told,
): ExplainedRules<Told> {
  return {
    winner,
    rules: rules.map((rule, index) => {
      const conditions = rule.match.map((condition) => explainCondition(condition, metadata))
      return { index, matched: conditions.every(({ held }) => held), conditions, ...tell(rule) }
    }),
  }
}

function explainCondition(condition: Condition, metadata: MetadataReader): ExplainedCondition {
  const { key, expected } = condition
  const actual = excerptOrNull(metadata.text(key))
  return { key, expected, actual: actual.text, cutFrom: actual.cutFrom, held: condition.holds(metadata) }
}

function excerptOrNull(text: string | null): Excerpt | { text: null; cutFrom: null } {
  return text === null ? { text: null, cutFrom: null } : excerptOf(text)
}
