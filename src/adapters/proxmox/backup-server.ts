/** The messages of Proxmox Backup Server, whose first lines are labels and values. */
import type { ProxmoxKind } from './kinds.ts'
import { linesOf } from './value.ts'

/** What a message says; null where it does not. */
export type BackupServerFacts = {
  datastore: string | null
  jobId: string | null
  mediaPool: string | null
  /** Address of the web interface, from the link at the end: `https://pbs.example.lan:8007`. */
  serverUrl: string | null
  fqdn: string | null
  /** Why it failed, the first line of it. */
  reason: string | null
  /** Snapshots and groups that a verification found bad; bad chunks that a garbage collection left or removed. */
  errorCount: number | null
}

/** Labels stand in the first lines; further down a task may quote anything. */
const LABEL_LINES = 16
const LINK = /^<(https:\/\/([a-z0-9][a-z0-9.-]*|\[[0-9a-f:]+\])(?::\d{1,5})?)\/#/i
const REASON = /^(?:Garbage collection|Pruning|Synchronization|Tape Backup) failed: (.+)$|^Error: (.+)$/

export function readBackupServerMessage(kind: ProxmoxKind, message: string): BackupServerFacts {
  const lines = linesOf(message)
  const head = lines.slice(0, LABEL_LINES)
  const link = LINK.exec(lines.findLast((line) => LINK.test(line)) ?? '')
  const label = (name: string): string | null => readLabel(head, name)
  return {
    datastore: label('Datastore'),
    jobId: label('Job ID'),
    mediaPool: label('Tape Pool'),
    serverUrl: link?.[1] ?? null,
    fqdn: link?.[2]?.includes('.') && !/^[\d.]+$/.test(link[2]) ? link[2] : null,
    reason: findReason(lines),
    errorCount: kind === 'verification' ? countBad(message) : kind === 'gc' ? countBadChunks(lines) : null,
  }
}

function readLabel(lines: readonly string[], name: string): string | null {
  const line = lines.find((each) => each.startsWith(`${name}:`))
  return line?.slice(name.length + 1).trim() || null
}

function findReason(lines: readonly string[]): string | null {
  for (const line of lines) {
    const match = REASON.exec(line)
    if (match) return (match[1] ?? match[2])!.trim() || null
  }
  return null
}

/** One to a line, or all on one line and four spaces apart, as some releases render the list. */
function countBad(message: string): number | null {
  const mark = 'failed on these snapshots/groups:'
  const at = message.indexOf(mark)
  if (at === -1) return null
  const end = message.indexOf('Please visit', at)
  const list = message.slice(at + mark.length, end === -1 ? undefined : end)
  return list.split(/\n| {4}/).filter((each) => each.trim() !== '').length
}

function countBadChunks(lines: readonly string[]): number | null {
  const counts = ['Removed bad chunks', 'Leftover bad chunks'].map((name) => readLabel(lines, name))
  if (!counts.every((count) => count !== null && /^\d{1,15}$/.test(count))) return null
  return counts.reduce((sum, count) => sum + Number(count), 0)
}
