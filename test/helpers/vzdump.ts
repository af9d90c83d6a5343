/**
 * vzdump notifications as Proxmox VE renders them: pve-manager's template and table, by the plain text renderer of the
 * crate proxmox-notify. What it prints was compared with the recorded fixtures.
 */

export type SentGuest = {
  vmid: number
  /** pve-manager puts `VM 100` for a guest without a name; null is what the renderer makes of none at all. */
  name: string | null
  state: 'ok' | 'err' | 'todo'
  seconds: number
  bytes: number
  /** Only a backup that succeeded has one. */
  file: string | null
}

export type SentReport = {
  fqdn?: string
  guests: readonly SentGuest[]
  /** Error of the whole job; of several lines it stands in the message, else in the title. */
  error?: string | null
  totalSeconds?: number
  totalBytes?: number
  commandLine?: string
  /** Log lines of each guest, without the VMID in front. */
  logs?: ReadonlyMap<number, readonly string[]>
  /** The logs were over 1 MiB. */
  logTooLong?: boolean
}

/** What cells are filled up in: Rust counts characters, whereas the width of a column comes from bytes. */
export type Padding = 'characters' | 'bytes'

/** A backup that succeeded, failed, or was never begun. */
export const ok = (vmid: number, name: string, file = `/dump/vzdump-qemu-${vmid}.vma.zst`): SentGuest => ({
  vmid,
  name,
  state: 'ok',
  seconds: 101,
  bytes: 5_229_122_683,
  file,
})
export const failed = (vmid: number, name: string): SentGuest => ({
  ...ok(vmid, name),
  state: 'err',
  file: null,
})
export const aborted = (vmid: number, name: string): SentGuest => ({
  ...failed(vmid, name),
  state: 'todo',
  seconds: 0,
})

const LABELS = ['VMID', 'Name', 'Status', 'Time', 'Size', 'Filename']

export function renderVzdump(report: SentReport, padding: Padding = 'characters') {
  const { guests, fqdn = 'pve1.example.lan', error = null } = report
  const failed = error !== null || guests.some(({ state }) => state !== 'ok')
  const several = error?.includes('\n') ?? false
  const status = failed ? 'backup failed' : 'backup successful'
  const suffix = error === null ? '' : several ? ': multiple problems' : `: ${error}`
  const good = guests.filter(({ state }) => state === 'ok')
  const totalBytes = report.totalBytes ?? good.reduce((sum, { bytes }) => sum + bytes, 0)
  const totalSeconds = report.totalSeconds ?? guests.reduce((sum, { seconds }) => sum + seconds, 0)
  return {
    title: `vzdump backup status (${fqdn}): ${status}${suffix} `,
    message:
      `${several ? error : ''}\nDetails\n=======\n${renderTable(guests, padding)}\n` +
      `Total running time: ${renderDuration(totalSeconds)}\nTotal size: ${renderSize(totalBytes)}\n\n` +
      `Logs\n====\n${renderLogs(report)}\n`,
  }
}

function renderTable(guests: readonly SentGuest[], padding: Padding): string {
  const rows = guests.map(({ vmid, name, state, seconds, bytes, file }) => [
    String(vmid),
    String(name),
    state,
    renderDuration(seconds),
    renderSize(state === 'ok' ? bytes : 0),
    String(state === 'ok' ? file : null),
  ])
  const widths = LABELS.map((label, n) =>
    rows.reduce((width, row) => Math.max(width, Buffer.byteLength(row[n]!)), label.length),
  )
  const length = (cell: string) => (padding === 'bytes' ? Buffer.byteLength(cell) : Array.from(cell).length)
  return [LABELS, ...rows]
    .map((row) => `${row.map((cell, n) => cell + ' '.repeat(widths[n]! + 4 - length(cell))).join('')}\n`)
    .join('')
}

function renderLogs({
  guests,
  logs,
  commandLine = 'vzdump --all 1',
  logTooLong = false,
}: SentReport): string {
  if (logTooLong) return 'Log output was too long to be sent. See Task History for details!\n'
  const tasks = guests.map(({ vmid }) => {
    const lines = logs?.get(vmid)
    if (lines === undefined) return `${vmid}: no log available\n\n`
    // vzdump breaks a line behind 990 bytes, once.
    return `${lines.map((line) => `${vmid}: ${line}`.replace(/^(.{990})/, '$1\n')).join('\n')}\n\n`
  })
  return `${commandLine}\n\n\n${tasks.join('')}`
}

const UNITS: readonly [string, number][] = [
  ['y', 31_557_600],
  ['M', 2_630_016],
  ['w', 604_800],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
]

/** The crate proxmox-time: units that are zero are left out. */
export function renderDuration(seconds: number): string {
  let rest = seconds
  const parts: string[] = []
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length)
    rest -= count * length
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.length > 0 ? parts.join(' ') : '0s'
}

/** The crate proxmox-human-byte: the largest binary unit, three decimals at most. */
export function renderSize(bytes: number): string {
  let unit = 0
  while (unit < 5 && bytes >= 1024 ** (unit + 1)) unit++
  return `${Math.round((bytes / 1024 ** unit) * 1000) / 1000} ${['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][unit]}`
}
