/** All scores in force, found by provider. Immutable: a reload makes a new one. */

import { type CompiledScore, compileScore } from './compile.ts'
import { NEUTRAL_COLOR, type ScoreFile } from './format.ts'

export type Catalog = {
  /** The provider's score and the identifier it was found under, see {@link createCatalog}. */
  find(provider: string): { score: CompiledScore; foundAs: string } | undefined
  /** The provider's name and colour; without a score its identifier and a neutral colour. */
  nameOf(provider: string): { displayName: string; color: string }
  /** All scores by identifier. */
  list(): readonly CompiledScore[]
}

/** The names a score may have that serves a provider, nearest first: `scripts.bash.disk`, `scripts.bash`, `scripts`. */
export function* namesUpwards(provider: string): Generator<string> {
  for (let name = provider; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) yield name
}

/**
 * Compiles scores into a catalogue; of two with one identifier the later counts. A provider is looked up as it is,
 * then without its last dotted part, and so on, see {@link namesUpwards}.
 */
export function createCatalog(scores: readonly ScoreFile[]): Catalog {
  const byProvider = new Map(scores.map((file) => [file.providerIdentifier, compileScore(file)]))
  const listed = [...byProvider.values()].sort((a, b) => (a.provider < b.provider ? -1 : 1))

  function find(provider: string): { score: CompiledScore; foundAs: string } | undefined {
    for (const name of namesUpwards(provider)) {
      const score = byProvider.get(name)
      if (score) return { score, foundAs: name }
    }
    return undefined
  }

  return {
    find,
    nameOf(provider) {
      const { displayName = provider, color = NEUTRAL_COLOR } = find(provider)?.score ?? {}
      return { displayName, color }
    },
    list: () => listed,
  }
}
