/** First answers under their Idempotency-Key, which are given again. */
import type { JudgedEvent } from '../event.ts'
import type { Accepted } from '../wire.ts'
import type { Database, Queryable, Tx } from './database.ts'
import type { Fragment } from './filters.ts'
import { LOCKED } from './series.ts'

/** Hours for which an Idempotency-Key gives its first answer again. */
const IDEMPOTENCY_HOURS = 24

/** The answer to each event. */
export type Answers = Map<JudgedEvent, Accepted>
/** First answers by the name of their Idempotency-Key. */
type Answered = Map<string, Accepted>

/** The first answer that was given under an Idempotency-Key, or null when there is none, or it is too old. */
export async function findAnswer(db: Database, tokenId: string, key: string): Promise<Accepted | null> {
  return (await findAnswers(db.write, [{ tokenId, key }])).get(answerName({ tokenId, key })) ?? null
}

/** Forgets answers that are not given again any more. */
export async function forgetAnswers(db: Database): Promise<void> {
  await db.read`DELETE FROM idempotency WHERE created_at < now() - make_interval(hours => ${IDEMPOTENCY_HOURS}::int)`
}

/** Sets apart what was answered before, earlier in the batch included, and says how to find each event's answer. */
export function answerRepeated(known: Answered, batch: JudgedEvent[]) {
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

function answerName({ tokenId, key }: Named): string {
  return `${tokenId} ${key}`
}

type Named = { tokenId: string; key: string }

/** Table `i` of the answers under such names that are given again still. */
function inForce(sql: Queryable, wanted: Named[]): Fragment {
  return sql`
    FROM json_to_recordset(${JSON.stringify(wanted)}::json) AS q("tokenId" uuid, key text)
    JOIN idempotency i ON i.token_id = q."tokenId" AND i.key = q.key
    WHERE i.created_at > now() - make_interval(hours => ${IDEMPOTENCY_HOURS}::int)`
}

/** The first answers under such names, by `tokenId key`. */
export async function findAnswers(sql: Queryable, wanted: Named[]): Promise<Map<string, Accepted>> {
  if (wanted.length === 0) return new Map()
  const rows = await sql<{ tokenId: string; key: string; answer: Accepted }[]>`
    SELECT i.token_id AS "tokenId", i.key, i.answer ${inForce(sql, wanted)}`
  return new Map(rows.map((row) => [answerName(row), row.answer]))
}

/**
 * Fails, as what was remembered wrongly does (`isStale`), when one of the events was answered before. The statement has been
 * sent when this returns.
 */
export function refuseAnswered(tx: Tx, events: JudgedEvent[]): Promise<unknown> {
  const wanted = events.flatMap(({ idempotency }) => idempotency ?? [])
  if (wanted.length === 0) return Promise.resolve()
  return tx`SELECT require_undisturbed(count(*) = 0) ${inForce(tx, wanted)}`.execute()
}

/** The statement has been sent when this returns. */
export function keepAnswers(tx: Tx, answers: Answers): Promise<unknown> {
  const rows = [...answers].flatMap(([{ idempotency }, answer]) =>
    idempotency ? { ...idempotency, answer } : [],
  )
  if (rows.length === 0) return Promise.resolve()
  return tx`
    INSERT INTO idempotency (token_id, key, created_at, answer)
    SELECT "tokenId", key, now(), answer
    FROM json_to_recordset(${JSON.stringify(rows)}::json) AS q("tokenId" uuid, key text, answer json)
    WHERE ${tx.unsafe(LOCKED)}
    ON CONFLICT (token_id, key) DO UPDATE SET created_at = excluded.created_at, answer = excluded.answer`.execute()
}
