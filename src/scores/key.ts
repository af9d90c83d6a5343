/** The key that events of one stack share. */
import { hash } from 'node:crypto'
import { renderStrict, type Template, trimmed, type Values } from './template.ts'

/** A template of a key: what it gave, or the placeholders that did not resolve. */
export type KeyAttempt = { template: string; text: string | null; missing: string[] }

/** A key is part of a database index, whose entries may not grow beyond some 2,700 bytes. */
const LONGEST_KEY = 500
const KEPT_OF_LONGER_KEY = 400

/**
 * Tries templates in their order until one resolves fully, each value trimmed (docs/scores, Key); the last attempt is
 * the one that gave the key, if any did.
 */
export function tryKeys(templates: readonly Template[], values: Values): KeyAttempt[] {
  const attempts: KeyAttempt[] = []
  for (const template of templates) {
    const attempt = tryKey(template, values)
    attempts.push(attempt)
    if (attempt.text !== null) break
  }
  return attempts
}

function tryKey(template: Template, values: Values): KeyAttempt {
  const rendered = renderStrict(template, values, trimmed)
  const text = 'text' in rendered ? rendered.text : ''
  return {
    template: template.source,
    text: text.trim() === '' ? null : shortenKey(text),
    missing: 'missing' in rendered ? rendered.missing : [],
  }
}

/** A very long key keeps its beginning and is told apart by a digest of the whole. */
export function shortenKey(key: string): string {
  if (key.length <= LONGEST_KEY) return key
  return `${key.slice(0, KEPT_OF_LONGER_KEY).toWellFormed()}…${hash('sha256', key)}`
}
