import { TempoError, unavailable } from '../errors.ts'
import type { JudgedEvent } from '../event.ts'
import type { Accepted } from '../wire.ts'

/** Stores a batch in one durable commit and answers for each event, in order; all or none. */
export type StoreBatch = (batch: JudgedEvent[]) => Promise<Accepted[]>

export type WriterOptions = {
  store: StoreBatch
  /** Whether the same batch may succeed later; then its events are not tried one by one. */
  isPassing: (error: unknown) => boolean
  /** Events in one commit; the gain levels off at 100 to 200. */
  maxBatch?: number
  /** Events that may wait; more are refused, so that memory stays bounded. */
  maxWaiting?: number
  /** Milliseconds after which an event that still waits for its turn is refused. */
  maxWaitMs?: number
}

export type Writer = {
  /** Resolves when the event is committed and synced. */
  write: (event: JudgedEvent) => Promise<Accepted>
  /** Resolves when nothing waits any more. */
  drain: () => Promise<void>
}

/** So many events go together in any case: what a commit costs beside its events would be the most of it. */
const UNDIVIDED = 16
/** Batches that are on their way at once: one is being stored, and the next lies ready for when it is. */
const MOST_UNDER_WAY = 2
/**
 * What one batch takes of a crowd at the most: a little over a half, so that two of them have all of it and nobody waits for
 * a third. Smaller ones would keep the server and the database at work side by side as well, but each costs both some 0.4 ms.
 */
const SHARE = 0.52

type Waiting = {
  event: JudgedEvent
  since: number
  resolve: (answer: Accepted) => void
  reject: (error: unknown) => void
}

/**
 * Group commit: what arrives while a commit is under way goes together in the next one, and that is sent before the first
 * is through when all of a crowd are there. A lone event waits for no timer, and a bad one takes none of its neighbours
 * down.
 */
export function createWriter({
  store,
  isPassing,
  maxBatch = 200,
  maxWaiting = 10_000,
  maxWaitMs = 2_000,
}: WriterOptions): Writer {
  let waiting: Waiting[] = []
  let batchesUnderWay = 0
  let eventsUnderWay = 0
  let crowd = 0
  const onIdle: (() => void)[] = []

  function send(): void {
    refuseLate()
    while (waiting.length > 0 && (batchesUnderWay === 0 || isSecondDue())) {
      const batch = waiting.slice(0, nextSize())
      waiting = waiting.slice(batch.length)
      batchesUnderWay++
      eventsUnderWay += batch.length
      flush(batch).then(() => {
        // Those who are answered now will be back.
        crowd = waiting.length + eventsUnderWay
        batchesUnderWay--
        eventsUnderWay -= batch.length
        send()
      })
    }
    if (batchesUnderWay === 0) for (const resolve of onIdle.splice(0)) resolve()
  }

  /**
   * Those who were answered last ask again meanwhile: the batch behind the one under way is sent when it is full, or when
   * all of them are back, so that none is left for the next but one. A small one gains nothing by it.
   */
  function isSecondDue(): boolean {
    if (batchesUnderWay >= MOST_UNDER_WAY) return false
    const areAllBack = waiting.length >= UNDIVIDED && waiting.length + eventsUnderWay >= crowd
    return areAllBack || waiting.length >= nextSize()
  }

  /** A share of them all: the database has one, and the next lies ready for when it is through. */
  function nextSize(): number {
    const all = Math.max(crowd, waiting.length + eventsUnderWay)
    return Math.min(maxBatch, Math.max(UNDIVIDED, Math.ceil(all * SHARE)))
  }

  /** Gives the failure when there was no answer. */
  async function flush(batch: Waiting[]): Promise<TempoError | undefined> {
    try {
      const answers = await store(batch.map(({ event }) => event))
      batch.forEach(({ resolve }, index) => {
        resolve(answers[index]!)
      })
    } catch (error) {
      const passing = isNoAnswer(error) || isPassing(error)
      if (batch.length > 1 && !passing) {
        for (const [index, one] of batch.entries()) {
          const silence = await flush([one])
          if (silence) return refuse(batch.slice(index + 1), silence)
        }
        return
      }
      for (const { reject } of batch) reject(passing ? notStored(error) : error)
      if (!isNoAnswer(error)) return
      const others = waiting
      waiting = []
      refuse(others, error)
      return error
    }
  }

  /** Senders hang up after some seconds: who already waited for one deadline is not made to wait for the next. */
  function refuse(others: Waiting[], error: unknown): undefined {
    for (const { reject } of others) reject(notStored(error))
  }

  /** A database that is slow, though it answers, must not keep senders waiting without end. */
  function refuseLate(): void {
    const latest = performance.now() - maxWaitMs
    const isLate = ({ since }: Waiting) => since < latest
    if (waiting.length === 0 || !isLate(waiting[0]!)) return
    refuse(waiting.filter(isLate), unavailable('The database is too slow. Send the event again.'))
    waiting = waiting.filter((one) => !isLate(one))
  }

  function write(event: JudgedEvent): Promise<Accepted> {
    if (waiting.length >= maxWaiting) {
      return Promise.reject(unavailable('Too many events wait for the database. Send this one again.'))
    }
    return new Promise((resolve, reject) => {
      waiting.push({ event, since: performance.now(), resolve, reject })
      send()
    })
  }

  return {
    write,
    drain: () =>
      batchesUnderWay === 0 ? Promise.resolve() : new Promise((resolve) => onIdle.push(() => resolve())),
  }
}

/** The deadline of the store has passed. */
function isNoAnswer(error: unknown): error is TempoError {
  return error instanceof TempoError && error.status === 503
}

function notStored(error: unknown): TempoError {
  if (error instanceof TempoError) return error
  return unavailable('The database cannot be reached, so the event is not stored. Send it again.', error)
}
