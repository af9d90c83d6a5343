/** Why an event is judged as it is: plain JSON, as the API gives it. */
import type { ActionType, GroupingRole, Severity } from '../event.ts'
import type { ActionFault } from './actions.ts'
import type { Evaluation } from './evaluate.ts'
import type { Match } from './format.ts'
import type { KeyAttempt } from './key.ts'
import type { SenderWord } from './severity.ts'

/**
 * One condition of a rule. `actual` is the value's text, cut when it is long: then `cutFrom` is its true length.
 * Null: the value is missing, null or empty.
 */
export type ExplainedCondition = {
  key: string
  expected: Match[string]
  actual: string | null
  cutFrom: number | null
  held: boolean
}

/** One rule: `index` is its place in its list; it matches when all conditions held. */
export type ExplainedRule = { index: number; matched: boolean; conditions: ExplainedCondition[] }

/** A list of rules of which one counts; `winner` is its index, null when none matched. */
export type ExplainedRules<Saying> = { rules: (ExplainedRule & Saying)[]; winner: number | null }

export type ExplainedAction = {
  label: string
  type: ActionType
  /** The template before its placeholders were filled in. */
  template: string
  value: string | null
  cutFrom: number | null
  enabled: boolean
  missing: string[]
  from: 'score' | 'payload'
  fault: ActionFault | null
}

export type Explanation = {
  provider: string
  /** `foundAs` is the one of the names `lookedUp` under which a score was found; null: there is none. */
  score: { foundAs: string; displayName: string } | null
  lookedUp: string[]
  severity: {
    sender: SenderWord
    /** A rule that is not in play has another severity than the sender, whose word was taken. */
    rules: (ExplainedRule & { severity: Severity; label: string | null; inPlay: boolean })[]
    /** Whose word the severity is: the index of a rule, or another. */
    winner: number | 'default' | 'sender' | 'none'
    /** The index of the rule that gave badge, colour and texts. */
    badgeFrom: number | null
  }
  indicator: ExplainedRules<{ emoji: string | null; color: string | null }>
  tag: ExplainedRules<{ tag: string }>
  /** Any match counts; `winner` is the first. An event that is dismissed is not acknowledged as well. */
  ack: ExplainedRules<object>
  dismiss: ExplainedRules<object>
  grouping: {
    /** Whether `groupingRules` decide, or `grouping` alone does. */
    by: 'groupingRules' | 'grouping' | 'nothing'
    rules: ExplainedRules<{ role: GroupingRole; key: string | null }>
    restStates: ExplainedRules<{ restState: 'on' | 'off' }>
    /** The payload's own groupingKey, which goes before all templates. */
    payloadKey: string | null
    /** The templates tried in their order, to the first that resolved. */
    attempts: KeyAttempt[]
  }
  actions: ExplainedAction[]
  /** What is stored: severity, label, title, subtitle, colour, marks, triage, role, key, window and the rest. */
  outcome: Evaluation
}
