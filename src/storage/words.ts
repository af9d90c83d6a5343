/** What is searched for words, and how it is cut into spans of time (docs/adr/0008-reads.md). */

/** Title and message of table `e`, events: whole, however long. */
export const EVENT_TEXT = `concat_ws(E'\\n', e.title, e.subtitle, e.metadata ->> 'Message', e.metadata ->> 'message')`

/** The pattern of LIKE that finds a word anywhere; what is special in a pattern is taken literally. */
export function likePattern(word: string): string {
  return `%${word.replace(/[\\%_]/g, '\\$&')}%`
}

/** What stands between blanks in a text. Whatever is found in a text without a blank is found in one of them. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

const HOUR_MS = 3_600_000
/** Lengths of spans in hours, each a multiple of the one before; the last few are for clocks that are far off. */
const SPAN_HOURS = [1, 24, 24 * 32, 24 * 32 ** 2, 24 * 32 ** 3] as const

/**
 * Keys of the spans in which an event of table `e` starts; {@link spanKeys} names the same. In double precision, which is
 * exact enough to tell the last millisecond of an hour of any year from the next hour, and much faster than `numeric`.
 */
export const SPAN_KEYS = `ARRAY[${SPAN_HOURS.map(
  (hours, level) =>
    `floor(date_part('epoch', e.start_date) / ${hours * 3_600})::int * ${SPAN_HOURS.length} + ${level}`,
).join(', ')}]`

/** Keys of as few spans as cover the hours from `from` to `to`, both in milliseconds and inclusive. */
export function spanKeys(from: number, to: number): number[] {
  const keys: number[] = []
  let at = floorTo(from, 0)
  while (at <= to) {
    const level = SPAN_HOURS.findLastIndex((_, level) => at === floorTo(at, level) && endOf(at, level) <= to)
    const taken = Math.max(level, 0)
    keys.push((at / (SPAN_HOURS[taken]! * HOUR_MS)) * SPAN_HOURS.length + taken)
    at = endOf(at, taken)
  }
  return keys
}

function floorTo(at: number, level: number): number {
  const length = SPAN_HOURS[level]! * HOUR_MS
  return Math.floor(at / length) * length
}

const endOf = (at: number, level: number) => at + SPAN_HOURS[level]! * HOUR_MS
