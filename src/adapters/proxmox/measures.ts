/** Durations and sizes as Proxmox prints them (crates proxmox-time and proxmox-human-byte). */

/** Seconds a unit; month and year are systemd's: 30.44 and 365.25 days. In the order in which they are printed. */
const SECONDS: readonly [unit: string, seconds: number][] = [
  ['y', 31_557_600],
  ['M', 2_630_016],
  ['w', 604_800],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
]

const BYTES: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ...['KiB', 'MiB', 'GiB', 'TiB', 'PiB'].map((unit, n): [string, number] => [unit, 1024 ** (n + 1)]),
  ...['KB', 'MB', 'GB', 'TB', 'PB'].map((unit, n): [string, number] => [unit, 1000 ** (n + 1)]),
])

/** `1h 2m 3s`, `0s`, `<0.1s` in seconds; null for anything else. Each unit once at most, the largest first. */
export function parseDuration(text: string): number | null {
  if (text === '<0.1s') return 0
  let seconds = 0
  let next = 0
  for (const part of text.split(' ')) {
    const match = /^(\d{1,9}(?:\.\d)?)([yMwdhms])$/.exec(part)
    const place = SECONDS.findIndex(([unit]) => unit === match?.[2])
    if (!match || place < next) return null
    seconds += Number(match[1]) * SECONDS[place]![1]
    next = place + 1
  }
  return seconds
}

/**
 * `4.87 GiB`, `0 B` in bytes, null for anything else. Proxmox prints three decimals, so the answer is as near to the
 * real size as half a thousandth of the unit.
 */
export function parseSize(text: string): number | null {
  const match = /^(\d{1,16}(?:\.\d{1,3})?) ([KMGTP]?i?B)$/.exec(text)
  const factor = BYTES.get(match?.[2] ?? '')
  return match && factor !== undefined ? Math.round(Number(match[1]) * factor) : null
}
