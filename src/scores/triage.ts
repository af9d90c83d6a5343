/** What a score settles about an event before any person looks at it. */
import type { ScoreFile } from './format.ts'
import type { MetadataReader } from './metadata.ts'
import { compileRules, firstMatch, type Rule } from './rules.ts'

export type CompiledTriage = { ack: Rule<object>[]; dismiss: Rule<object>[] }

/** A dismissed event is not acknowledged as well. The indices are those of the first rules that match. */
export type TriageVerdict = {
  acked: boolean
  dismissed: boolean
  ackRule: number | null
  dismissRule: number | null
}

export function compileTriage(file: ScoreFile): CompiledTriage {
  return {
    ack: compileRules(file.ackRules, () => ({})),
    dismiss: compileRules(file.dismissRules, () => ({})),
  }
}

export function decideTriage(score: CompiledTriage | undefined, metadata: MetadataReader): TriageVerdict {
  const ackRule = firstMatch(score?.ack ?? [], metadata).index
  const dismissRule = firstMatch(score?.dismiss ?? [], metadata).index
  const dismissed = dismissRule !== null
  return { acked: ackRule !== null && !dismissed, dismissed, ackRule, dismissRule }
}
