/** Which stack an event belongs to: its key, and how long the stack stays open. */
import { hash } from 'node:crypto'
import type { IncomingEvent } from '../event.ts'
import { DEFAULT_WINDOW_MS, parseDuration } from './duration.ts'
import type { ScoreFile } from './format.ts'
import { parseTemplate, renderStrict, type Template, trimmed, type Values } from './template.ts'

export type CompiledGrouping = { templates: Template[]; windowMs: number | null }

/** `key` null: a stack of its own. `windowMs` null: no end. */
export type Grouping = { key: string | null; windowMs: number | null }

/** A key is part of a database index, whose entries may not grow beyond some 2,700 bytes. */
const LONGEST_KEY = 500
const KEPT_OF_LONGER_KEY = 400

/** A score without `groupingWindow` has a window of one day. */
export function compileGrouping(file: ScoreFile): CompiledGrouping {
  const sources = typeof file.grouping === 'string' ? [file.grouping] : (file.grouping ?? [])
  return {
    templates: sources.map(parseTemplate),
    windowMs: file.groupingWindow === undefined ? DEFAULT_WINDOW_MS : parseDuration(file.groupingWindow),
  }
}

/**
 * The key and window of an event (docs/scores, Key): the payload's own key, else the first template that resolves
 * fully, each value trimmed. A very long key keeps its beginning and is told apart by a digest of the whole.
 */
export function decideGrouping(
  score: CompiledGrouping | undefined,
  event: Pick<IncomingEvent, 'groupingKey'>,
  values: Values,
): Grouping {
  const windowMs = score ? score.windowMs : DEFAULT_WINDOW_MS
  const key = event.groupingKey?.trim() || firstResolved(score?.templates ?? [], values)
  return { key: key && shorten(key), windowMs }
}

function firstResolved(templates: Template[], values: Values): string | null {
  for (const template of templates) {
    const rendered = renderStrict(template, values, trimmed)
    if ('text' in rendered && rendered.text.trim() !== '') return rendered.text
  }
  return null
}

function shorten(key: string): string {
  if (key.length <= LONGEST_KEY) return key
  return `${key.slice(0, KEPT_OF_LONGER_KEY).toWellFormed()}…${hash('sha256', key)}`
}
