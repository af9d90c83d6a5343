/** What a schema cannot say about a score: placeholders that no event has, and durations beyond all dates. */
import { parseDuration } from './duration.ts'
import type { ScoreFile } from './format.ts'
import { jsonPath } from './path.ts'
import { templateFaults } from './template.ts'

/** `path` is a JSON path such as `severityRules[2].match`; `meant` the name that a mistyped one stands for. */
export type ScoreProblem = { path: string; message: string; meant?: string }

type Place = { path: (string | number)[]; source: string | undefined }

/** Checks a score that follows the schema. */
export function lintScore(score: ScoreFile): ScoreProblem[] {
  return [...templatesOf(score).flatMap(lintTemplate), ...durationsOf(score).flatMap(lintDuration)]
}

function lintTemplate({ path, source = '' }: Place): ScoreProblem[] {
  return templateFaults(source).map((fault) => ({ path: jsonPath(path), ...fault }))
}

function lintDuration({ path, source = '' }: Place): ScoreProblem[] {
  try {
    parseDuration(source)
    return []
  } catch {
    return [
      { path: jsonPath(path), message: 'must not be longer than 1000 years; leave it empty for no end' },
    ]
  }
}

/** All templates but those of commands, in which `${…}` may be meant for the shell. */
function templatesOf(score: ScoreFile): Place[] {
  const groupings = typeof score.grouping === 'string' ? undefined : score.grouping
  return [
    { path: ['severityDefault', 'label'], source: score.severityDefault?.label },
    ...places('severityRules', score.severityRules, ['label', 'title', 'subtitle']),
    ...places('tagRules', score.tagRules, ['tag']),
    { path: ['grouping'], source: groupings ? undefined : (score.grouping as string | undefined) },
    ...(groupings ?? []).map((source, index) => ({ path: ['grouping', index], source })),
    ...places('groupingRules', score.groupingRules, ['key']),
    { path: ['stackTitle'], source: score.stackTitle },
    ...places('defaultActions', score.defaultActions, ['label']),
    ...(score.defaultActions ?? []).flatMap(({ trigger }, index) =>
      (['openURL', 'copyToClipboard'] as const).map((type) => ({
        path: ['defaultActions', index, 'trigger', type],
        source: trigger[type],
      })),
    ),
  ]
}

function durationsOf(score: ScoreFile): Place[] {
  return [
    { path: ['groupingWindow'], source: score.groupingWindow },
    ...places('groupingRules', score.groupingRules, ['window']),
  ]
}

/** The texts under some keys of each rule in a list. */
function places<Key extends string>(
  list: string,
  rules: readonly { [K in Key]?: string }[] | undefined,
  keys: readonly Key[],
): Place[] {
  return (rules ?? []).flatMap((rule, index) =>
    keys.map((key) => ({ path: [list, index, key], source: rule[key] })),
  )
}
