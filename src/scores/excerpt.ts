/** Beginnings of texts that may be long, never with half a character at the end. */

/** Trims, and shortens to so many UTF-16 units. */
export function cut(text: string, longest: number): string {
  const whole = text.trim()
  if (whole.length <= longest) return whole
  const splits = whole.codePointAt(longest - 1)! > 0xffff
  return whole.slice(0, splits ? longest - 1 : longest)
}

/** Enough to recognise a value by. */
const EXCERPT_LENGTH = 200

/** A text as it is shown to a person; `cutFrom` is the true length of one that was shortened, else null. */
export type Excerpt = { text: string; cutFrom: number | null }

export function excerptOf(text: string): Excerpt {
  if (text.length <= EXCERPT_LENGTH) return { text, cutFrom: null }
  return { text: `${text.slice(0, EXCERPT_LENGTH).toWellFormed()}…`, cutFrom: text.length }
}
