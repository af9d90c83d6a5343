/** Fields that know a few words only. */
import { EVENT_TYPES, type EventType, type IncomingEvent, isSeverity, SEVERITIES } from '../../event.ts'
import type { Findings } from './findings.ts'
import { isAbsent, kindOf, quote } from './value.ts'

/** `alert`, when the payload does not say. */
export function readEventType(value: unknown, found: Findings): EventType {
  return readChoice(value, 'eventType', EVENT_TYPES, '', found) ?? 'alert'
}

/** One of ours; null leaves it to the score. */
export function readSeverity(value: unknown, found: Findings): IncomingEvent['severity'] {
  if (isSeverity(value)) return value
  const isProxmox = typeof value === 'string' && /^(?:notice|unknown)$/i.test(value.trim())
  const advice = isProxmox
    ? '; put the severity of Proxmox into metadata.severity, where the score reads it'
    : ''
  return readChoice(value, 'severity', SEVERITIES, advice, found)
}

function readChoice<T extends string>(
  value: unknown,
  path: string,
  choices: readonly T[],
  advice: string,
  found: Findings,
): T | null {
  if (isAbsent(value)) return null
  const text = typeof value === 'string' ? value.trim() : null
  const choice = choices.find((each) => each === text)
  if (choice !== undefined) return choice
  const lower = choices.find((each) => each === text?.toLowerCase())
  const given = text === null ? kindOf(value) : quote(text)
  const end = lower === undefined ? advice : `; did you mean "${lower}"?`
  found.error(path, `must be one of ${choices.join(', ')}, not ${given}${end}`)
  return null
}
