import type { EventPreset, Severity, Weekday } from '../api/routes.ts'

/** The event types of ProxCenter, and what they mean here. */
export const EVENTS: Record<EventPreset, { label: string; about: string }> = {
  alert_triggered: {
    label: 'Alert triggered',
    about: 'A threshold is passed: CPU, memory, storage; or a mail of the system asks for attention',
  },
  alert_resolved: { label: 'Alert resolved', about: 'What was wrong is well again' },
  backup_failed: {
    label: 'Backup failed',
    about: 'A backup, sync or verification failed on PVE or PBS, or did not come at all',
  },
  task_failed: {
    label: 'Task failed',
    about: 'Another task ended with an error: replication, garbage collection, prune, certificates',
  },
  node_offline: { label: 'Node offline', about: 'A node cannot be reached, or was fenced' },
  connection_lost: { label: 'Connection lost', about: 'ProxCenter lost its connection to a Proxmox' },
  compliance_issue: { label: 'Compliance issue', about: 'A scan found new critical or high findings' },
  cve_detected: { label: 'CVE detected', about: 'A scan found new critical vulnerabilities' },
}

export const SEVERITY_OPTIONS: readonly (readonly [Severity, string])[] = [
  ['ok', 'Everything, good news too'],
  ['info', 'Information and worse'],
  ['warning', 'Warning and worse'],
  ['error', 'Error and worse'],
  ['critical', 'Critical only'],
]

export const DAYS: Record<Weekday, string> = {
  mon: 'Mon',
  tue: 'Tue',
  wed: 'Wed',
  thu: 'Thu',
  fri: 'Fri',
  sat: 'Sat',
  sun: 'Sun',
}
