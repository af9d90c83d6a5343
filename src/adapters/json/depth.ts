/** How deep a text nests, before anything parses it. */

/** Objects and arrays inside each other; the body itself is level 1. */
export const MAX_DEPTH = 32

/** Counts brackets outside of strings. In a text that is not JSON the count can be wrong, so it is only a suspicion. */
export function mayNestTooDeep(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x7b || code === 0x5b) {
      if (++depth > MAX_DEPTH) return true
    } else if (code === 0x7d || code === 0x5d) depth--
    else if (code === 0x22) {
      do at = text.indexOf('"', at + 1)
      while (at !== -1 && isEscaped(text, at))
      if (at === -1) return false
    }
  }
  return false
}

function isEscaped(text: string, at: number): boolean {
  let start = at
  while (text.charCodeAt(start - 1) === 0x5c) start--
  return (at - start) % 2 === 1
}
