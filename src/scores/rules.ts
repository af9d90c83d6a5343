/** Lists of rules, of which the first that matches counts. */
import type { Match } from './format.ts'
import { type CompiledMatch, compileMatch, matchHolds } from './match.ts'
import type { MetadataReader } from './metadata.ts'

/** A compiled rule: when it applies, and what it then says. */
export type Rule<Saying> = Saying & { match: CompiledMatch }

/** Compiles the rules of a list; `read` makes of each what it says. */
export function compileRules<Source extends { match: Match }, Saying>(
  rules: readonly Source[] | undefined,
  read: (rule: Source) => Saying,
): Rule<Saying>[] {
  return (rules ?? []).map((rule) => ({ ...read(rule), match: compileMatch(rule.match) }))
}

const NONE = { index: null, rule: undefined } as const

/** The first rule that counts and matches, with its place in the list; without one `index` is null. */
export function firstMatch<Saying>(
  rules: readonly Rule<Saying>[],
  metadata: MetadataReader,
  counts?: (rule: Rule<Saying>) => boolean,
): { index: number; rule: Rule<Saying> } | { index: null; rule: undefined } {
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index]!
    if (counts && !counts(rule)) continue
    if (matchHolds(rule.match, metadata)) return { index, rule }
  }
  return NONE
}
