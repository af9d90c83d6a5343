/** Dates as senders write them: ISO 8601 with a zone, or Unix time, which is all that Proxmox templates can give. */

export type ParsedTimestamp = { ok: true; date: Date } | { ok: false; message: string }

/** Beyond this a number is milliseconds: as seconds it would be the year 5138, as milliseconds it is March 1973. */
const MAX_UNIX_SECONDS = 1e11

/** 0001-01-01T00:00:00Z and 10000-01-01T00:00:00Z; the years that ISO 8601 writes with four digits. */
const EARLIEST = -62_135_596_800_000
const END = 253_402_300_800_000

const DAY = 86_400_000

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)? ?([Zz]|[+-]\d{2}(?::?\d{2})?)?$/
const ISO_DAY = /^\d{4}-\d{2}-\d{2}$/
const DIGITS = /^[+-]?\d+(?:\.\d+)?$/

/**
 * - ISO 8601 with `Z` or an offset (`+02:00`, `+0200`, `+02`), `T` or a space, seconds optional. Fractions are cut to
 *   milliseconds. `24:00:00` is midnight at the end of that day. A leap second `:60` becomes `:59.999`, so that it
 *   stays in its minute and before what follows.
 * - Unix seconds, as a number or as digits in a string; beyond 1e11 milliseconds. Rounded to milliseconds.
 */
export function parseTimestamp(value: unknown): ParsedTimestamp {
  if (typeof value === 'number') return parseUnix(value)
  if (typeof value !== 'string') {
    return refuse('must be ISO 8601 with a zone (2026-11-21T02:14:07Z) or Unix seconds (1795227247)')
  }
  const text = value.trim()
  if (DIGITS.test(text)) return parseUnix(Number(text))
  return parseIso(text)
}

function refuse(message: string): ParsedTimestamp {
  return { ok: false, message }
}

function inRange(milliseconds: number): ParsedTimestamp {
  if (milliseconds >= EARLIEST && milliseconds < END) return { ok: true, date: new Date(milliseconds) }
  return refuse('lies outside of the years 0001 to 9999')
}

function parseUnix(time: number): ParsedTimestamp {
  if (Number.isNaN(time)) return refuse('is not a number')
  // Rounded, not cut: 1795223053.123 is a little less than that in binary.
  return inRange(Math.round(Math.abs(time) > MAX_UNIX_SECONDS ? time : time * 1000))
}

function parseIso(text: string): ParsedTimestamp {
  const match = ISO.exec(text)
  if (!match) {
    if (ISO_DAY.test(text)) return refuse(`"${text}" has no time; write it as ${text}T00:00:00Z`)
    const shown = text.length > 40 ? `${text.slice(0, 40).toWellFormed()}…` : text
    return refuse(
      `"${shown}" is not a date; write ISO 8601 with a zone (2026-11-21T02:14:07Z) or Unix seconds (1795227247)`,
    )
  }
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone] = match
  if (zone === undefined)
    return refuse(`"${text.slice(0, 40)}" has no time zone; add Z for UTC, or an offset as +02:00`)

  const midnight = startOfDay(Number(year), Number(month), Number(day))
  if (midnight === null) return refuse(`${year}-${month}-${day} is not a day of the calendar`)
  const time = timeOfDay(Number(hour), Number(minute), Number(second), fraction)
  if (time === null) return refuse(`${hour}:${minute}:${second} is not a time of day`)
  const offset = zoneOffset(zone)
  if (offset === null) return refuse(`${zone} is not an offset from UTC`)
  return inRange(midnight + time - offset)
}

/** Milliseconds of midnight UTC; null for a day such as 30 February, which Date would move into March. */
function startOfDay(year: number, month: number, day: number): number | null {
  const date = new Date(0)
  // Not Date.UTC: it reads the years 0 to 99 as 1900 to 1999.
  const milliseconds = date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? milliseconds : null
}

function timeOfDay(hour: number, minute: number, second: number, fraction: string): number | null {
  if (hour === 24) return minute === 0 && second === 0 && !/[1-9]/.test(fraction) ? DAY : null
  if (hour > 23 || minute > 59 || second > 60) return null
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'))
  return (hour * 60 + minute) * 60_000 + (second === 60 ? 59_999 : second * 1000 + milliseconds)
}

function zoneOffset(zone: string): number | null {
  if (zone === 'Z' || zone === 'z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', ''))
  if (hours > 23 || minutes > 59) return null
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
