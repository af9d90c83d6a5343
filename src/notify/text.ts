/** Texts of any length and content, made fit for a receiver: cut only at the end, visibly, and never within a character. */

const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' })
/** UTF-16 units before and behind a cut that are looked at for the bounds of a character. */
const BEFORE = 256
const BEHIND = 64

const NEW_LINES = /\r\n?|[\u0085\u2028\u2029]/g
/** Colours and cursor movements of a terminal. */
const ANSI = /\u001b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\u0007\u001b\n]{0,512}(?:\u0007|\u001b\\)|[@-Z\\-_])/g
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufeff\ufff9-\ufffb]/g
const BIDI = /[\u202a-\u202e\u2066-\u2069]/

export function bytes(text: string): number {
  return Buffer.byteLength(text)
}

/** Bytes of a text within a JSON document, without its quotes. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2
}

/** Without control characters other than tab and line feed, without blank ends, well-formed. */
export function clean(text: string): string {
  return text
    .toWellFormed()
    .replace(NEW_LINES, '\n')
    .replace(ANSI, '')
    .replace(CONTROLS, '')
    .replace(/^(?:[ \t]*\n)+/, '')
    .trimEnd()
}

/** {@link clean}, on one line. */
export function oneLine(text: string): string {
  return clean(text).replace(/\s+/g, ' ').trim()
}

/**
 * Keeps directional controls from turning around what stands beside them: a line that has some is put between FSI and
 * PDI, with its own isolates balanced (UAX #9, 3.1).
 */
export function isolate(text: string): string {
  return BIDI.test(text) ? text.split('\n').map(isolateLine).join('\n') : text
}

function isolateLine(line: string): string {
  if (!BIDI.test(line)) return line
  let open = 0
  let inner = ''
  for (const character of line) {
    if (character >= '\u2066' && character <= '\u2068') open++
    if (character === '\u2069' && --open < 0) {
      // It would end the isolate around this line.
      open = 0
      continue
    }
    inner += character
  }
  return `\u2068${inner}${'\u2069'.repeat(open)}\u2069`
}

function isLow(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** The last bound between two characters, as people see them, that is not behind `at`. */
export function boundary(text: string, at: number): number {
  if (at >= text.length) return text.length
  const start = Math.max(0, at - BEFORE)
  const found = SEGMENTER.segment(text.slice(start, at + BEHIND)).containing(at - start)!
  if (found.index > 0 || at - start < BEHIND) return start + found.index
  // A letter with hundreds of accents is cut within, but no code point is.
  return isLow(text, at) ? at - 1 : at
}

/** Code points; half of one counts, too. */
export function countCharacters(text: string): number {
  let count = 0
  for (let index = 0; index < text.length; index++) if (!isLow(text, index)) count++
  return count
}

function suffix(left: number): string {
  return `… (${left} more character${left === 1 ? '' : 's'})`
}

export type Fit = {
  /** Escapes, encloses; lengthens or keeps. */
  render?: (text: string) => string
  /** What the receiver counts; UTF-16 units if not given, which are never fewer than characters. */
  size?: (rendered: string) => number
  /** Characters behind `text` that are left out in any case. */
  more?: number
}

/** The text rendered, of at most so much size; when something is left out its end says how many characters. */
export function shorten(text: string, most: number, fit: Fit = {}): string {
  const { render = isolate, size = (rendered) => rendered.length, more = 0 } = fit
  if (more === 0 && text.length <= most) {
    const whole = render(text)
    if (size(whole) <= most) return whole
  }
  const longest = suffix(countCharacters(text) + more)
  const fits = (end: number) => size(render(text.slice(0, end)) + longest) <= most
  let [low, high] = [0, Math.min(text.length, most)]
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (fits(boundary(text, middle))) low = middle
    else high = middle - 1
  }
  const end = boundary(text, low)
  if (!fits(end)) return '…'
  return render(text.slice(0, end)) + suffix(countCharacters(text.slice(end)) + more)
}

/** The beginning of a text of some MiB, cleaned and {@link shorten}ed; only what may be shown is looked at. */
export function excerpt(text: string, most: number, fit: Fit = {}): string {
  let end = Math.min(text.length, most * 2 + 1024)
  if (end < text.length && isLow(text, end)) end--
  const more = end < text.length ? countCharacters(text.slice(end)) : 0
  return shorten(clean(text.slice(0, end)), most, { ...fit, more: more + (fit.more ?? 0) })
}

/** One line of at most so many UTF-16 units. */
export function title(text: string, most: number, fit: Fit = {}): string {
  // Blanks vanish, so more than `most` is looked at; what is behind it is not shown anyway.
  const end = Math.min(text.length, most * 8 + 1024)
  return shorten(oneLine(text.slice(0, end)), most, {
    ...fit,
    more: end < text.length ? countCharacters(text.slice(end)) : 0,
  })
}

/** As many lines as fit, then `and N more`. `total`: of all, `lines` may be fewer. */
export function listOf(
  lines: string[],
  most: number,
  total: number,
  size = (text: string) => text.length,
): string {
  const more = (count: number) => (count < total ? [`and ${total - count} more`] : [])
  let kept = lines.length
  while (kept > 0 && size([...lines.slice(0, kept), ...more(kept)].join('\n')) > most) kept--
  return [...lines.slice(0, kept), ...more(kept)].join('\n')
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}
