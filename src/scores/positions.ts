/** Where in the text of a JSON file its values stand. */
import { type Node, parseTree } from 'jsonc-parser'

/** Counted from 1, columns in UTF-16 units, as editors do. */
export type Position = { line: number; column: number }

/** What of a member to point at: its key, or its value. */
export type Target = 'key' | 'value'

export type Positions = {
  /** The place of what the names lead to, or of the last of them that is there. */
  of(names: readonly (string | number)[], target?: Target): Position
}

/** Reads the places of a text that is JSON; undefined for one that nests too deep to be read by recursion. */
export function createPositions(json: string): Positions | undefined {
  const root = readTree(json)
  if (!root) return undefined
  const lines = lineStarts(json)
  return {
    of(names, target = 'value') {
      let place: Place = { value: root, offset: root.offset }
      for (const [index, name] of names.entries()) {
        const next = child(place.value, name)
        if (!next) return positionAt(place.offset, lines)
        place = next
        if (index === names.length - 1 && target === 'value') place.offset = place.value.offset
      }
      return positionAt(place.offset, lines)
    },
  }
}

/** A value, and where it or its key begins. */
type Place = { value: Node; offset: number }

function child(parent: Node, name: string | number): Place | undefined {
  if (parent.type === 'array') {
    const value = parent.children?.[Number(name)]
    return value && { value, offset: value.offset }
  }
  // Of a key that is there twice the last counts, as for JSON.parse.
  const property = parent.children?.findLast(({ children }) => children?.[0]?.value === String(name))
  const value = property?.children?.[1]
  return value && { value, offset: property.offset }
}

function readTree(json: string): Node | undefined {
  try {
    return parseTree(json)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** The position of an offset in a text. */
export function positionIn(text: string, offset: number): Position {
  return positionAt(offset, lineStarts(text.slice(0, offset)))
}

function lineStarts(text: string): number[] {
  return [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)]
}

function positionAt(offset: number, starts: readonly number[]): Position {
  let line = starts.length
  while (starts[line - 1]! > offset) line--
  return { line, column: offset - starts[line - 1]! + 1 }
}
