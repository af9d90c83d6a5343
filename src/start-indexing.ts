import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from './log.ts'
import type { Releasers } from './releasers.ts'
import { listen } from './storage/changes.ts'
import { sumUpCounts } from './storage/counts.ts'
import type { Database } from './storage/database.ts'
import { fillWords } from './storage/fill-words.ts'
import { CHANGES_CHANNEL } from './storage/store-events.ts'

/** Events of one transaction; fewer after one that failed, which may have met very long texts. */
const BATCH = 1_000
/** So much after a wake-up, so that events that come one by one are taken in together. */
const WORDS_PAUSE_MS = 250
const COUNTS_PAUSE_MS = 3_000
const RETRY_MS = 2_000
/** Without a wake-up, since one may be lost with its connection, or with the server that had it. */
const IDLE_MS = 10_000

/**
 * Takes new events into the index of words and sums counts up, in the background until the end. Readers need not wait
 * for either: what is not in yet, they read where it is.
 */
export async function startIndexing(
  db: Database,
  log: Log,
  releasers: Releasers,
  { batch = BATCH, retryMs = RETRY_MS } = {},
): Promise<void> {
  const repeat = (name: string, pauseMs: number, work: Work) =>
    repeatWhenWoken(name, { pauseMs, retryMs }, work, log)
  const words = repeat('the index of words', WORDS_PAUSE_MS, fillAll(db, batch))
  const counts = repeat('the sums of the counts', COUNTS_PAUSE_MS, () => sumAll(db))
  const unlisten = await listen(db, CHANGES_CHANNEL, () => {
    words.wake()
    counts.wake()
  })
  releasers.add('indexing', async () => {
    const ended = [words.end(), counts.end()]
    await unlisten()
    await Promise.all(ended)
  })
}

/** `isWoken`: there were wake-ups since the work began. */
type Work = (signal: AbortSignal, isWoken: () => boolean) => Promise<void>

/**
 * Goes on until the index has caught up; halves its steps when one fails. To index an event costs the database half of what
 * it costs to store it: while events come in, it rests after each piece as long as it worked.
 */
function fillAll(db: Database, most: number): Work {
  let batch = most
  return async (signal, isWoken) => {
    const rest = async (ms: number) => {
      if (isWoken()) await pause(ms, signal)
    }
    while (!signal.aborted) {
      try {
        const filled = await fillWords(db, batch, rest)
        batch = Math.min(batch * 2, most)
        if (!filled?.more) return
      } catch (error) {
        batch = Math.max(1, Math.floor(batch / 2))
        throw error
      }
    }
  }
}

async function sumAll(db: Database): Promise<void> {
  while ((await sumUpCounts(db)) > 0) {
    // The next lot.
  }
}

/** Does the work at the start, some time after each wake-up, and now and then without one. */
function repeatWhenWoken(
  name: string,
  { pauseMs, retryMs }: { pauseMs: number; retryMs: number },
  work: Work,
  log: Log,
): { wake: () => void; end: () => Promise<void> } {
  const ending = new AbortController()
  const { signal } = ending
  let isWoken = false
  /** Ends the rest that is under way, if there is one: a commit wakes, and there are hundreds a second. */
  let rouse = () => {}

  async function loop(): Promise<void> {
    while (!signal.aborted) {
      isWoken = false
      try {
        await work(signal, () => isWoken)
      } catch (error) {
        log.warn({ err: error }, `${name} could not be brought up to date; it will be tried again`)
        await pause(retryMs, signal)
        isWoken = true
      }
      await pause(pauseMs, signal)
      if (!isWoken) await rest()
    }
  }

  async function rest(): Promise<void> {
    const woken = new AbortController()
    rouse = () => woken.abort()
    await pause(IDLE_MS, AbortSignal.any([signal, woken.signal]))
    rouse = () => {}
  }

  const running = loop()
  return {
    wake: () => {
      isWoken = true
      rouse()
    },
    end: async () => {
      ending.abort()
      await running
    },
  }
}

const pause = (ms: number, cutShort: AbortSignal) => wait(ms, undefined, { signal: cutShort }).catch(() => {})
