import { v7 as uuidv7 } from 'uuid'
import { bandOf, type JudgedEvent } from '../event.ts'
import type { Accepted } from '../wire.ts'
import type { Database, Queryable, Tx } from './database.ts'
import { insertEvents, type Placements } from './insert-events.ts'
import { retryRaces } from './races.ts'
import { findNeighbours, lockNames, seriesName } from './series.ts'
import { insertSessionEvent } from './session-events.ts'
import { isSessionRole } from './sessions.ts'
import { findByExternalId, updateEvent } from './update-event.ts'

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
  const stored = await db.write.begin(async (tx) => {
    const answers = await storeInTransaction(tx, batch, names)
    await tx`SELECT pg_notify(${CHANGES_CHANNEL}, '')`
    return answers
  })
  return stored as Accepted[]
}

async function storeInTransaction(tx: Tx, batch: JudgedEvent[], names: string[]): Promise<Accepted[]> {
  await lockNames(tx, names)
  const { fresh, answered } = await answerRepeated(tx, batch)
  const { inserts, updates, left } = await splitUpdates(tx, fresh)
  const unlocked = left.filter((name) => !names.includes(name))
  if (unlocked.length > 0) throw new MissingLocks(unlocked)
  const answers = new Map<JudgedEvent, Accepted>()
  const sessions = inserts.filter((event) => isSessionRole(event.role))
  const others = inserts.filter((event) => !isSessionRole(event.role))
  if (others.length > 0) {
    const placements = await placeAll(tx, others)
    await insertEvents(tx, others, placements)
    for (const event of others)
      answers.set(event, answerOf(event, event.id, placements.stackOf.get(event)!, true))
  }
  for (const event of sessions) {
    answers.set(event, answerOf(event, event.id, await insertSessionEvent(tx, event), true))
  }
  for (const event of updates) {
    const { id, stackId } = await updateEvent(tx, event)
    answers.set(event, answerOf(event, id, stackId, false))
  }
  await keepAnswers(tx, answers)
  return batch.map((event) => answered(event, answers))
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
        const [answer] = await storeInTransaction(tx, [event], names)
        throw new Undone(answer!.stackId)
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
  for (const event of batch) {
    if (event.key !== null) names.push(seriesName(event.provider, event.key))
    if (event.externalID !== null) names.push(`external ${event.provider} ${event.externalID}`)
    if (event.idempotency) names.push(`answer ${event.idempotency.tokenId} ${event.idempotency.key}`)
  }
  return names
}

type Answers = Map<JudgedEvent, Accepted>

/** Sets apart what was answered before, earlier in the batch included, and says how to find each event's answer. */
async function answerRepeated(tx: Tx, batch: JudgedEvent[]) {
  const known = await findAnswers(
    tx,
    batch.flatMap((event) => event.idempotency ?? []),
  )
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

async function keepAnswers(tx: Tx, answers: Answers): Promise<void> {
  const rows = [...answers].flatMap(([{ idempotency }, answer]) =>
    idempotency ? { ...idempotency, answer } : [],
  )
  if (rows.length === 0) return
  await tx`
    INSERT INTO idempotency (token_id, key, created_at, answer)
    SELECT "tokenId", key, now(), answer
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS q("tokenId" uuid, key text, answer json)
    ON CONFLICT (token_id, key) DO UPDATE SET created_at = excluded.created_at, answer = excluded.answer`
}

/**
 * An externalID that is stored already, or comes twice in the batch, is an update; all else is inserted at once.
 * `left` names the series that updates move events out of.
 */
async function splitUpdates(tx: Tx, batch: JudgedEvent[]) {
  const named = batch.filter((event) => event.externalID !== null)
  if (named.length === 0) return { inserts: batch, updates: [], left: [] }
  const known = await findByExternalId(tx, named)
  const seen = new Set<string>()
  const updates = new Set<JudgedEvent>()
  for (const event of named) {
    const name = `${event.provider} ${event.externalID}`
    if (known.has(name) || seen.has(name)) updates.add(event)
    seen.add(name)
  }
  const left = [...known.values()].flatMap(({ provider, key }) =>
    key === null ? [] : seriesName(provider, key),
  )
  return { inserts: batch.filter((event) => !updates.has(event)), updates: [...updates], left }
}

async function placeAll(tx: Tx, inserts: JudgedEvent[]): Promise<Placements> {
  const series = await findNeighbours(
    tx,
    inserts.flatMap((e) => (e.key === null ? [] : [{ provider: e.provider, key: e.key, at: e.startDate }])),
  )
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
