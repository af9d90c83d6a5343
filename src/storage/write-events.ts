/** What the ways of storing a batch have in common. */

import { bandOf, type JudgedEvent } from '../event.ts'
import { instantText } from '../instant-text.ts'
import { newId } from '../new-id.ts'
import type { Accepted } from '../wire.ts'
import type { Tx } from './database.ts'
import { insertEvents, type Placements } from './insert-events.ts'
import { insertReports, type ReportToWrite } from './insert-reports.ts'
import { type Answers, keepAnswers } from './kept-answers.ts'
import { episodesName, markEpisodes } from './mark-episodes.ts'
import { insertOutbox } from './outbox.ts'
import type { Series } from './placement.ts'
import { type Moment, seriesName } from './series.ts'
import { isSessionRole } from './sessions.ts'

/** An event, and what was taken from it; `storedId` is that of the event that it takes the place of. */
export function withDerived(event: JudgedEvent, storedId?: string): JudgedEvent[] {
  if (!event.derived) return [event]
  const derivedFrom = storedId ?? event.id
  return [event, ...event.derived.map((one) => ({ ...one, derivedFrom }))]
}

/** Names of everything that must not be written by two at once: series, external ids, idempotency keys. */
export function lockedNames(batch: JudgedEvent[]): string[] {
  const names: string[] = []
  for (const event of batch.flatMap((event) => withDerived(event))) {
    if (event.key !== null) names.push(seriesName(event.provider, event.key))
    if (event.externalID !== null) names.push(`external ${event.provider} ${event.externalID}`)
    if (event.episode) names.push(episodesName(event))
    if (event.idempotency) names.push(`answer ${event.idempotency.tokenId} ${event.idempotency.key}`)
  }
  return names
}

/** What has to be known of the series before events are placed; some of them may turn out to be no new ones. */
export function momentsOf(batch: JudgedEvent[]): Moment[] {
  return batch.flatMap(({ provider, key, startDate: at, role }) =>
    key === null || isSessionRole(role) ? [] : [{ provider, key, at }],
  )
}

/**
 * Sends events that are new, and belong to no session, to the stacks that are theirs; `series` holds what is known of each
 * series around them, and is changed. With `isRemembered` it may be so no more, and then the statement fails. Their answers
 * are added to `answers`.
 */
export function writeNew(
  tx: Tx,
  inserts: JudgedEvent[],
  series: Map<string, Series>,
  answers: Answers,
  isRemembered = false,
): Promise<unknown> {
  if (inserts.length === 0) return Promise.resolve()
  const placements = placeAll(series, inserts)
  for (const event of inserts)
    answers.set(event, answerOf(event, event.id, placements.stackOf.get(event)!, true))
  return insertEvents(tx, inserts, placements, isRemembered)
}

/** Sends what goes with events that have been written under the ids of their answers. */
export function writeBeside(
  tx: Tx,
  inserts: JudgedEvent[],
  updates: JudgedEvent[],
  answers: Answers,
): Promise<unknown> {
  const events = [...inserts, ...updates]
  const isNew = ({ replay }: JudgedEvent, index: number) => index < inserts.length && !replay
  const marks = events.flatMap((event, index) =>
    event.episode
      ? { id: answers.get(event)!.id, event, mark: event.episode, isNew: isNew(event, index) }
      : [],
  )
  return Promise.all([
    insertReports(tx, reportsOf(events, isNew, answers)),
    insertOutbox(tx, events, answers),
    markEpisodes(tx, marks),
    keepAnswers(tx, answers),
  ])
}

/** Reports under the ids that their events have now: an update by externalID keeps the id of the first. */
function reportsOf(
  events: JudgedEvent[],
  isNew: (event: JudgedEvent, index: number) => boolean,
  answers: Answers,
): ReportToWrite[] {
  if (!events.some(({ report }) => report)) return []
  const ids = new Map(Array.from(answers, ([event, { id }]) => [event.id, id]))
  const idOf = (id: string) => ids.get(id) ?? id
  return events.flatMap((event, index) => {
    const { id, report } = event
    if (!report) return []
    const backups = report.backups.map((backup) => ({ ...backup, eventId: idOf(backup.eventId) }))
    return { eventId: idOf(id), report: { ...report, backups }, isNew: isNew(event, index) }
  })
}

export function answerOf(event: JudgedEvent, id: string, stackId: string, created: boolean): Accepted {
  return {
    id,
    stackId,
    provider: event.provider,
    title: event.title,
    startDate: instantText(event.startDate),
    severity: event.severity,
    band: bandOf(event.severity),
    label: event.label,
    created,
    warnings: event.warnings,
  }
}

function placeAll(series: Map<string, Series>, inserts: JudgedEvent[]): Placements {
  const placements: Placements = { stackOf: new Map(), opened: new Map(), moved: new Map(), fresh: new Set() }
  for (const event of inserts) {
    const at = event.startDate.getTime()
    if (event.key === null) {
      const stackId = newId()
      placements.stackOf.set(event, stackId)
      placements.fresh.add(stackId)
      continue
    }
    const known = series.get(seriesName(event.provider, event.key))!
    const { interval, how } = known.place(at, event.windowMs, newId)
    placements.stackOf.set(event, interval.stackId)
    const entry = { stackId: interval.stackId, provider: event.provider, key: event.key, interval }
    if (how === 'opened') {
      placements.opened.set(interval.stackId, entry)
      placements.fresh.add(interval.stackId)
    }
    if (how === 'pulled' && !placements.opened.has(interval.stackId))
      placements.moved.set(interval.stackId, entry)
  }
  return placements
}
