/** The actions that a payload brings along. */
import type { ActionTemplate, ActionType } from '../../event.ts'
import type { Findings } from './findings.ts'
import { readText } from './texts.ts'
import { countCharacters, isAbsent, isObject, kindOf, quote } from './value.ts'

const MAX_ACTIONS = 8
const MAX_LABEL = 100
const MAX_ACTION_VALUE = 2000

/** All actions that are sound. Terminal commands come from score files only, never over the network. */
export function readActions(value: unknown, found: Findings): ActionTemplate[] {
  if (isAbsent(value)) return []
  if (!Array.isArray(value)) {
    found.error('actions', `must be an array, not ${kindOf(value)}`)
    return []
  }
  if (value.length > MAX_ACTIONS)
    found.error('actions', `must be at most ${MAX_ACTIONS}, not ${value.length}`)
  const actions: ActionTemplate[] = []
  for (const [index, each] of value.slice(0, MAX_ACTIONS).entries()) {
    const action = readAction(each, `actions[${index}]`, found)
    if (action !== null) actions.push(action)
  }
  return actions
}

function readAction(value: unknown, path: string, found: Findings): ActionTemplate | null {
  if (!isObject(value)) {
    found.error(path, `must be an object { label, trigger }, not ${kindOf(value)}`)
    return null
  }
  for (const key of Object.keys(value)) {
    if (key === 'label' || key === 'systemIcon' || key === 'trigger') continue
    found.warn(`${path}: ${quote(key)} is not a key of an action and was not used`)
  }
  if (isAbsent(value.label)) found.error(`${path}.label`, 'is missing')
  const label = readText(value.label, `${path}.label`, MAX_LABEL, found)
  const systemIcon = readText(value.systemIcon, `${path}.systemIcon`, MAX_LABEL, found)
  const trigger = readTrigger(value.trigger, `${path}.trigger`, found)
  if (label === null || trigger === null) return null
  return systemIcon === null ? { label, trigger } : { label, systemIcon, trigger }
}

function readTrigger(value: unknown, path: string, found: Findings): ActionTemplate['trigger'] | null {
  const rule = 'must be an object with exactly one of openURL, copyToClipboard'
  if (!isObject(value)) {
    found.error(path, isAbsent(value) ? `is missing; it ${rule}` : `${rule}, not ${kindOf(value)}`)
    return null
  }
  const given = Object.keys(value).filter((key) => !isAbsent(value[key]))
  if (given.includes('openTerminalWith')) {
    found.error(path, 'openTerminalWith is accepted from score files only')
    return null
  }
  const type = given[0] as ActionType | undefined
  if (given.length !== 1 || (type !== 'openURL' && type !== 'copyToClipboard')) {
    found.error(
      path,
      given.length === 0
        ? `${rule}; none is given`
        : `${rule}, not ${given.slice(0, 4).map(quote).join(', ')}`,
    )
    return null
  }
  const text = value[type]
  if (typeof text !== 'string') {
    found.error(`${path}.${type}`, `must be a text, not ${kindOf(text)}`)
    return null
  }
  if (countCharacters(text, MAX_ACTION_VALUE) > MAX_ACTION_VALUE) {
    found.error(`${path}.${type}`, `is over ${MAX_ACTION_VALUE} characters`)
    return null
  }
  return { [type]: text }
}
