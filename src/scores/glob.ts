/**
 * Globs over whole texts: `*` is any run of characters, `?` is one character (a code point), all else is itself.
 * The pattern is cut at its stars and each piece is looked for from the left, so no pattern backtracks: a leftmost
 * piece leaves the most text for the rest.
 */
import { compileScan, LONGEST_BIT_SCAN, type Scan } from './scan.ts'

/** Characters followed by `gap` times `?`. */
type Run = { literal: string; gap: number }

/** What stands between two stars: `lead` times `?`, then runs; `points` characters in all. */
type Piece = { lead: number; runs: Run[]; points: number }

/** A piece that is looked for: `anchor` begins it; `scan` finds it without its last `trail` times `?`. */
type Sought = Piece & { anchor: string; scan: () => Scan; trail: number }

/** How much may still be spent on guesses, counted in characters, see {@link findEnd}. */
type Credit = { left: number }

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

/** What is wrong with a pattern whatever the text. */
export function globFault(pattern: string): string | undefined {
  const sought = pattern.split('*').slice(1, -1).map(core)
  return sought.some((text) => text.includes('?') && text.length > LONGEST_BIT_SCAN)
    ? `must not have more than ${LONGEST_BIT_SCAN} characters with "?" between two "*"`
    : undefined
}

/** Compiles a pattern to a test of a whole text that is already folded with {@link foldCase}. */
export function compileGlob(pattern: string): (folded: string) => boolean {
  // Half a surrogate pair would match inside a character for `indexOf`, and not for a scan.
  const sources = foldCase(pattern).toWellFormed().split('*')
  const head = parsePiece(sources[0]!)
  if (sources.length === 1) return (text) => endAt(text, 0, head) === text.length

  const tail = parsePiece(sources.at(-1)!)
  const middle = sources.slice(1, -1).filter(Boolean).map(parseSought)
  return (text) => {
    let position = endAt(text, 0, head)
    if (position < 0) return false
    const tailStart = stepBack(text, tail.points)
    if (tailStart < position || endAt(text, tailStart, tail) < 0) return false
    const credit: Credit = { left: text.length }
    for (const piece of middle) {
      position = findEnd(text, position, piece, credit)
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

/** More characters make guesses better, but `indexOf` slower on a text made against it. */
const ANCHOR_LENGTH = 8

function parseSought(source: string): Sought {
  const piece = parsePiece(source)
  let scan: Scan | undefined
  return {
    ...piece,
    anchor: piece.runs[0]?.literal.slice(0, ANCHOR_LENGTH) ?? '',
    scan: () => {
      scan ??= compileScan(core(source))
      return scan
    },
    trail: piece.runs.at(-1)?.gap ?? 0,
  }
}

/** The piece without the `?` at both ends. */
function core(source: string): string {
  return source.replace(/^\?+/, '').replace(/(?<!\?)\?+$/, '')
}

/** Where the piece ends if it stands at `from`, or -1. */
function endAt(text: string, from: number, piece: Piece): number {
  const start = stepForward(text, from, piece.lead)
  return start < 0 ? -1 : runsEnd(text, start, piece.runs)
}

/** What trying one place costs, beside the characters compared. */
const GUESS_COST = 32

/**
 * Where the leftmost occurrence of the piece from `from` on ends, or -1. Guesses by `indexOf`, which is fast until
 * wrong guesses have used up the credit: then the text was made for that, and a scan is sure to take linear time.
 */
function findEnd(text: string, from: number, piece: Sought, credit: Credit): number {
  let start = stepForward(text, from, piece.lead)
  if (start < 0 || piece.runs.length === 0) return start
  while (credit.left > 0) {
    const at = text.indexOf(piece.anchor, start)
    if (at < 0) return -1
    const end = runsEnd(text, at, piece.runs)
    if (end >= 0) return end
    credit.left -= piece.points + GUESS_COST
    start = at + 1
  }
  const end = piece.scan()(text, start)
  return end < 0 ? -1 : stepForward(text, end, piece.trail)
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
