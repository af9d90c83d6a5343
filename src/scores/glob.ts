/**
 * Globs over whole texts: `*` is any run of characters, `?` is one character (a code point), all else is itself.
 * The pattern is cut at its stars and each piece is looked for from the left, so no pattern backtracks: a leftmost
 * piece leaves the most text for the rest.
 */

/** Characters followed by `gap` times `?`. */
type Run = { literal: string; gap: number }

/** What stands between two stars: `lead` times `?`, then runs; `points` characters in all. */
type Piece = { lead: number; runs: Run[]; points: number }

/**
 * The form in which texts compare without regard to case.
 * Lower case alone depends on the neighbours of a sigma (`Σ` ends a word as `ς`), and a glob has no neighbours.
 */
export function foldCase(text: string): string {
  return text.toLowerCase().replaceAll('ς', 'σ')
}

export function hasWildcard(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}

/** Compiles a pattern to a test of a whole text that is already folded with {@link foldCase}. */
export function compileGlob(pattern: string): (folded: string) => boolean {
  const pieces = foldCase(pattern).split('*').map(parsePiece)
  const head = pieces[0]!
  if (pieces.length === 1) return (text) => endAt(text, 0, head) === text.length

  const tail = pieces.at(-1)!
  const middle = pieces.slice(1, -1).filter((piece) => piece.points > 0)
  return (text) => {
    let position = endAt(text, 0, head)
    if (position < 0) return false
    const tailStart = stepBack(text, tail.points)
    if (tailStart < position || endAt(text, tailStart, tail) < 0) return false
    for (const piece of middle) {
      position = findEnd(text, position, piece)
      if (position < 0 || position > tailStart) return false
    }
    return true
  }
}

function parsePiece(source: string): Piece {
  const body = source.replace(/^\?+/, '')
  const runs = Array.from(body.matchAll(/([^?]+)(\?*)/g), ([, literal, gap]) => ({
    literal: literal!,
    gap: gap!.length,
  }))
  return { lead: source.length - body.length, runs, points: [...source].length }
}

/** Where the piece ends if it stands at `from`, or -1. */
function endAt(text: string, from: number, piece: Piece): number {
  const start = stepForward(text, from, piece.lead)
  return start < 0 ? -1 : runsEnd(text, start, piece.runs)
}

/** Where the leftmost occurrence of the piece from `from` on ends, or -1. */
function findEnd(text: string, from: number, piece: Piece): number {
  const start = stepForward(text, from, piece.lead)
  const first = piece.runs[0]
  if (start < 0 || !first) return start
  for (let at = text.indexOf(first.literal, start); at >= 0; at = text.indexOf(first.literal, at + 1)) {
    const end = runsEnd(text, at, piece.runs)
    if (end >= 0) return end
  }
  return -1
}

function runsEnd(text: string, from: number, runs: Run[]): number {
  let at = from
  for (const { literal, gap } of runs) {
    if (!text.startsWith(literal, at)) return -1
    at = stepForward(text, at + literal.length, gap)
    if (at < 0) return -1
  }
  return at
}

function stepForward(text: string, from: number, points: number): number {
  let at = from
  for (let left = points; left > 0; left--) {
    if (at >= text.length) return -1
    at += text.codePointAt(at)! > 0xffff ? 2 : 1
  }
  return at
}

/** The index from which the text has `points` characters left, or -1 when it is shorter. */
function stepBack(text: string, points: number): number {
  let at = text.length
  for (let left = points; left > 0; left--) {
    if (at <= 0) return -1
    at -= at >= 2 && text.codePointAt(at - 2)! > 0xffff ? 2 : 1
  }
  return at
}
