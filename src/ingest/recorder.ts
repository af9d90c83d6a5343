import type { Delivery } from '../access.ts'
import type { Log } from '../log.ts'

export type RecorderOptions = {
  insert: (deliveries: Delivery[]) => Promise<void>
  prune: () => Promise<void>
  log: Log
}

export type Recorder = {
  /** Notes a delivery; never waits and never throws. */
  record: (delivery: Delivery) => void
  /** Resolves when all that was noted is written, or given up. */
  drain: () => Promise<void>
}

const MAX_WAITING = 5_000
const MAX_BATCH = 1_000
/** Strangers may use this part of the memory at the most, so that they cannot push out senders with a token. */
const MAX_STRANGERS_WAITING = 500
/** Deliveries after which the oldest are dropped at once, and milliseconds after which they are in any case. */
const PRUNE_EVERY = 5_000
const PRUNE_WITHIN_MS = 5_000
/** Milliseconds between two batches: many small ones cost the database more than the deliveries themselves. */
const PAUSE_MS = 100

/** Writes deliveries in the background, in batches: what tells about events must not keep senders waiting. */
export function createRecorder({ insert, prune, log }: RecorderOptions): Recorder {
  let waiting: Delivery[] = []
  let strangers = 0
  let dropped = 0
  let sincePrune = 0
  let pruneTimer: NodeJS.Timeout | undefined
  let running: Promise<void> | null = null
  let draining = false
  let hurry = () => {}

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH)
      waiting = waiting.slice(MAX_BATCH)
      strangers = waiting.filter(isStranger).length
      await flush(batch)
      if (!draining && waiting.length < MAX_BATCH) await pause()
    }
  }

  /** Ends early when there is enough for a batch. */
  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PAUSE_MS)
      hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async function flush(batch: Delivery[]): Promise<void> {
    try {
      await insert(batch)
      sincePrune += batch.length
      if (sincePrune >= PRUNE_EVERY) await pruneNow()
      else pruneTimer ??= setTimeout(pruneNow, PRUNE_WITHIN_MS).unref()
    } catch (error) {
      log.warn({ err: error, deliveries: batch.length }, 'deliveries were not recorded')
    }
    if (dropped > 0) {
      log.warn({ deliveries: dropped }, 'too many deliveries at once; some were not recorded')
      dropped = 0
    }
  }

  async function pruneNow(): Promise<void> {
    clearTimeout(pruneTimer)
    pruneTimer = undefined
    sincePrune = 0
    try {
      await prune()
    } catch (error) {
      log.warn({ err: error }, 'old deliveries were not dropped')
    }
  }

  function record(delivery: Delivery): void {
    if (waiting.length >= MAX_WAITING || (isStranger(delivery) && strangers >= MAX_STRANGERS_WAITING)) {
      dropped++
      return
    }
    if (isStranger(delivery)) strangers++
    waiting.push(delivery)
    if (waiting.length >= MAX_BATCH || strangers >= MAX_STRANGERS_WAITING / 2) hurry()
    running ??= run().finally(() => {
      running = null
    })
  }

  return {
    record,
    drain: async () => {
      draining = true
      hurry()
      while (running) await running
      clearTimeout(pruneTimer)
    },
  }
}

function isStranger(delivery: Delivery): boolean {
  return !delivery.authenticated
}
