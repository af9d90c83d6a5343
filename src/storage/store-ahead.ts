import type { JudgedEvent } from '../event.ts'
import type { Accepted } from '../wire.ts'
import type { Database } from './database.ts'
import { type Answers, answerRepeated, refuseAnswered } from './kept-answers.ts'
import { forget, isStale, newestOf, recall, remember, seriesOf } from './known-series.ts'
import { sendWhole } from './send-whole.ts'
import { lockNames } from './series.ts'
import { isSessionRole } from './sessions.ts'
import { lockedNames, momentsOf, withDerived, writeBeside, writeNew } from './write-events.ts'

/**
 * Stores events whose stacks follow from what is remembered, in one round trip: the locks, a check that nothing has
 * changed since, and all that is written go out as one, behind those of the batch before. Returns null, and nothing is
 * stored, when it cannot be done so, or when the check fails: then the database must be asked first.
 */
export async function storeAhead(
  db: Database,
  batch: JudgedEvent[],
  channel: string,
): Promise<Accepted[] | null> {
  const { fresh, answered } = answerRepeated(new Map(), batch)
  const inserts = fresh.flatMap((event) => withDerived(event))
  if (!inserts.every(isPlain)) return null
  const moments = momentsOf(inserts)
  const newest = recall(db, moments)
  if (!newest) return null
  const series = seriesOf(newest)
  const answers: Answers = new Map()
  try {
    const written = sendWhole(db.ahead, (tx) => [
      lockNames(tx, lockedNames(batch), channel),
      refuseAnswered(tx, fresh),
      writeNew(tx, inserts, series, answers, true),
      writeBeside(tx, inserts, [], answers),
    ])
    // Whoever comes next follows on this, and fails with it.
    remember(db, newestOf(series))
    await written
  } catch (error) {
    forget(db, newest.keys())
    if (isStale(error)) return null
    throw error
  }
  return batch.map((event) => answered(event, answers))
}

/** Nothing that is stored already decides what becomes of it, but for the stacks of its series. */
function isPlain(event: JudgedEvent): boolean {
  return event.externalID === null && !isSessionRole(event.role) && !event.replay
}
