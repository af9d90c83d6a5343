/** What a person can do with an event: resolved when read, run by nobody here. */
import { ACTION_TYPES, type ActionTemplate, type ActionType, type TemplateContext } from '../event.ts'
import type { Action } from '../wire.ts'
import type { ScoreFile } from './format.ts'
import { parseShellTemplate, type ShellTemplate, shellWriter } from './shell.ts'
import {
  parseTemplate,
  renderLenient,
  renderStrict,
  type Template,
  type Values,
  valuesOf,
} from './template.ts'
import { isAllowedUrl } from './url.ts'

export type CompiledAction = {
  label: Template
  icon: string | null
} & (
  | { type: 'openURL' | 'copyToClipboard'; value: Template }
  | { type: 'openTerminalWith'; value: ShellTemplate }
)

/** The actions of a score; those marked `_disabled` are not offered at all. */
export function compileActions(file: ScoreFile): CompiledAction[] {
  return (file.defaultActions ?? []).filter((action) => !action._disabled).flatMap(compileAction)
}

function compileAction({ label, systemIcon, trigger }: ActionTemplate): CompiledAction[] {
  const type = ACTION_TYPES.find((name) => typeof trigger[name] === 'string')
  if (!type) return []
  const value = parseTemplate(trigger[type]!)
  const named = { label: parseTemplate(label), icon: systemIcon ?? null }
  return [
    type === 'openTerminalWith'
      ? { ...named, type, value: parseShellTemplate(value) }
      : { ...named, type, value },
  ]
}

/** Why an action is disabled: values are missing, nothing is left of it, or its link may not be offered. */
export type ActionFault = 'missing' | 'blank' | 'link'

/** An action of one event, the template it came from, and why it is disabled, if it is. */
export type TracedAction = {
  action: Action
  from: 'score' | 'payload'
  template: string
  fault: ActionFault | null
}

/**
 * The actions of one event (docs/scores, Actions): the score's, then the payload's own, of which one takes the place
 * of the score's action with the same label. One that does not resolve, or whose link is not allowed, is disabled.
 * Commands come from score files only: a payload's are left out.
 */
export function resolveActions(
  score: { actions: CompiledAction[] } | undefined,
  context: TemplateContext,
  own: ActionTemplate[],
): Action[] {
  return traceActions(score, context, own).map(({ action }) => action)
}

/** {@link resolveActions}, with what led to each. */
export function traceActions(
  score: { actions: CompiledAction[] } | undefined,
  context: TemplateContext,
  own: ActionTemplate[],
): TracedAction[] {
  const values = valuesOf(context)
  const resolved = (score?.actions ?? []).map((action) => resolveAction(action, values, 'score'))
  const places = new Map(resolved.map(({ action }, index) => [action.label, index]))
  for (const compiled of own.flatMap(compileAction)) {
    if (compiled.type === 'openTerminalWith') continue
    const traced = resolveAction(compiled, values, 'payload')
    const place = places.get(traced.action.label)
    if (place === undefined) resolved.push(traced)
    else resolved[place] = traced
    places.delete(traced.action.label)
  }
  return resolved
}

function resolveAction(compiled: CompiledAction, values: Values, from: 'score' | 'payload'): TracedAction {
  const { type } = compiled
  const template = compiled.type === 'openTerminalWith' ? compiled.value.template : compiled.value
  const rendered =
    compiled.type === 'openTerminalWith'
      ? renderStrict(template, values, shellWriter(compiled.value))
      : renderStrict(template, values)
  const missing = 'missing' in rendered ? rendered.missing : []
  const text = 'text' in rendered ? rendered.text : ''
  const fault = missing.length > 0 ? 'missing' : faultOf(type, text)
  const action = {
    label: renderLenient(compiled.label, values),
    icon: compiled.icon,
    type,
    value: fault ? null : text,
    enabled: fault === null,
    missing,
  }
  return { action, from, template: template.source, fault }
}

function faultOf(type: ActionType, text: string): ActionFault | null {
  if (text.trim() === '') return 'blank'
  return type === 'openURL' && !isAllowedUrl(text) ? 'link' : null
}
