import { hash } from 'node:crypto'
import type { Enrichment } from '../adapters/proxmox.ts'
import type { IncomingEvent } from '../event.ts'
import type { BackupReport, BackupStatus, GuestBackup } from '../guest.ts'
import { newId } from '../new-id.ts'

type Report = NonNullable<Enrichment['report']>
type ReportedGuest = Report['guests'][number]

/** A report taken apart: what is stored of each guest, and an event for each guest's own stack. */
export type ReadReport = {
  report: BackupReport
  /** By the id that their backups name; none when the report has one guest, and stands in its stack itself. */
  events: { id: string; event: IncomingEvent }[]
}

const SEVERITY: Record<BackupStatus, string> = {
  ok: 'info',
  failed: 'error',
  aborted: 'warning',
  unparsed: 'warning',
}
const OUTCOME: Record<BackupStatus, string> = {
  ok: 'successful',
  failed: 'failed',
  aborted: 'was not reached',
  unparsed: 'could not be read',
}
const MAX_EXTERNAL_ID = 200
/** Longest name of a cluster, node, job or guest that is kept: they stand in indexes. */
const MAX_NAME = 255
/** No backup takes longer; what claims to is not believed, whatever a report or the name of a file says. */
const LONGEST_SECONDS = 31 * 86_400
const EARLIEST = Date.parse('0001-01-01T00:00:00Z')

/**
 * What a vzdump report says of guests; null when the event, which is complete, is none. `fallbackCluster` is used when
 * neither the payload nor the token names a cluster. Starts that the log does not show are counted from the end of the
 * run backwards.
 */
export function readReport(
  event: IncomingEvent,
  enrichment: Enrichment,
  eventId: string,
  fallbackCluster: string,
): ReadReport | null {
  if (!enrichment.report) return null
  const report = believed(enrichment.report)
  const { metadata } = event
  const cluster = textOf(metadata.Cluster) ?? fallbackCluster
  const node = textOf(metadata.NodeName)
  const jobId = textOf(metadata.JobId)
  const starts = startsOf(report.guests, report.totalSeconds, event.startDate)
  // Then the report itself stands in the stack of its only guest.
  const isAlone = report.guests.length === 1 && textOf(metadata.VMID) === String(report.guests[0]!.vmid)
  const events: ReadReport['events'] = []
  const backups = report.guests.map((guest, index): GuestBackup => {
    const id = newId()
    const guestEventId = isAlone ? eventId : newId()
    if (!isAlone) events.push({ id: guestEventId, event: guestEvent(event, guest) })
    return {
      id,
      eventId: guestEventId,
      cluster,
      node,
      vmid: String(guest.vmid),
      name: textOf(guest.name),
      status: guest.status,
      startedAt: starts[index]!,
      durationSeconds: guest.durationSeconds,
      sizeBytes: guest.sizeBytes,
      file: guest.file,
      jobId,
      log: guest.log.length > 0 ? guest.log.join('\n') : null,
    }
  })
  const first = starts.reduce((least, at) => (at < least ? at : least), event.startDate)
  const startedAt =
    report.totalSeconds === null ? first : minOf(first, before(event.startDate, report.totalSeconds))
  return {
    report: {
      cluster,
      node,
      jobId,
      startedAt,
      endedAt: event.startDate,
      incomplete: report.unparsed.length > 0,
      reason: report.reason,
      backups,
    },
    events,
  }
}

/** One guest's result as an event of its own; it tells what it is taken from by `derivedFrom`, which the store adds. */
function guestEvent(event: IncomingEvent, guest: ReportedGuest): IncomingEvent {
  const { Message: _message, message: _text, GuestName: _name, VMID: _vmid, ...rest } = event.metadata
  // They speak of the whole run.
  const { Outcome: _outcome, ErrorCount: _count, ...shared } = rest
  const name = guest.name ? `${guest.name} (${guest.vmid})` : String(guest.vmid)
  return {
    ...event,
    title: `Backup of ${name} ${OUTCOME[guest.status]}`,
    externalID: event.externalID === null ? null : externalIdOf(`${event.externalID}#${guest.vmid}`),
    groupingKey: null,
    severity: null,
    actions: [],
    metadata: {
      ...shared,
      severity: SEVERITY[guest.status],
      VMID: String(guest.vmid),
      ...(guest.name && { GuestName: guest.name }),
      TaskType: 'vzdump',
      BackupStatus: guest.status,
      ...(guest.status !== 'unparsed' && { Outcome: guest.status === 'ok' ? 'ok' : 'failed' }),
      ...(guest.durationSeconds !== null && { DurationSeconds: guest.durationSeconds }),
      ...(guest.sizeBytes !== null && { SizeBytes: guest.sizeBytes }),
      ...(guest.file && { File: guest.file }),
      ...(guest.log.length > 0 && { Message: guest.log.join('\n') }),
    },
  }
}

/** A report without lengths and sizes that cannot be. */
function believed(report: Report): Report {
  const guests = report.guests.map((guest) => ({
    ...guest,
    durationSeconds: secondsOf(guest.durationSeconds),
    sizeBytes: Number.isSafeInteger(guest.sizeBytes) ? guest.sizeBytes : null,
  }))
  return { ...report, guests, totalSeconds: secondsOf(report.totalSeconds) }
}

function secondsOf(seconds: number | null): number | null {
  return seconds !== null && seconds <= LONGEST_SECONDS ? Math.round(seconds) : null
}

/** When each backup began: by its log, or one after the other, up to the end of the report. */
function startsOf(guests: readonly ReportedGuest[], totalSeconds: number | null, end: Date): Date[] {
  const sum = guests.reduce((seconds, { durationSeconds }) => seconds + (durationSeconds ?? 0), 0)
  const earliest = before(end, LONGEST_SECONDS)
  let next = before(end, totalSeconds ?? sum)
  return guests.map(({ startedAt, durationSeconds }) => {
    const at = startedAt && startedAt >= earliest && startedAt <= end ? startedAt : next
    next = before(at, -(durationSeconds ?? 0))
    return minOf(at, end)
  })
}

function before(at: Date, seconds: number): Date {
  return new Date(Math.max(at.getTime() - seconds * 1000, EARLIEST))
}

function minOf(one: Date, other: Date): Date {
  return one < other ? one : other
}

function externalIdOf(text: string): string {
  return text.length <= MAX_EXTERNAL_ID ? text : hash('sha256', text)
}

function textOf(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null
  return String(value).trim().slice(0, MAX_NAME).toWellFormed() || null
}
