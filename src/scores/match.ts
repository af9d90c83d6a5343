/** The `match` of a rule: all its keys must hold. */
import type { Match } from './format.ts'
import { compileGlob, hasWildcard } from './glob.ts'
import { comparableText, type MetadataReader } from './metadata.ts'

export type Matcher = (metadata: MetadataReader) => boolean

/**
 * Compiles a `match` once per score.
 *
 * Values compare as text without regard to case; plain decimals of up to 15 digits compare as numbers; `*` and `?` in
 * a text are globs. Null, missing and `""` match nothing but an explicit null, so not even `*`, and a pattern `""`
 * matches nothing. An empty match always holds.
 */
export function compileMatch(match: Match): Matcher {
  const tests = Object.entries(match).map(([name, expected]) => compileTest(name, expected))
  return (metadata) => tests.every((test) => test(metadata))
}

function compileTest(name: string, expected: Match[string]): Matcher {
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
