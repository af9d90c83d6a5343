/** Fields that are a text, or a number in place of one. */
import type { Findings } from './findings.ts'
import { countCharacters, isAbsent, kindOf, quote } from './value.ts'

const MAX_EXTERNAL_ID = 200
const MAX_GROUPING_KEY = 500
const MAX_RECURRENCE_RULE = 1000

/** The identity of the event at its sender. Beyond 2^53 JSON.parse makes one number of two, and so one event. */
export function readExternalID(value: unknown, found: Findings): string | null {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    found.error('externalID', 'is a number beyond 2^53, which is read rounded; send it as a text')
    return null
  }
  return readText(value, 'externalID', MAX_EXTERNAL_ID, found, 'or number')
}

/** Stacks the event by this, whatever its score says. */
export function readGroupingKey(value: unknown, found: Findings): string | null {
  return readText(value, 'groupingKey', MAX_GROUPING_KEY, found, 'or number')
}

/** Any text: nothing evaluates it yet. */
export function readRecurrenceRule(value: unknown, found: Findings): string | null {
  return readText(value, 'recurrenceRule', MAX_RECURRENCE_RULE, found)
}

/** `#RRGGBB`. */
export function readColor(value: unknown, found: Findings): string | null {
  if (isAbsent(value)) return null
  if (typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value.trim())) return value.trim()
  found.error('color', `must be #RRGGBB, not ${typeof value === 'string' ? quote(value) : kindOf(value)}`)
  return null
}

/** The trimmed text, null when there is none; `max` in characters. */
export function readText(
  value: unknown,
  path: string,
  max: number,
  found: Findings,
  numbers: '' | 'or number' = '',
): string | null {
  if (isAbsent(value)) return null
  if (typeof value === 'number' && numbers !== '' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'string') {
    const given = typeof value === 'number' && numbers !== '' ? 'a number that has no end' : kindOf(value)
    found.error(path, `must be a text${numbers && ' or a number'}, not ${given}`)
    return null
  }
  const text = value.trim()
  if (countCharacters(text, max) <= max) return text
  found.error(path, `is over ${max} characters`)
  return null
}
