import { v7 as uuidv7 } from 'uuid'
import { bandOf, type JudgedEvent } from '../event.ts'
import type { Accepted } from '../wire.ts'
import type { Database, Queryable, Tx } from './database.ts'
import { AHEAD } from './driver.ts'
import { insertEvents, type Placements } from './insert-events.ts'
import { insertReports, type ReportToWrite } from './insert-reports.ts'
import { episodesName, markEpisodes } from './mark-episodes.ts'
import { insertOutbox } from './outbox.ts'
import type { Series } from './placement.ts'
import { retryRaces } from './races.ts'
import { findReplayed, isOutdated } from './replayed.ts'
import { findNeighbours, lockNames, type Moment, seriesName } from './series.ts'
import { insertSessionEvent } from './session-events.ts'
import { isSessionRole } from './sessions.ts'
import { findByExternalId, type StoredReference, updateEvent } from './update-event.ts'

/** NOTIFY channel on which servers wake each other after a commit; it carries no content. */
export const CHANGES_CHANNEL = 'tempo_changes'

/** Hours for which an Idempotency-Key gives its first answer again. */
const IDEMPOTENCY_HOURS = 24

/**
 * Stores events in one transaction and returns their answers in the same order. When it returns, all of them are
 * committed and synced; when it throws, none is stored. Who writes to a series holds its advisory lock, so that two
 * servers never make two stacks where one belongs; the exclusion constraint would refuse it anyway.
 */
export async function storeEvents(db: Database, batch: JudgedEvent[]): Promise<Accepted[]> {
  let names = lockedNames(batch)
  for (;;) {
    try {
      return await retryRaces(() => storeUnderLocks(db, batch, names))
    } catch (error) {
      if (!(error instanceof MissingLocks)) throw error
      names = [...names, ...error.names]
    }
  }
}

/** The first answer that was given under an Idempotency-Key, or null when there is none, or it is too old. */
export async function findAnswer(db: Database, tokenId: string, key: string): Promise<Accepted | null> {
  return (await findAnswers(db.write, [{ tokenId, key }])).get(answerName({ tokenId, key })) ?? null
}

/** Forgets answers that are not given again any more. */
export async function forgetAnswers(db: Database): Promise<void> {
  await db.read`DELETE FROM idempotency WHERE created_at < now() - make_interval(hours => ${IDEMPOTENCY_HOURS}::int)`
}

/** Thrown to roll back: an update moves an event out of a series that is not locked yet. */
class MissingLocks extends Error {
  readonly names: string[]
  constructor(names: string[]) {
    super('more series must be locked first')
    this.names = names
  }
}

async function storeUnderLocks(db: Database, batch: JudgedEvent[], names: string[]): Promise<Accepted[]> {
  let written: Promise<unknown> = Promise.resolve()
  const answers = await db.write.begin(AHEAD, async (tx) => {
    const storing = await storeInTransaction(tx, batch, names)
    written = storing.written
    // It is heard below, unless the transaction fails before.
    written.catch(() => {})
    return storing.answers
  })
  // The COMMIT has been sent behind it: when this fails, that has rolled back.
  await written
  return answers as Accepted[]
}

/** The answers to give, and the last statements, which are sent and have not been waited for. */
type Storing = { answers: Accepted[]; written: Promise<unknown> }

/**
 * Two round trips: the locks with all that is read under them, each statement in a snapshot of its own, then what is
 * written. Only sessions and updates take more.
 */
async function storeInTransaction(tx: Tx, batch: JudgedEvent[], names: string[]): Promise<Storing> {
  const [, known, replayed, references, series] = await Promise.all([
    lockNames(tx, names, CHANGES_CHANNEL),
    findAnswers(
      tx,
      batch.flatMap((event) => event.idempotency ?? []),
    ),
    findReplayed(tx, batch),
    findByExternalId(
      tx,
      batch.flatMap((event) => withDerived(event)).filter((event) => event.externalID !== null),
    ),
    findNeighbours(tx, momentsOf(batch.flatMap((event) => withDerived(event)))),
  ])
  const { fresh, answered } = answerRepeated(known, batch)
  // What is left out is so with everything that was taken from it.
  const outdated = fresh.filter((event) => isOutdated(event, storedAs(references, event)?.writtenBy ?? null))
  const { inserts, updates, left } = splitUpdates(
    references,
    fresh
      .filter((event) => !replayed.has(event) && !outdated.includes(event))
      .flatMap((event) => withDerived(event, storedAs(references, event)?.id)),
  )
  const unlocked = left.filter((name) => !names.includes(name))
  if (unlocked.length > 0) throw new MissingLocks(unlocked)
  const answers = new Map<JudgedEvent, Accepted>()
  for (const event of fresh) {
    const stackId = replayed.get(event)
    if (stackId !== undefined) answers.set(event, answerOf(event, event.id, stackId, true))
  }
  for (const event of outdated) {
    const { id, stackId } = storedAs(references, event)!
    answers.set(event, answerOf(event, id, stackId, false))
  }
  const sessions = inserts.filter((event) => isSessionRole(event.role))
  const others = inserts.filter((event) => !isSessionRole(event.role))
  let written: Promise<unknown> = Promise.resolve()
  if (others.length > 0) {
    const placements = placeAll(series, others)
    written = insertEvents(tx, others, placements)
    for (const event of others)
      answers.set(event, answerOf(event, event.id, placements.stackOf.get(event)!, true))
  }
  if (sessions.length + updates.length > 0) await written
  for (const event of sessions) {
    answers.set(event, answerOf(event, event.id, await insertSessionEvent(tx, event), true))
  }
  for (const event of updates) {
    const { id, stackId } = await updateEvent(tx, event)
    answers.set(event, answerOf(event, id, stackId, false))
  }
  const reports = reportsOf(inserts, updates, answers)
  const marks = [...inserts, ...updates].flatMap((event, index) =>
    event.episode
      ? {
          id: answers.get(event)!.id,
          event,
          mark: event.episode,
          isNew: index < inserts.length && !event.replay,
        }
      : [],
  )
  written = Promise.all([
    written,
    insertReports(tx, reports),
    insertOutbox(tx, [...inserts, ...updates], answers),
    markEpisodes(tx, marks),
    keepAnswers(tx, answers),
  ])
  return { answers: batch.map((event) => answered(event, answers)), written }
}

/** The stored event with the externalID of this one. */
function storedAs(references: Map<string, StoredReference>, { provider, externalID }: JudgedEvent) {
  return externalID === null ? undefined : references.get(`${provider} ${externalID}`)
}

/** An event, and what was taken from it; `storedId` is that of the event that it takes the place of. */
function withDerived(event: JudgedEvent, storedId?: string): JudgedEvent[] {
  if (!event.derived) return [event]
  const derivedFrom = storedId ?? event.id
  return [event, ...event.derived.map((one) => ({ ...one, derivedFrom }))]
}

/** Reports under the ids that their events have now: an update by externalID keeps the id of the first. */
function reportsOf(inserts: JudgedEvent[], updates: JudgedEvent[], answers: Answers): ReportToWrite[] {
  const events = [...inserts, ...updates]
  if (!events.some(({ report }) => report)) return []
  const ids = new Map(Array.from(answers, ([event, { id }]) => [event.id, id]))
  const idOf = (id: string) => ids.get(id) ?? id
  return events.flatMap(({ id, report, replay }, index) => {
    if (!report) return []
    const backups = report.backups.map((backup) => ({ ...backup, eventId: idOf(backup.eventId) }))
    const isNew = index < inserts.length && !replay
    return { eventId: idOf(id), report: { ...report, backups }, isNew }
  })
}

/** Carries the outcome out of a transaction that must leave nothing behind. */
class Undone extends Error {
  readonly stackId: string
  constructor(stackId: string) {
    super('undone on purpose')
    this.stackId = stackId
  }
}

/**
 * The stack that an event would be in if it were stored now; it is stored, and undone. An id that no stack has yet
 * means a new one.
 */
export async function previewStack(db: Database, event: JudgedEvent): Promise<string> {
  let names = lockedNames([event])
  for (;;) {
    try {
      await db.write.begin(async (tx) => {
        const { answers, written } = await storeInTransaction(tx, [event], names)
        await written
        throw new Undone(answers[0]!.stackId)
      })
    } catch (error) {
      if (error instanceof Undone) return error.stackId
      if (!(error instanceof MissingLocks)) throw error
      names = [...names, ...error.names]
    }
  }
}

function answerOf(event: JudgedEvent, id: string, stackId: string, created: boolean): Accepted {
  return {
    id,
    stackId,
    provider: event.provider,
    title: event.title,
    startDate: event.startDate.toISOString(),
    severity: event.severity,
    band: bandOf(event.severity),
    label: event.label,
    created,
    warnings: event.warnings,
  }
}

/** Names of everything that must not be written by two at once: series, external ids, idempotency keys. */
function lockedNames(batch: JudgedEvent[]): string[] {
  const names: string[] = []
  for (const event of batch.flatMap((event) => withDerived(event))) {
    if (event.key !== null) names.push(seriesName(event.provider, event.key))
    if (event.externalID !== null) names.push(`external ${event.provider} ${event.externalID}`)
    if (event.episode) names.push(episodesName(event))
    if (event.idempotency) names.push(`answer ${event.idempotency.tokenId} ${event.idempotency.key}`)
  }
  return names
}

type Answers = Map<JudgedEvent, Accepted>
/** First answers by the name of their Idempotency-Key. */
type Answered = Map<string, Accepted>

/** Sets apart what was answered before, earlier in the batch included, and says how to find each event's answer. */
function answerRepeated(known: Answered, batch: JudgedEvent[]) {
  const first = new Map<string, JudgedEvent>()
  const fresh = batch.filter((event) => {
    if (!event.idempotency) return true
    const name = answerName(event.idempotency)
    if (known.has(name) || first.has(name)) return false
    first.set(name, event)
    return true
  })
  const answered = (event: JudgedEvent, answers: Answers): Accepted => {
    const name = event.idempotency && answerName(event.idempotency)
    return (name && known.get(name)) || answers.get((name && first.get(name)) || event)!
  }
  return { fresh, answered }
}

function answerName({ tokenId, key }: { tokenId: string; key: string }): string {
  return `${tokenId} ${key}`
}

async function findAnswers(
  sql: Queryable,
  wanted: { tokenId: string; key: string }[],
): Promise<Map<string, Accepted>> {
  if (wanted.length === 0) return new Map()
  const rows = await sql<{ tokenId: string; key: string; answer: Accepted }[]>`
    SELECT i.token_id AS "tokenId", i.key, i.answer
    FROM json_to_recordset(${JSON.stringify(wanted)}::json) AS q("tokenId" uuid, key text)
    JOIN idempotency i ON i.token_id = q."tokenId" AND i.key = q.key
    WHERE i.created_at > now() - make_interval(hours => ${IDEMPOTENCY_HOURS}::int)`
  return new Map(rows.map((row) => [answerName(row), row.answer]))
}

/** The statement has been sent when this returns. */
function keepAnswers(tx: Tx, answers: Answers): Promise<unknown> {
  const rows = [...answers].flatMap(([{ idempotency }, answer]) =>
    idempotency ? { ...idempotency, answer } : [],
  )
  if (rows.length === 0) return Promise.resolve()
  return tx`
    INSERT INTO idempotency (token_id, key, created_at, answer)
    SELECT "tokenId", key, now(), answer
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS q("tokenId" uuid, key text, answer json)
    ON CONFLICT (token_id, key) DO UPDATE SET created_at = excluded.created_at, answer = excluded.answer`.execute()
}

/**
 * An externalID that is stored already, or comes twice in the batch, is an update; all else is inserted at once.
 * `left` names the series that updates move events out of.
 */
function splitUpdates(references: Map<string, StoredReference>, batch: JudgedEvent[]) {
  const named = batch.filter((event) => event.externalID !== null)
  const seen = new Set<string>()
  const updates = new Set<JudgedEvent>()
  for (const event of named) {
    const name = `${event.provider} ${event.externalID}`
    if (references.has(name) || seen.has(name)) updates.add(event)
    seen.add(name)
  }
  const left = [...references.values()].flatMap(({ provider, key }) =>
    key === null ? [] : seriesName(provider, key),
  )
  return { inserts: batch.filter((event) => !updates.has(event)), updates: [...updates], left }
}

/** What has to be known of the series before events are placed; some of them may turn out to be no new ones. */
function momentsOf(batch: JudgedEvent[]): Moment[] {
  return batch.flatMap(({ provider, key, startDate: at, role }) =>
    key === null || isSessionRole(role) ? [] : [{ provider, key, at }],
  )
}

function placeAll(series: Map<string, Series>, inserts: JudgedEvent[]): Placements {
  const placements: Placements = { stackOf: new Map(), opened: new Map(), moved: new Map(), fresh: new Set() }
  for (const event of inserts) {
    const at = event.startDate.getTime()
    if (event.key === null) {
      const stackId = uuidv7()
      placements.stackOf.set(event, stackId)
      placements.fresh.add(stackId)
      continue
    }
    const known = series.get(seriesName(event.provider, event.key))!
    const { interval, how } = known.place(at, event.windowMs, uuidv7)
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
