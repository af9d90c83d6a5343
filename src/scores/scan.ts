/**
 * Searches that take linear time whatever the two texts are. On ordinary texts `indexOf` is several times faster, but
 * it takes the product of both lengths on texts made for that, and it knows no `?`.
 */

/** Where the leftmost occurrence from `from` on ends, or -1. */
export type Scan = (text: string, from: number) => number

/** Compiles a search for a text in which `?` is any one character (a code point). */
export function compileScan(wanted: string): Scan {
  return wanted.includes('?') ? compileBitScan(wanted) : compileLiteralScan(wanted)
}

/** Knuth, Morris and Pratt: after a mismatch goes on with the longest beginning that the text just read ends with. */
function compileLiteralScan(wanted: string): Scan {
  const units = Uint16Array.from({ length: wanted.length }, (_, index) => wanted.charCodeAt(index))
  const shorter = new Int32Array(units.length)
  for (let index = 1, length = 0; index < units.length; index++) {
    while (length > 0 && units[index] !== units[length]) length = shorter[length - 1]!
    if (units[index] === units[length]) length++
    shorter[index] = length
  }
  return (text, from) => {
    let length = 0
    for (let at = from; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      while (length > 0 && unit !== units[length]) length = shorter[length - 1]!
      if (unit === units[length] && ++length === units.length) return at + 1
    }
    return -1
  }
}

const ASCII = 128
const BITS = 32
const ANY = '?'.codePointAt(0)!

/** So long a text with `?` is still found in well under a millisecond in 64 KiB; the time grows with both lengths. */
export const LONGEST_BIT_SCAN = 4 * BITS

/** Bitap, also called shift-and: one bit for each beginning, set when the text just read ends with it. */
function compileBitScan(wanted: string): Scan {
  const points = Array.from(wanted, (point) => point.codePointAt(0)!)
  const words = Math.ceil(points.length / BITS)
  const { masks, rowOf } = createMasks(points, words)
  const lastBit = 1 << ((points.length - 1) % BITS)
  return (text, from) => {
    const state = new Int32Array(words)
    for (let at = from; at < text.length; ) {
      let point = text.charCodeAt(at++)
      if (point >= 0xd800 && point < 0xdc00) {
        point = text.codePointAt(at - 1)!
        if (point > 0xffff) at++
      }
      const row = (point < ASCII ? point : (rowOf.get(point) ?? ASCII)) * words
      let carry = 1
      for (let word = 0; word < words; word++) {
        const before = state[word]!
        state[word] = ((before << 1) | carry) & masks[row + word]!
        carry = before >>> (BITS - 1)
      }
      if ((state[words - 1]! & lastBit) !== 0) return at
    }
    return -1
  }
}

/**
 * For each character the places where it may stand, one bit a place and one row a character: first those of ASCII,
 * then one for all characters that are not named, then the others that are.
 */
function createMasks(
  points: number[],
  words: number,
): { masks: Int32Array; rowOf: ReadonlyMap<number, number> } {
  const rowOf = new Map<number, number>()
  for (const point of points) {
    if (point >= ASCII && !rowOf.has(point)) rowOf.set(point, ASCII + 1 + rowOf.size)
  }
  const rows = ASCII + 1 + rowOf.size
  const masks = new Int32Array(rows * words)
  for (const [index, point] of points.entries()) {
    const mark = (row: number) => {
      masks[row * words + Math.floor(index / BITS)]! |= 1 << (index % BITS)
    }
    if (point === ANY) for (let row = 0; row < rows; row++) mark(row)
    else mark(point < ASCII ? point : rowOf.get(point)!)
  }
  return { masks, rowOf }
}
