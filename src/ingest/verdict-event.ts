import type { IncomingEvent, Severity } from '../event.ts'
import type { Concern, Concerned, Verdict } from '../watch/verdict.ts'

/** The provider under which the server speaks for itself. */
export const WATCH_PROVIDER = 'tempo.watch'

const SEVERITY: Record<Concern, Severity> = {
  missing: 'error',
  absent: 'error',
  slow: 'warning',
  small: 'warning',
}

/** A verdict as an event: facts as metadata, and a message for people. Times in it are UTC. */
export function describeVerdict(verdict: Verdict, externalID: string): IncomingEvent {
  const { concern, state, guests, cluster, node, jobId, dueAt } = verdict
  const only = guests.length === 1 && concern !== 'missing' ? guests[0]! : null
  return {
    provider: WATCH_PROVIDER,
    title: titleOf(verdict),
    startDate: new Date(verdict.at),
    endDate: null,
    eventType: 'alert',
    externalID,
    severity: null,
    color: null,
    groupingKey: null,
    recurrenceRule: null,
    actions: [],
    metadata: {
      state,
      concern,
      severity: state === 'recovered' ? 'ok' : SEVERITY[concern],
      episode: verdict.episode,
      Cluster: cluster,
      ...(node && { NodeName: node }),
      ...(only && { VMID: only.vmid }),
      ...(only?.name && { GuestName: only.name }),
      JobId: jobId,
      dueAt: new Date(dueAt).toISOString(),
      guests: guests.map(({ vmid, name, found, usual }) => ({ vmid, name, found, usual })),
      Message: messageOf(verdict),
    },
  }
}

/** An alarm as it was said, and is read again from the metadata of its event. */
export type SaidAlarm = { externalID: string; at: Date; metadata: Record<string, unknown> }

/** The job that an alarm speaks of; null for what the watch has not written. */
export function jobOfAlarm({ metadata }: SaidAlarm): { cluster: string; jobId: string } | null {
  const { Cluster: cluster, JobId: jobId } = metadata
  return typeof cluster === 'string' && typeof jobId === 'string' ? { cluster, jobId } : null
}

/** Takes an alarm back: what came in later shows that it was none. */
export function describeWithdrawal({ metadata }: SaidAlarm, externalID: string, now: Date): IncomingEvent {
  const { JobId, NodeName, GuestName, VMID, dueAt } = metadata
  const about = [JobId, NodeName && `on ${NodeName}`, (GuestName ?? VMID) && `(${GuestName ?? VMID})`]
  return {
    provider: WATCH_PROVIDER,
    title: `Backup job ${about.filter(Boolean).join(' ')} was well after all`,
    startDate: now,
    endDate: null,
    eventType: 'alert',
    externalID,
    severity: null,
    color: null,
    groupingKey: null,
    recurrenceRule: null,
    actions: [],
    metadata: {
      ...metadata,
      state: 'recovered',
      severity: 'ok',
      Message: `What was known later, such as a report that came in late, shows the run of ${dueAt} to be well.`,
    },
  }
}

function titleOf({ concern, state, guests, jobId, node }: Verdict): string {
  const where = node ? ` on ${node}` : ''
  const who = namesOf(guests)
  if (state === 'recovered') {
    return {
      missing: `Backup job ${jobId}${where} reports again`,
      absent: `Backup job ${jobId}: ${who} is backed up again`,
      slow: `Backup job ${jobId}${where} takes its usual time again`,
      small: `Backups of job ${jobId}${where} have their usual size again`,
    }[concern]
  }
  return {
    missing: `Backup job ${jobId}${where} did not report`,
    absent: `Backup job ${jobId} came without ${who}`,
    slow: `Backup of ${who} took far longer than usual`,
    small: `Backup of ${who} is far smaller than usual`,
  }[concern]
}

function messageOf({ concern, state, guests, dueAt }: Verdict): string {
  const due = `${new Date(dueAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  if (state === 'recovered') return `Well again with the run of ${due}.`
  const lines = guests.map((guest) =>
    `${guest.vmid}  ${guest.name ?? ''}${measureOf(concern, guest)}`.trimEnd(),
  )
  const lead = {
    missing: `A run was due at ${due}, and no report came. The guests of the last report:`,
    absent: `The run of ${due} was reported without a guest that was in the reports before:`,
    slow: `In the run of ${due}:`,
    small: `In the run of ${due}:`,
  }[concern]
  return [lead, ...lines].join('\n')
}

function measureOf(concern: Concern, { found, usual }: Concerned): string {
  if (found === null || usual === null) return ''
  if (concern === 'slow') return `  took ${found} s, usually ${usual} s`
  return `  has ${inMib(found)} MiB, usually ${inMib(usual)} MiB`
}

function inMib(bytes: number): number {
  return Math.round(bytes / 1_048_576)
}

/** `web01 (100)`, or how many there are. */
function namesOf(guests: Concerned[]): string {
  const [first] = guests
  if (!first) return 'a guest'
  if (guests.length > 1) return `${guests.length} guests`
  return first.name ? `${first.name} (${first.vmid})` : first.vmid
}
