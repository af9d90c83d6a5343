/** What a schema cannot say about a score: placeholders that no event has, durations beyond all dates, slow globs. */

import { parseDuration } from './duration.ts'
import type { Match, ScoreFile } from './format.ts'
import { globFault } from './glob.ts'
import type { Fault } from './problem.ts'
import { templateFaults } from './template.ts'

type Place = { path: (string | number)[]; source: string | undefined }

/** Checks a score that follows the schema. */
export function lintScore(score: ScoreFile): Fault[] {
  return [
    ...templatesOf(score).flatMap(lintTemplate),
    ...durationsOf(score).flatMap(lintDuration),
    ...patternsOf(score).flatMap(lintPattern),
  ]
}

function lintTemplate({ path, source = '' }: Place): Fault[] {
  return templateFaults(source).map((fault) => ({ at: path, ...fault }))
}

function lintDuration({ path, source = '' }: Place): Fault[] {
  try {
    parseDuration(source)
    return []
  } catch {
    return [{ at: path, message: 'must not be longer than 1000 years; leave it empty for no end' }]
  }
}

function lintPattern({ path, source = '' }: Place): Fault[] {
  const message = globFault(source)
  return message ? [{ at: path, message }] : []
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

const RULE_LISTS = [
  'severityRules',
  'indicatorRules',
  'tagRules',
  'ackRules',
  'dismissRules',
  'groupingRules',
  'restStateOverrides',
] as const

function patternsOf(score: ScoreFile): Place[] {
  return RULE_LISTS.flatMap((list) =>
    (score[list] ?? []).flatMap(({ match }: { match: Match }, index) =>
      Object.entries(match).map(([key, expected]) => ({
        path: [list, index, 'match', key],
        source: typeof expected === 'string' ? expected : undefined,
      })),
    ),
  )
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
