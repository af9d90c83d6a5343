/** Values of a notification, and their names however they are written. */

/** Letters and digits alone, in lower case: `alert_id`, `Alert-ID` and `alertId` are one name. */
export function bare(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** An object that is no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The trimmed text of a text or number; null when there is none. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
}

/** A text of the sender for a message: quoted, short, on one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text)
}

/** Looks values up by {@link bare} names; of keys that are one name the first that holds something counts. */
export type Lookup = {
  /** The text or number under the first of these names that has one. */
  text: (...names: string[]) => string | null
  /** All of them, in the order of the names. */
  texts: (...names: string[]) => string[]
  /** The first object under one of these names. */
  object: (...names: string[]) => Record<string, unknown> | null
}

export function lookInto(...objects: Record<string, unknown>[]): Lookup {
  const values = new Map<string, unknown[]>()
  for (const [key, value] of objects.flatMap((object) => Object.entries(object))) {
    const name = bare(key)
    const known = values.get(name)
    if (known) known.push(value)
    else values.set(name, [value])
  }
  const all = (names: string[]): unknown[] => names.flatMap((name) => values.get(name) ?? [])
  const texts = (...names: string[]) => all(names).flatMap((value) => textOf(value) ?? [])
  return {
    texts,
    text: (...names) => texts(...names)[0] ?? null,
    object: (...names) => all(names).find(isObject) ?? null,
  }
}
