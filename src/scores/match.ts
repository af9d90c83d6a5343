/** The `match` of a rule: all its conditions must hold. */
import type { Match } from './format.ts'
import { compileGlob, hasWildcard } from './glob.ts'
import { comparableText, type MetadataReader } from './metadata.ts'

/** What one metadata value must be. */
export type Condition = {
  key: string
  expected: Match[string]
  holds(metadata: MetadataReader): boolean
}

export type CompiledMatch = readonly Condition[]

/**
 * Compiles a `match` once per score.
 *
 * Values compare as text without regard to case; plain decimals of up to 15 digits compare as numbers; `*` and `?` in
 * a text are globs. Null, missing and `""` match nothing but an explicit null, so not even `*`, and a pattern `""`
 * matches nothing. An empty match always holds.
 */
export function compileMatch(match: Match): CompiledMatch {
  return Object.entries(match).map(([key, expected]) => ({
    key,
    expected,
    holds: compileTest(key, expected),
  }))
}

export function matchHolds(match: CompiledMatch, metadata: MetadataReader): boolean {
  for (const condition of match) if (!condition.holds(metadata)) return false
  return true
}

function compileTest(name: string, expected: Match[string]): Condition['holds'] {
  if (expected === null) return (metadata) => metadata.text(name) === null
  const pattern = String(expected)
  if (hasWildcard(pattern)) {
    const glob = compileGlob(pattern)
    return (metadata) => {
      const text = metadata.folded(name)
      return text !== null && glob(text)
    }
  }
  const wanted = comparableText(pattern)
  return (metadata) => metadata.comparable(name) === wanted
}
