/** The name that was meant by a mistyped one. */

/** The candidate with the fewest typing errors, if they are few for its length; case does not count as one. */
export function closestName(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const allowed = Math.max(1, Math.floor(candidate.length / 3))
    if (Math.abs(name.length - candidate.length) > allowed) continue
    const errors = editDistance(name.toLowerCase(), candidate.toLowerCase(), 1)
    if (errors <= allowed && errors < fewest) {
      best = candidate
      fewest = errors
    }
  }
  return best
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours between two texts: optimal string alignment, or plain
 * Levenshtein when a swap costs 2.
 */
export function editDistance(left: string, right: string, swapCost: 1 | 2): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const row = [i]
    for (let j = 1; j <= right.length; j++) {
      const cost = left[i - 1] === right[j - 1] ? 0 : 1
      let errors = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost)
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
      if (swapped) errors = Math.min(errors, beforeLast[j - 2]! + swapCost)
      row.push(errors)
    }
    beforeLast = last
    last = row
  }
  return last[right.length]!
}
