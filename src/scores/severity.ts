/** How bad an event is, and its badge. */
import { type IncomingEvent, isSeverity, type Severity } from '../event.ts'
import { NEUTRAL_COLOR, type ScoreFile, type SeverityRule } from './format.ts'
import { compileMatch, type Matcher } from './match.ts'
import type { MetadataReader } from './metadata.ts'
import { parseTemplate, renderLenient, type Template, type Values } from './template.ts'

type CompiledRule = {
  matches: Matcher
  severity: Severity
  color: string | undefined
  label: Template | undefined
  title: Template | undefined
  subtitle: Template | undefined
}

export type CompiledSeverity = {
  color: string
  senderWins: boolean
  rules: CompiledRule[]
  fallback: { severity: Severity; label: Template | undefined; color: string | undefined }
}

/** What an event is worth; `rule` is the index of the severity rule that decided, null when none did. */
export type SeverityVerdict = {
  severity: Severity
  label: string
  color: string
  title?: string
  subtitle?: string
  rule: number | null
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
    rules: (file.severityRules ?? []).map(compileRule),
    fallback: { severity, label: optionalTemplate(label), color },
  }
}

function compileRule(rule: SeverityRule): CompiledRule {
  return {
    matches: compileMatch(rule.match),
    severity: rule.severity,
    color: rule.color,
    label: optionalTemplate(rule.label),
    title: optionalTemplate(rule.title),
    subtitle: optionalTemplate(rule.subtitle),
  }
}

/**
 * Judges one event by its score's severity rules (docs/scores, Severity).
 *
 * A sender whose word counts, that is a top-level severity other than info, leaves only the rules of this same
 * severity in play: the first of them that matches gives badge, colour and texts, and without one the badge is the
 * severity's own. The colour is the payload's, else the rule's, else the score's.
 */
export function decideSeverity(
  score: CompiledSeverity | undefined,
  event: Pick<IncomingEvent, 'severity' | 'color'>,
  metadata: MetadataReader,
  values: Values,
): SeverityVerdict {
  if (!score) {
    const severity = event.severity ?? severityInMetadata(metadata)
    return { severity, label: LABELS[severity], color: event.color ?? NEUTRAL_COLOR, rule: null }
  }
  const said = score.senderWins && event.severity !== 'info' ? event.severity : null
  const index = score.rules.findIndex((rule) => (!said || rule.severity === said) && rule.matches(metadata))
  const rule = score.rules[index]
  const decided = rule ?? (said ? { severity: said, label: undefined, color: undefined } : score.fallback)
  return {
    severity: decided.severity,
    label: renderOptional(decided.label, values) ?? LABELS[decided.severity],
    color: event.color ?? decided.color ?? score.color,
    ...optional('title', renderOptional(rule?.title, values)),
    ...optional('subtitle', renderOptional(rule?.subtitle, values)),
    rule: rule ? index : null,
  }
}

function severityInMetadata(metadata: MetadataReader): Severity {
  const said = metadata.folded('severity')?.trim()
  return isSeverity(said) ? said : 'info'
}

function optionalTemplate(source: string | undefined): Template | undefined {
  return source?.trim() ? parseTemplate(source) : undefined
}

function renderOptional(template: Template | undefined, values: Values): string | undefined {
  return (template && renderLenient(template, values).trim()) || undefined
}

function optional<Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: string })
}
