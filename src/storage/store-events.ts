import type { JudgedEvent } from '../event.ts'
import type { Accepted } from '../wire.ts'
import type { Database, Tx } from './database.ts'
import { AHEAD } from './driver.ts'
import { answerRepeated, findAnswers } from './kept-answers.ts'
import { forget, knownToTheirEnd, type Newest, newestOf, remember } from './known-series.ts'
import { retryRaces } from './races.ts'
import { findReplayed, isOutdated } from './replayed.ts'
import { findNeighbours, lockNames, seriesName } from './series.ts'
import { insertSessionEvent } from './session-events.ts'
import { isSessionRole } from './sessions.ts'
import { storeAhead } from './store-ahead.ts'
import { findByExternalId, type StoredReference, updateEvent } from './update-event.ts'
import { answerOf, lockedNames, momentsOf, withDerived, writeBeside, writeNew } from './write-events.ts'

/** NOTIFY channel on which servers wake each other after a commit; it carries no content. */
export const CHANGES_CHANNEL = 'tempo_changes'

/**
 * Stores events in one transaction and returns their answers in the same order. When it returns, all of them are
 * committed and synced; when it throws, none is stored. Who writes to a series holds its advisory lock, so that two
 * servers never make two stacks where one belongs; the exclusion constraint would refuse it anyway.
 */
export async function storeEvents(db: Database, batch: JudgedEvent[]): Promise<Accepted[]> {
  const stored = await retryRaces(() => storeAhead(db, batch, CHANGES_CHANNEL))
  if (stored) return stored
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
  let newest: Newest = new Map()
  forget(db, names)
  const answers = await db.write.begin(AHEAD, async (tx) => {
    const storing = await storeInTransaction(tx, batch, names)
    written = storing.written
    newest = storing.newest
    // It is heard below, unless the transaction fails before.
    written.catch(() => {})
    return storing.answers
  })
  // The COMMIT has been sent behind it: when this fails, that has rolled back.
  await written
  remember(db, newest)
  return answers as Accepted[]
}

/** The answers to give, and the last statements, which are sent and have not been waited for. */
type Storing = { answers: Accepted[]; written: Promise<unknown>; newest: Newest }

/**
 * Two round trips: the locks with all that is read under them, each statement in a snapshot of its own, then what is
 * written. Only sessions and updates take more.
 */
async function storeInTransaction(tx: Tx, batch: JudgedEvent[], names: string[]): Promise<Storing> {
  const moments = momentsOf(batch.flatMap((event) => withDerived(event)))
  const [, before, replayed, references, series] = await Promise.all([
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
    findNeighbours(tx, moments),
  ])
  const known = knownToTheirEnd(series, moments)
  const { fresh, answered } = answerRepeated(before, batch)
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
  let written = writeNew(tx, others, series, answers)
  if (sessions.length + updates.length > 0) await written
  for (const event of sessions) {
    answers.set(event, answerOf(event, event.id, await insertSessionEvent(tx, event), true))
  }
  for (const event of updates) {
    const { id, stackId } = await updateEvent(tx, event)
    answers.set(event, answerOf(event, id, stackId, false))
  }
  written = Promise.all([written, writeBeside(tx, inserts, updates, answers)])
  // An update may move the intervals of its series in ways of its own.
  const newest: Newest = updates.length > 0 ? new Map() : newestOf(known)
  return { answers: batch.map((event) => answered(event, answers)), written, newest }
}

/** The stored event with the externalID of this one. */
function storedAs(references: Map<string, StoredReference>, { provider, externalID }: JudgedEvent) {
  return externalID === null ? undefined : references.get(`${provider} ${externalID}`)
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
