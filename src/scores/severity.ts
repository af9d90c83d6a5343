/** How bad an event is, and its badge. */
import { type IncomingEvent, isSeverity, SEVERITIES, type Severity } from '../event.ts'
import { NEUTRAL_COLOR, type ScoreFile } from './format.ts'
import type { MetadataReader } from './metadata.ts'
import { compileRules, firstMatch, type Rule } from './rules.ts'
import { compileOptional, renderOptional, type Template, type Values } from './template.ts'

export type CompiledSeverityRule = Rule<{
  severity: Severity
  color: string | undefined
  label: Template | undefined
  title: Template | undefined
  subtitle: Template | undefined
}>

export type CompiledSeverity = {
  color: string
  senderWins: boolean
  rules: CompiledSeverityRule[]
  /** What counts when no rule matches; `named` when the score says it itself. */
  fallback: { severity: Severity; label: Template | undefined; color: string | undefined; named: boolean }
}

/** What the payload says of its own severity, and whether that is taken. */
export type SenderWord = {
  severity: Severity | null
  from: 'severity' | 'metadata.severity'
  taken: boolean
  why: string
}

/**
 * What an event is worth. `rule` is the index of the severity rule that gave badge, colour and texts, null when none
 * did; `decidedBy` tells whose word the severity is.
 */
export type SeverityVerdict = {
  severity: Severity
  label: string
  color: string
  title: string | null
  subtitle: string | null
  rule: number | null
  decidedBy: 'rule' | 'sender' | 'default' | 'none'
  sender: SenderWord
}

const LABELS: Record<Severity, string> = {
  ok: 'OK',
  info: 'Info',
  warning: 'Warning',
  error: 'Error',
  critical: 'Critical',
}

export function compileSeverity(file: ScoreFile): CompiledSeverity {
  const { severity = 'info', label, color } = file.severityDefault ?? {}
  return {
    color: file.color ?? NEUTRAL_COLOR,
    senderWins: file.senderSeverityWins ?? true,
    rules: compileRules(file.severityRules, (rule) => ({
      severity: rule.severity,
      color: rule.color,
      label: compileOptional(rule.label),
      title: compileOptional(rule.title),
      subtitle: compileOptional(rule.subtitle),
    })),
    fallback: { severity, label: compileOptional(label), color, named: file.severityDefault !== undefined },
  }
}

/**
 * Judges one event by its score's severity rules (docs/scores, Severity).
 *
 * A sender whose word counts leaves only the rules of this same severity in play: the first of them that matches gives
 * badge, colour and texts, and without one the badge is the severity's own. The colour is the payload's, else the
 * rule's, else the score's.
 */
export function decideSeverity(
  score: CompiledSeverity | undefined,
  event: Pick<IncomingEvent, 'severity' | 'color'>,
  metadata: MetadataReader,
  values: Values,
): SeverityVerdict {
  const sender = hearSender(score, event, metadata)
  const said = sender.taken ? sender.severity : null
  const { rule, index } = firstMatch(score?.rules ?? [], metadata, (rule) => isInPlay(rule, sender))
  const decided = rule ?? (said === null ? score?.fallback : undefined)
  const severity = said ?? decided?.severity ?? 'info'
  return {
    severity,
    label: renderOptional(decided?.label, values) ?? LABELS[severity],
    color: event.color ?? decided?.color ?? score?.color ?? NEUTRAL_COLOR,
    title: renderOptional(rule?.title, values),
    subtitle: renderOptional(rule?.subtitle, values),
    rule: index,
    decidedBy: said !== null ? 'sender' : rule ? 'rule' : score?.fallback.named ? 'default' : 'none',
    sender,
  }
}

/** Whether a rule may count beside the word of the sender. */
export function isInPlay(rule: { severity: Severity }, sender: SenderWord): boolean {
  return !sender.taken || rule.severity === sender.severity
}

function hearSender(
  score: CompiledSeverity | undefined,
  { severity }: Pick<IncomingEvent, 'severity'>,
  metadata: MetadataReader,
): SenderWord {
  if (!score && severity === null) {
    const said = metadata.folded('severity')?.trim()
    const from = 'metadata.severity'
    if (isSeverity(said)) return { severity: said, from, taken: true, why: 'there is no score' }
    return { severity: null, from, taken: false, why: `it is none of ${SEVERITIES.join(', ')}` }
  }
  const word = { severity, from: 'severity' } as const
  if (severity === null) return { ...word, taken: false, why: 'there is none at the top level' }
  if (!score) return { ...word, taken: true, why: 'there is no score' }
  if (!score.senderWins) return { ...word, taken: false, why: 'the score sets senderSeverityWins to false' }
  if (severity === 'info') return { ...word, taken: false, why: 'info leaves it to the rules' }
  return { ...word, taken: true, why: 'other than info, it goes before the rules' }
}
