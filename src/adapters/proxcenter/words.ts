/** The words of ProxCenter: its event types (docs, Notifications, Event Types) and severities. */
import type { Severity } from '../../event.ts'
import { bare } from './value.ts'

/** Its eight event types as scores match them, with the names that its documentation gives them. */
export const PROXCENTER_EVENTS = {
  alert_triggered: 'Alert triggered',
  alert_resolved: 'Alert resolved',
  backup_failed: 'Backup failed',
  task_failed: 'Task failed',
  node_offline: 'Node offline',
  connection_lost: 'Connection lost',
  compliance_issue: 'Compliance issue',
  cve_detected: 'CVE detected',
} as const
export type ProxCenterEvent = keyof typeof PROXCENTER_EVENTS

const EVENTS = new Map(
  Object.keys(PROXCENTER_EVENTS).map((event) => [bare(event), event as ProxCenterEvent] as const),
)
/** What its Send Test button sends, which is none of the eight. */
const TEST = /^(?:test|testnotification|sendtest)$/
const SEVERITY_WORDS: Record<Severity, string> = {
  critical: 'critical crit fatal emergency urgent disaster',
  error: 'error err high major severe',
  warning: 'warning warn medium moderate minor',
  info: 'info information informational notice low debug',
  ok: 'ok success successful resolved normal',
}
const SEVERITIES = new Map(
  Object.entries(SEVERITY_WORDS).flatMap(([severity, words]) =>
    words.split(' ').map((word) => [word, severity as Severity] as const),
  ),
)

/** The event type of a text such as `Alert triggered`, `ALERT-TRIGGERED` or `proxcenter.alert.triggered`. */
export function eventOf(text: string): ProxCenterEvent | null {
  return EVENTS.get(bare(text).replace(/^(?:proxcenter|event|notification)(?=.)/, '')) ?? null
}

/** The event type of an alert that tells only in its state how it is. */
export function eventOfState(type: string, state: string): ProxCenterEvent | null {
  if (bare(type) !== 'alert') return null
  if (/^(?:resolved|ok|success|cleared|recovered|normal)$/.test(bare(state))) return 'alert_resolved'
  return /^(?:triggered|active|firing|fired|open|new|alerting)$/.test(bare(state)) ? 'alert_triggered' : null
}

export function isTest(text: string): boolean {
  return TEST.test(bare(text))
}

/** One of our severities for a word of theirs; null when it is not known. */
export function severityOf(text: string): Severity | null {
  return SEVERITIES.get(bare(text)) ?? null
}
