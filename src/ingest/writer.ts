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
}

export type Writer = {
  /** Resolves when the event is committed and synced. */
  write: (event: JudgedEvent) => Promise<Accepted>
  /** Resolves when nothing waits any more. */
  drain: () => Promise<void>
}

type Waiting = { event: JudgedEvent; resolve: (answer: Accepted) => void; reject: (error: unknown) => void }

/**
 * Group commit: what arrives while a commit is under way goes together in the next one. A lone event waits for no
 * timer, and a bad one takes none of its neighbours down.
 */
export function createWriter({
  store,
  isPassing,
  maxBatch = 200,
  maxWaiting = 10_000,
}: WriterOptions): Writer {
  let waiting: Waiting[] = []
  let running: Promise<void> | null = null

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch)
      waiting = waiting.slice(maxBatch)
      await flush(batch)
    }
  }

  async function flush(batch: Waiting[]): Promise<void> {
    try {
      const answers = await store(batch.map(({ event }) => event))
      batch.forEach(({ resolve }, index) => {
        resolve(answers[index]!)
      })
    } catch (error) {
      const passing = isNoAnswer(error) || isPassing(error)
      if (batch.length > 1 && !passing) {
        for (const one of batch) await flush([one])
        return
      }
      for (const { reject } of batch) reject(passing ? notStored(error) : error)
      if (isNoAnswer(error)) refuseWaiting(error)
    }
  }

  /** Senders hang up after some seconds: who already waited for one deadline is not made to wait for the next. */
  function refuseWaiting(error: unknown): void {
    const refused = waiting
    waiting = []
    for (const { reject } of refused) reject(notStored(error))
  }

  function write(event: JudgedEvent): Promise<Accepted> {
    if (waiting.length >= maxWaiting) {
      return Promise.reject(unavailable('Too many events wait for the database. Send this one again.'))
    }
    return new Promise((resolve, reject) => {
      waiting.push({ event, resolve, reject })
      running ??= run().finally(() => {
        running = null
      })
    })
  }

  return {
    write,
    drain: async () => {
      while (running) await running
    },
  }
}

/** The deadline of the store has passed. */
function isNoAnswer(error: unknown): boolean {
  return error instanceof TempoError && error.status === 503
}

function notStored(error: unknown): TempoError {
  if (error instanceof TempoError) return error
  return unavailable('The database cannot be reached, so the event is not stored. Send it again.', error)
}
