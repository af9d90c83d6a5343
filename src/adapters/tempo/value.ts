/** A value of a payload before anything is known about it. */

/** Proxmox renders a missing field as null or as "", so both mean the same as a key that is left out. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
}

/** An object that is no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a value is, for a message. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return value === null ? 'null' : 'an object'
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`
}

/** A text of the sender for a message: quoted, short, on one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text)
}

/** Characters as people count them, code points; exact only up to `limit`, and then `limit + 1`. */
export function countCharacters(text: string, limit: number): number {
  if (text.length <= limit) return text.length
  let count = 0
  for (const _ of text) if (++count > limit) break
  return count
}
