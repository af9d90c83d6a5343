/** A score file as its author writes it; the JSON Schema beside the bundled scores says the same. */
import type { ActionTemplate, GroupingRole, Severity, Surface } from '../event.ts'

/** Metadata names or dotted paths with the value each must have; null: must be missing. */
export type Match = { readonly [name: string]: string | number | boolean | null }

export type SeverityDefault = { severity?: Severity; label?: string; color?: string }

export type SeverityRule = {
  match: Match
  severity: Severity
  label?: string
  color?: string
  title?: string
  subtitle?: string
}

export type IndicatorRule = { match: Match; emoji?: string; color?: string }

export type TagRule = { match: Match; tag: string }

/** A rule that only says yes or no: acknowledge, dismiss. */
export type TriageRule = { match: Match }

export type StackColor = 'current-state' | 'worst-severity'

export type GroupingRule = {
  match: Match
  role: GroupingRole
  key?: string
  window?: string
  stackColor?: StackColor
}

export type RestStateOverride = {
  match: Match
  restState: 'on' | 'off'
  closedCycleSeverity?: 'info' | 'warning'
}

export type EventPattern = 'episodic' | 'entity' | 'run-bound'

export type ScoreAction = ActionTemplate & { systemIcon: string; _disabled?: boolean }

/** One score: what the events of one provider mean. */
export type ScoreFile = {
  providerIdentifier: string
  displayName: string
  color?: string
  severityDefault?: SeverityDefault
  severityRules?: SeverityRule[]
  senderSeverityWins?: boolean
  indicatorRules?: IndicatorRule[]
  tagRules?: TagRule[]
  ackRules?: TriageRule[]
  dismissRules?: TriageRule[]
  grouping?: string | string[]
  groupingWindow?: string
  groupingRules?: GroupingRule[]
  restStateOverrides?: RestStateOverride[]
  stackTitle?: string
  eventPattern?: EventPattern
  surface?: Surface
  defaultActions?: ScoreAction[]
  helper?: unknown
  _comment?: unknown
  _bundledVersion?: unknown
  $schema?: string
}

/** Colour of a provider without a score, or of a score without a colour. */
export const NEUTRAL_COLOR = '#8E8E93'
