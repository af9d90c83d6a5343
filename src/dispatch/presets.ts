/** ProxCenter's event types as matches over what Proxmox, Proxmox Backup Server, ProxCenter and this server send. */
import type { ChannelMatch, EventPreset } from '../channel.ts'

/** With each of these severities. */
const bad = (match: ChannelMatch): ChannelMatch[] =>
  ['error', 'critical'].map((severity) => ({ ...match, 'event.severity': severity }))

/** An event is of a type when one of its matches holds. */
export const PRESETS: Record<EventPreset, ChannelMatch[]> = {
  alert_triggered: [
    { EventType: 'alert*triggered' },
    { 'event.provider': 'tempo.watch', state: 'alarm' },
    { TaskType: 'thresholds' },
    { TaskType: 'system-mail', 'event.severity': 'warning' },
    ...bad({ TaskType: 'system-mail' }),
  ],
  alert_resolved: [
    { EventType: 'alert*resolved' },
    { 'event.provider': 'tempo.watch', state: 'recovered' },
    { 'event.role': 'closes' },
  ],
  backup_failed: [
    { EventType: 'backup*failed' },
    ...['vzdump', 'sync', 'verif*', 'tape-backup'].flatMap((type) => bad({ TaskType: type })),
    { 'event.provider': 'tempo.watch', state: 'alarm', concern: 'missing' },
    { 'event.provider': 'tempo.watch', state: 'alarm', concern: 'absent' },
  ],
  task_failed: [
    { EventType: 'task*failed' },
    ...['replication', 'gc', 'prune', 'acme'].flatMap((type) => bad({ TaskType: type })),
  ],
  node_offline: [{ EventType: 'node*offline' }, ...bad({ TaskType: 'fencing' })],
  connection_lost: [{ EventType: 'connection*lost' }],
  compliance_issue: [{ EventType: 'compliance*' }],
  cve_detected: [{ EventType: 'cve*' }],
}
