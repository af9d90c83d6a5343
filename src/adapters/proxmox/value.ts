/** Values of a notification before anything is known about them. */

/** Proxmox renders a missing field as null or as "", so both mean the same as a key that is left out. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
}

/** An object that is no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The trimmed text of a text or number; null when there is none. */
export function presentText(value: unknown): string | null {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
}

/** A text of the sender for a message: quoted, short, on one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text)
}

/** The lines of a text, whichever way they end. */
export function linesOf(text: string): string[] {
  return text.split(text.includes('\r') ? /\r?\n/ : '\n')
}
