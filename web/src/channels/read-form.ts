import type { ChannelType } from '../api/routes.ts'
import type { ChannelRow } from './data.ts'
import { KINDS, showsAddress, type TargetField } from './kinds.ts'

type Body = Record<string, unknown>

/** `a, b` and lines as a list. */
export function splitList(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((one) => one.trim())
    .filter(Boolean)
}

/**
 * The body that the API takes, of what is written in the form. For a channel that is there already, secrets that were
 * left empty are left out.
 */
export function readChannelForm(data: FormData, type: ChannelType, row: ChannelRow | null): Body {
  const text = (name: string) => String(data.get(name) ?? '').trim()
  const isOn = (name: string) => data.has(name)
  const rules = {
    name: text('name'),
    enabled: isOn('enabled'),
    minSeverity: text('minSeverity'),
    events: data.getAll('events'),
    match: readMatches(data),
    providers: splitList(text('providers')),
    nodes: splitList(text('nodes')),
    quietHours: isOn('quiet')
      ? {
          from: text('quietHours.from'),
          to: text('quietHours.to'),
          timezone: text('quietHours.timezone'),
          days: data.getAll('quietHours.days'),
        }
      : null,
    digest: isOn('daily')
      ? {
          at: text('digest.at'),
          timezone: text('digest.timezone'),
          except: text('digest.except') || null,
        }
      : null,
    sendResolved: isOn('sendResolved'),
    ...numbers(data, [
      'repeatMinutes',
      'remindMinutes',
      'maxReminders',
      'groupWaitSeconds',
      'groupIntervalSeconds',
    ]),
  }
  const body: Body = { ...(row ? {} : { type }), ...rules }
  for (const field of KINDS[type].fields) {
    const value = readTarget(field, data, type, row)
    if (value !== undefined) body[field.name] = value
  }
  return body
}

/** Undefined: it is left out, and stays as it is. */
function readTarget(field: TargetField, data: FormData, type: ChannelType, row: ChannelRow | null): unknown {
  const { name, kind, isSecret, isRequired } = field
  const value = String(data.get(name) ?? '').trim()
  const isKept = row !== null && row.problem === null
  if (kind === 'check') return data.has(name)
  if (kind === 'number') return numbers(data, [name])[name]
  if (kind === 'list') return splitList(value)
  if (kind === 'headers') {
    if (data.has(`${name}.clear`)) return {}
    return value === '' ? undefined : readHeaders(value)
  }
  // What is shown of an address leaves out user and password, which stay when it is left alone.
  if (name === 'url' && showsAddress(type)) return isKept && value === row.url ? undefined : value
  if (isSecret) {
    if (value !== '') return value
    if (data.has(`${name}.clear`)) return null
    return isKept || !isRequired ? undefined : ''
  }
  return value === '' && name === 'username' ? null : value
}

/** Text that is no number is sent as it is, so that the server says so; what is empty is left out. */
function numbers(data: FormData, names: string[]): Body {
  const entries = names.map((name) => [name, String(data.get(name) ?? '').trim()] as const)
  return Object.fromEntries(
    entries
      .filter(([, text]) => text !== '')
      .map(([name, text]) => [name, /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text]),
  )
}

function readHeaders(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':')
      return at < 0 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    }),
  )
}

/** Rows of `match.GROUP.key` and `match.GROUP.value`; an empty value stands for one that is missing. */
export function readMatches(data: FormData): Record<string, string | null>[] {
  const groups = new Map<string, Record<string, string | null>>()
  for (const group of data.getAll('match.groups').map(String)) {
    const values = data.getAll(`match.${group}.value`).map((value) => String(value).trim())
    data.getAll(`match.${group}.key`).forEach((key, index) => {
      const name = String(key).trim()
      if (name === '') return
      const match = groups.get(group) ?? {}
      match[name] = values[index] || null
      groups.set(group, match)
    })
  }
  return [...groups.values()]
}
