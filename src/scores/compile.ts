/** A score made ready to judge events: all its matches and templates are parsed here, once. */
import { type CompiledAction, compileActions } from './actions.ts'
import { NEUTRAL_COLOR, type ScoreFile } from './format.ts'
import { type CompiledGrouping, compileGrouping } from './grouping.ts'
import { type CompiledSeverity, compileSeverity } from './severity.ts'

export type CompiledScore = {
  file: ScoreFile
  provider: string
  displayName: string
  color: string
  severity: CompiledSeverity
  grouping: CompiledGrouping
  actions: CompiledAction[]
}

/** Compiles a score file that passed validation. */
export function compileScore(file: ScoreFile): CompiledScore {
  return {
    file,
    provider: file.providerIdentifier,
    displayName: file.displayName,
    color: file.color ?? NEUTRAL_COLOR,
    severity: compileSeverity(file),
    grouping: compileGrouping(file),
    actions: compileActions(file),
  }
}
