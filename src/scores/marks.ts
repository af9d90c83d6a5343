/** What marks an event beside its severity: a sign, and a tag. */
import type { ScoreFile } from './format.ts'
import type { MetadataReader } from './metadata.ts'
import { compileRules, firstMatch, type Rule } from './rules.ts'
import { parseTemplate, renderOptional, type Template, type Values } from './template.ts'

export type Indicator = { emoji: string | null; color: string | null }

export type CompiledMarks = {
  indicators: Rule<{ indicator: Indicator | null }>[]
  tags: Rule<{ tag: Template }>[]
}

/** The marks of an event, and the index of the rule that gave each. */
export type MarksVerdict = {
  indicator: Indicator | null
  indicatorRule: number | null
  tag: string | null
  tagRule: number | null
}

export function compileMarks(file: ScoreFile): CompiledMarks {
  return {
    indicators: compileRules(file.indicatorRules, (rule) => {
      const [emoji, color] = [rule.emoji?.trim() || null, rule.color?.trim() || null]
      return { indicator: emoji || color ? { emoji, color } : null }
    }),
    tags: compileRules(file.tagRules, (rule) => ({ tag: parseTemplate(rule.tag) })),
  }
}

export function decideMarks(
  score: CompiledMarks | undefined,
  metadata: MetadataReader,
  values: Values,
): MarksVerdict {
  const indicator = firstMatch(score?.indicators ?? [], metadata)
  const tag = firstMatch(score?.tags ?? [], metadata)
  return {
    indicator: indicator.rule?.indicator ?? null,
    indicatorRule: indicator.index,
    tag: renderOptional(tag.rule?.tag, values),
    tagRule: tag.index,
  }
}
