/** What a person can do with an event: resolved when read, run by nobody here. */
import {
  ACTION_TYPES,
  type Action,
  type ActionTemplate,
  type ActionType,
  type TemplateContext,
} from '../event.ts'
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
  const values = valuesOf(context)
  const resolved = (score?.actions ?? []).map((action) => resolveAction(action, values))
  const places = new Map(resolved.map(({ label }, index) => [label, index]))
  for (const compiled of own.flatMap(compileAction)) {
    if (compiled.type === 'openTerminalWith') continue
    const action = resolveAction(compiled, values)
    const place = places.get(action.label)
    if (place === undefined) resolved.push(action)
    else resolved[place] = action
    places.delete(action.label)
  }
  return resolved
}

function resolveAction(action: CompiledAction, values: Values): Action {
  const rendered =
    action.type === 'openTerminalWith'
      ? renderStrict(action.value.template, values, shellWriter(action.value))
      : renderStrict(action.value, values)
  const missing = 'missing' in rendered ? rendered.missing : []
  const text = 'text' in rendered ? rendered.text : ''
  const enabled = missing.length === 0 && isOffered(action.type, text)
  return {
    label: renderLenient(action.label, values),
    icon: action.icon,
    type: action.type,
    value: enabled ? text : null,
    enabled,
    missing,
  }
}

function isOffered(type: ActionType, text: string): boolean {
  return type === 'openURL' ? isAllowedUrl(text) : text.trim() !== ''
}
