import { readFile } from 'node:fs/promises'
import { readJsonBody } from '../adapters/json.ts'
import { notFound } from '../errors.ts'
import type { IncomingEvent } from '../event.ts'
import { dialectOfBody } from '../ingest/dialects.ts'
import { completeEvent } from '../ingest/judge.ts'
import { replayEvent } from '../ingest/replay.ts'
import { readLibrary } from '../open-library.ts'
import { explainEvent } from '../scores/explain.ts'
import type { ExplainedCondition, Explanation } from '../scores/explanation.ts'
import type { Database } from '../storage/database.ts'
import { findEvent } from '../storage/timeline.ts'
import type { Terminal } from './terminal.ts'
import { withDatabase } from './with-database.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Explains a stored event, by its id, or the payload in a file: for people, or as JSON. */
export async function explainScore(terminal: Terminal, wanted: string, json: boolean): Promise<void> {
  const explanation = await withDatabase('score explain', async (db, config) => {
    const { catalog } = await readLibrary(config, db)
    return explainEvent(catalog, UUID.test(wanted) ? await readStored(db, wanted) : await readPayload(wanted))
  })
  terminal.out.write(json ? `${JSON.stringify(explanation, null, 2)}\n` : describe(explanation))
}

async function readStored(db: Database, id: string): Promise<IncomingEvent> {
  const stored = await findEvent(db, id)
  if (!stored) throw notFound(`The event ${id}`)
  return replayEvent(stored)
}

async function readPayload(path: string): Promise<IncomingEvent> {
  const { value } = readJsonBody(await readFile(path))
  const { event } = dialectOfBody(value).parse(value, { now: new Date(), provider: null })
  return completeEvent(event).event
}

function describe({ score, provider, severity, grouping, actions, outcome }: Explanation): string {
  const rules = severity.rules.map((rule) => {
    const mark = rule.index === severity.winner ? '→' : rule.matched ? '+' : ' '
    return `  ${mark} ${rule.index}: ${rule.severity} when ${rule.conditions.map(condition).join(', ')}`
  })
  return `${[
    `${outcome.title}`,
    `score     ${score ? `${score.foundAs} (${score.displayName})` : `none for ${provider}`}`,
    `severity  ${outcome.severity}, badge "${outcome.label}", decided by ${severity.winner}`,
    ...rules,
    `stack     ${outcome.key ?? '(alone)'}, role ${outcome.role}, by ${grouping.by}`,
    ...grouping.attempts.map(({ template, text, missing }) =>
      text === null ? `    ${template}: missing ${missing.join(', ')}` : `  → ${template}: ${text}`,
    ),
    'actions',
    ...actions.map(({ label, enabled, missing, value }) =>
      enabled
        ? `  ${label}: ${value}`
        : `  ${label}: disabled${missing.length ? `, missing ${missing.join(', ')}` : ''}`,
    ),
  ].join('\n')}\n`
}

function condition({ key, expected, actual, held }: ExplainedCondition): string {
  return `${key} is ${JSON.stringify(expected)}${held ? '' : ` (it is ${JSON.stringify(actual)})`}`
}
