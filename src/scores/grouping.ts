/** Which stack an event belongs to, and what it does there. */
import type { GroupingRole, IncomingEvent } from '../event.ts'
import { DEFAULT_WINDOW_MS, parseDuration } from './duration.ts'
import type { ScoreFile, StackColor } from './format.ts'
import { type KeyAttempt, shortenKey, tryKeys } from './key.ts'
import type { MetadataReader } from './metadata.ts'
import { compileRules, firstMatch, type Rule } from './rules.ts'
import { compileOptional, parseTemplate, type Template, type Values } from './template.ts'

export type ClosedSeverity = 'info' | 'warning'

export type CompiledGrouping = {
  templates: Template[]
  /** Of stacks that no rule gives a window. */
  windowMs: number | null
  /** Empty: `grouping` counts alone. `windowMs` undefined: the rule says none. */
  rules: Rule<{
    role: GroupingRole
    key: Template | undefined
    windowMs: number | null | undefined
    stackColor: StackColor | undefined
  }>[]
  restStates: Rule<{ swaps: boolean; closedSeverity: ClosedSeverity | null }>[]
}

export type Grouping = {
  role: GroupingRole
  /** Null for `single`, and only then: a stack of its own. */
  key: string | null
  /** Longest span of the stack; null: no end. */
  windowMs: number | null
  stackColor: StackColor
  /** Severity that the stack shows once its session is closed; null: what the events say. */
  closedSeverity: ClosedSeverity | null
}

/** `rule` and `restState` are indices; `attempts` how the key was looked for, the payload's own not among them. */
export type GroupingVerdict = Grouping & {
  rule: number | null
  restState: number | null
  attempts: KeyAttempt[]
}

/**
 * A score that groups but names no window has none: so the catalogue's format defines it. Where only payloads bring
 * keys of their own, a stack lasts a day.
 */
export function compileGrouping(file: ScoreFile): CompiledGrouping {
  const sources = typeof file.grouping === 'string' ? [file.grouping] : (file.grouping ?? [])
  return {
    templates: sources.map(parseTemplate),
    windowMs: defaultWindow(file),
    rules: compileRules(file.groupingRules, ({ role, key, window, stackColor }) => ({
      role,
      key: compileOptional(key),
      windowMs: window === undefined ? undefined : parseDuration(window),
      stackColor,
    })),
    restStates: compileRules(file.restStateOverrides, ({ restState, closedCycleSeverity }) => ({
      swaps: restState === 'off',
      closedSeverity: closedCycleSeverity ?? null,
    })),
  }
}

function defaultWindow({ groupingWindow, grouping, groupingRules }: ScoreFile): number | null {
  if (groupingWindow !== undefined) return parseDuration(groupingWindow)
  return grouping === undefined && !groupingRules?.length ? DEFAULT_WINDOW_MS : null
}

const UNGROUPED: CompiledGrouping = {
  templates: [],
  windowMs: DEFAULT_WINDOW_MS,
  rules: [],
  restStates: [],
}

/**
 * Finds the stack of one event (docs/scores, Stacks).
 *
 * The score's grouping rules say the role; an event that none of them matches stands alone, and without any rules all
 * events with a key repeat. The key is the payload's own, else that of the rule's template, else, for a rule without
 * one, of the first template of `grouping` that resolves. Without a key an event stands alone whatever its role.
 */
export function decideGrouping(
  score: CompiledGrouping = UNGROUPED,
  event: Pick<IncomingEvent, 'groupingKey'>,
  metadata: MetadataReader,
  values: Values,
): GroupingVerdict {
  const { rule, index } = firstMatch(score.rules, metadata)
  const restState = firstMatch(score.restStates, metadata)
  const wanted = rule?.role ?? (score.rules.length > 0 ? 'single' : 'repeats')
  const own = event.groupingKey?.trim() || null
  const templates = rule?.key ? [rule.key] : score.templates
  const attempts = wanted === 'single' || own !== null ? [] : tryKeys(templates, values)
  const key = wanted === 'single' ? null : own !== null ? shortenKey(own) : (attempts.at(-1)?.text ?? null)
  const role = key === null ? 'single' : restState.rule?.swaps ? swap(wanted) : wanted
  const session = isSession(role)
  return {
    role,
    key,
    windowMs: rule?.windowMs !== undefined ? rule.windowMs : session ? null : score.windowMs,
    stackColor: rule?.stackColor ?? (session ? 'current-state' : 'worst-severity'),
    closedSeverity: session ? (restState.rule?.closedSeverity ?? null) : null,
    rule: index,
    restState: restState.index,
    attempts,
  }
}

/** Whether events of this role make up a session, which opens, goes on and closes. */
export function isSession(role: GroupingRole): boolean {
  return role === 'opens' || role === 'continues' || role === 'closes'
}

function swap(role: GroupingRole): GroupingRole {
  if (role === 'opens') return 'closes'
  return role === 'closes' ? 'opens' : role
}
