/** A score made ready to judge events: all its matches and templates are parsed here, once. */

import type { Surface } from '../event.ts'
import { type CompiledAction, compileActions } from './actions.ts'
import { type EventPattern, NEUTRAL_COLOR, type ScoreFile } from './format.ts'
import { type CompiledGrouping, compileGrouping } from './grouping.ts'
import { type CompiledMarks, compileMarks } from './marks.ts'
import { type CompiledSeverity, compileSeverity } from './severity.ts'
import { compileOptional, type Template } from './template.ts'
import { type CompiledTriage, compileTriage } from './triage.ts'

export type CompiledScore = {
  file: ScoreFile
  provider: string
  displayName: string
  color: string
  severity: CompiledSeverity
  marks: CompiledMarks
  triage: CompiledTriage
  grouping: CompiledGrouping
  stackTitle: Template | undefined
  eventPattern: EventPattern
  surface: Surface | undefined
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
    marks: compileMarks(file),
    triage: compileTriage(file),
    grouping: compileGrouping(file),
    stackTitle: compileOptional(file.stackTitle),
    eventPattern: file.eventPattern ?? 'episodic',
    surface: file.surface,
    actions: compileActions(file),
  }
}
