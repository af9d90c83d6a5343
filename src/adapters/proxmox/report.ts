/** What a vzdump report says: one for each run and node, for all guests of the run. */
import { instantAt, offsetBetween } from './local-time.ts'
import { type GuestLogs, lastLocal, readGuestLogs, startedLocal } from './logs.ts'
import { parseDuration, parseSize } from './measures.ts'
import { type GuestRow, isTableHeader, parseGuestTable } from './table.ts'
import { linesOf } from './value.ts'

export type VzdumpGuest = GuestRow & {
  /** When its backup began; null unless the offset of the node from UTC is known. */
  startedAt: Date | null
  /** The same in local time of the node, as its log says it: `2026-11-21 02:00:04`. */
  startedLocal: string | null
  /** Its log lines without the leading VMID. */
  log: string[]
}

export type VzdumpReport = {
  guests: VzdumpGuest[]
  /** Why the run failed as a whole; null when it did not, or only single guests did. */
  reason: string | null
  totalSeconds: number | null
  totalBytes: number | null
  logTruncated: boolean
  /** Offset of the node from UTC; null when nothing in the report tells it. */
  utcOffsetMinutes: number | null
  /** Rows of the table that cannot be read. */
  unparsed: string[]
}

const TOO_LONG = 'Log output was too long to be sent.'
/** On a Proxmox Backup Server the file is named after the second in which the backup began, in UTC. */
const SNAPSHOT = /(?:^|\/)(?:vm|ct)\/\d+\/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/

/**
 * Reads a report. `sentAt`, the time of the notification, serves to tell the zone of the log's local times. Takes any
 * text; what cannot be read is `unparsed`, and a guest is `ok` only where a whole row of a table says so.
 */
export function parseVzdumpReport(input: {
  title: string
  message: string
  sentAt?: Date | null
}): VzdumpReport {
  const lines = linesOf(input.message)
  const logsAt = findLogs(lines)
  const logLines = logsAt === -1 ? [] : lines.slice(logsAt + 2)
  const tableAt = findTable(lines, logsAt === -1 ? lines.length : logsAt)
  const rows = tableAt === -1 ? [] : rowsBelow(lines, tableAt)
  const cutOff = tableAt + 1 + rows.length === lines.length
  const { guests, unparsed } = parseGuestTable(lines[tableAt] ?? '', rows, cutOff)
  const logs = readGuestLogs(logLines)
  const first = logLines.find((line) => line.trim() !== '') ?? ''
  const starts = new Map(Array.from(logs, ([vmid, log]) => [vmid, startedLocal(log, vmid)]))
  const offset = findOffset(guests, starts, logs, input.sentAt ?? null)
  const footer = lines.slice(tableAt + 1 + rows.length, logsAt === -1 ? undefined : logsAt)
  return {
    guests: guests.map((guest) => ({
      ...guest,
      ...startOf(guest, starts.get(guest.vmid) ?? null, offset),
      log: logs.get(guest.vmid) ?? [],
    })),
    reason: findReason(input.title, tableAt === -1 ? [] : lines.slice(0, tableAt)),
    totalSeconds: readTotal(footer, 'Total running time: ', parseDuration),
    totalBytes: readTotal(footer, 'Total size: ', parseSize),
    logTruncated: first.startsWith(TOO_LONG),
    utcOffsetMinutes: offset,
    unparsed,
  }
}

function findLogs(lines: readonly string[]): number {
  return lines.findIndex((line, at) => line.trimEnd() === 'Logs' && lines[at + 1]?.trimEnd() === '====')
}

/** The last header above the logs: an error text stands before it, and may quote anything. */
function findTable(lines: readonly string[], end: number): number {
  return lines.findLastIndex((line, at) => at < end && isTableHeader(line))
}

function rowsBelow(lines: readonly string[], tableAt: number): string[] {
  const end = lines.findIndex((line, at) => at > tableAt && isTableEnd(line))
  return lines.slice(tableAt + 1, end === -1 ? undefined : end)
}

function isTableEnd(line: string): boolean {
  return line.trim() === '' || line.startsWith('Total running time: ')
}

function readTotal<T>(lines: readonly string[], label: string, parse: (text: string) => T): T | null {
  const line = lines.find((each) => each.startsWith(label))
  return line === undefined ? null : parse(line.slice(label.length).trim())
}

/** One problem stands in the title; several stand above the table, and the title says so. */
function findReason(title: string, above: readonly string[]): string | null {
  const details = above.findLastIndex((line) => line.trimEnd() === 'Details')
  const text = above
    .slice(0, details === -1 ? above.length : details)
    .join('\n')
    .trim()
  if (text !== '') return text
  const mark = ': backup failed: '
  const at = title.indexOf(mark)
  return at === -1 ? null : title.slice(at + mark.length).trim() || null
}

function findOffset(
  guests: readonly GuestRow[],
  starts: ReadonlyMap<number, string | null>,
  logs: GuestLogs,
  sentAt: Date | null,
): number | null {
  for (const { vmid, file } of guests) {
    const [instant, local] = [snapshotTime(file), starts.get(vmid) ?? null]
    const offset = instant !== null && local !== null ? offsetBetween(local, instant) : null
    if (offset !== null) return offset
  }
  const last = lastLocal(logs)
  return last !== null && sentAt !== null ? offsetBetween(last, sentAt) : null
}

function snapshotTime(file: string | null): Date | null {
  const text = SNAPSHOT.exec(file ?? '')?.[1]
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? null : new Date(time)
}

function startOf(
  guest: GuestRow,
  local: string | null,
  offset: number | null,
): Pick<VzdumpGuest, 'startedAt' | 'startedLocal'> {
  const guessed = local !== null && offset !== null ? instantAt(local, offset) : null
  return { startedAt: snapshotTime(guest.file) ?? guessed, startedLocal: local }
}
