/** The table of guests in a vzdump report. */
import { parseDuration, parseSize } from './measures.ts'

/** `aborted`: the job ended before this guest (`todo`). `unparsed`: its row cannot be read, so nothing is known. */
export type GuestStatus = 'ok' | 'failed' | 'aborted' | 'unparsed'

/** A row of the table; what could not be read is null. */
export type GuestRow = {
  vmid: number
  name: string | null
  status: GuestStatus
  durationSeconds: number | null
  sizeBytes: number | null
  /** A path, a volume, or the snapshot on a Proxmox Backup Server; null when there is no backup. */
  file: string | null
}

/** `unparsed` holds rows as they stood there; of those with a VMID there is a guest, too. */
export type GuestTable = { guests: GuestRow[]; unparsed: string[] }

const STATUSES: ReadonlyMap<string, GuestStatus> = new Map([
  ['ok', 'ok'],
  ['err', 'failed'],
  ['todo', 'aborted'],
])

const HEADER = /^VMID {4,}Name {4,}Status {4,}Time {4,}Size {4,}Filename *$/
const LABELS = ['VMID', 'Name', 'Status', 'Time', 'Size', 'Filename']
const GAP = '    '

export function isTableHeader(line: string): boolean {
  return HEADER.test(line)
}

/**
 * Reads the rows below a header, given without their line ends; never a status that does not stand there. `cutOff`
 * when the text ends within the last row, so that some of it may be missing.
 */
export function parseGuestTable(header: string, rows: readonly string[], cutOff: boolean): GuestTable {
  const starts = LABELS.map((label) => header.indexOf(label))
  const table: GuestTable = { guests: [], unparsed: [] }
  for (const [at, row] of rows.entries()) {
    const guest = cutOff && at === rows.length - 1 ? null : readRow(row, starts)
    if (guest !== null) {
      table.guests.push(guest)
      continue
    }
    table.unparsed.push(row)
    const vmid = /^([1-9]\d{0,9}) {4}/.exec(row)?.[1]
    if (vmid !== undefined) table.guests.push(unreadGuest(Number(vmid)))
  }
  return table
}

function unreadGuest(vmid: number): GuestRow {
  return { vmid, name: null, status: 'unparsed', durationSeconds: null, sizeBytes: null, file: null }
}

/**
 * A column is as wide as its longest cell in bytes, plus 4; Rust then fills each cell up to that many characters. So
 * cells are cut at the places of the header, never at runs of spaces: a name may hold those. Counted in bytes or in
 * UTF-16 units the row fits, if at all, only when it was filled up that way, because a status never begins with a space.
 */
function readRow(row: string, starts: readonly number[]): GuestRow | null {
  for (const cut of /[^\0-\x7f]/.test(row) ? [cutCharacters, cutBytes, cutUnits] : [cutUnits]) {
    const guest = readCells(cut(row, starts))
    if (guest !== null) return guest
  }
  return null
}

type Cut = (row: string, starts: readonly number[]) => string[]

const cutUnits: Cut = (row, starts) => starts.map((start, n) => row.slice(start, starts[n + 1]))

const cutCharacters: Cut = (row, starts) => {
  const characters = Array.from(row)
  return starts.map((start, n) => characters.slice(start, starts[n + 1]).join(''))
}

const cutBytes: Cut = (row, starts) => {
  const bytes = Buffer.from(row)
  return starts.map((start, n) => bytes.subarray(start, starts[n + 1]).toString())
}

function readCells(cells: readonly string[]): GuestRow | null {
  if (!cells.slice(0, -1).every((cell) => cell.endsWith(GAP))) return null
  const [vmid, name, state, time, size, filename] = cells.map(trimPadding) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const status = STATUSES.get(state)
  const durationSeconds = parseDuration(time)
  const sizeBytes = parseSize(size)
  const file = filename === 'null' ? null : filename
  if (status === undefined || durationSeconds === null || sizeBytes === null) return null
  if (!/^[1-9]\d{0,9}$/.test(vmid)) return null
  // A backup that succeeded always has a file; without one the row was cut off.
  if (filename === '' || filename.startsWith(' ') || (status === 'ok' && file === null)) return null
  return { vmid: Number(vmid), name, status, durationSeconds, sizeBytes, file }
}

/** Not by a regular expression: / +$/ takes quadratic time on runs of spaces. */
function trimPadding(cell: string): string {
  let end = cell.length
  while (end > 0 && cell.charCodeAt(end - 1) === 0x20) end--
  return cell.slice(0, end)
}
