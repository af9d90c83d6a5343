/** Where a fault is, in the terms of someone who looks at the text. */

/** Either side of the fault; with two ellipses at most 120 characters. */
const EXCERPT_REACH = 59

/** Line, column and surroundings of an offset. */
export function placeOf(text: string, at: number): { line: number; column: number; excerpt: string } {
  return { ...locate(text, at), excerpt: excerpt(text, at) }
}

/** Line and column from 1, the column in characters as an editor counts them. */
function locate(text: string, at: number): { line: number; column: number } {
  let line = 1
  let start = 0
  for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', start)) {
    line++
    start = end + 1
  }
  let column = 1
  for (const _ of text.slice(start, at)) column++
  return { line, column }
}

/** One line around the fault, safe to print: control characters become their pictures (␊), direction marks U+FFFD. */
function excerpt(text: string, at: number): string {
  const from = Math.max(0, at - EXCERPT_REACH)
  const to = Math.min(text.length, at + EXCERPT_REACH)
  const visible = text
    .slice(from, to)
    .replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')
    .replace(/[\u0000-\u001f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)))
    .replaceAll('\u007f', '\u2421')
    .replace(/[\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
  return `${from > 0 ? '…' : ''}${visible}${to < text.length ? '…' : ''}`
}
