/** The logs at the end of a vzdump report. */

/** vzdump breaks a line behind so many bytes, number and all; what follows has no number of its own. */
const BROKEN_AT = 990
const NUMBERED = /^[1-9]\d{0,9}: /

/** The lines of each guest, without the leading `100: `. */
export type GuestLogs = ReadonlyMap<number, string[]>

/** Sorts log lines by the VMID in front of them; lines without one belong to the job and are left out. */
export function readGuestLogs(lines: readonly string[]): GuestLogs {
  const logs = new Map<number, string[]>()
  let broken: string[] | null = null
  for (const line of lines) {
    if (broken !== null) {
      broken.push(`${broken.pop()}${line}`)
      broken = null
      continue
    }
    if (!NUMBERED.test(line)) continue
    const colon = line.indexOf(':')
    const vmid = Number(line.slice(0, colon))
    const log = logs.get(vmid) ?? []
    if (log.length === 0) logs.set(vmid, log)
    log.push(line.slice(colon + 2))
    if (isBroken(line)) broken = log
  }
  return logs
}

/** Counted in bytes by vzdump; in characters when something on the way decoded the log before. */
function isBroken(line: string): boolean {
  if (line.length > BROKEN_AT || line.length < BROKEN_AT / 4) return false
  return line.length === BROKEN_AT || Buffer.byteLength(line) === BROKEN_AT
}

const STAMP = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) /

/** When the backup of a guest began, in the node's local time as the log has it: `2026-11-21 02:00:04`. */
export function startedLocal(log: readonly string[], vmid: number): string | null {
  const mark = `: Starting Backup of VM ${vmid} `
  const start = log.find((line) => line.includes(mark) && STAMP.test(line))
  const first = start ?? log.find((line) => STAMP.test(line))
  return first === undefined ? null : STAMP.exec(first)![1]!
}

/** The last local time in the logs; null without any. */
export function lastLocal(logs: GuestLogs): string | null {
  let last: string | null = null
  for (const log of logs.values()) {
    const stamp = STAMP.exec(log.findLast((line) => STAMP.test(line)) ?? '')?.[1]
    if (stamp !== undefined && (last === null || stamp > last)) last = stamp
  }
  return last
}
