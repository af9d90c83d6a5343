import type { Delivery } from '../access.ts'
import type { Log } from '../log.ts'

/** Where plain deliveries wait as text. */
export type Chunk = { add: (delivery: Delivery) => void; size: () => number; isFull: () => boolean }

export type RecorderOptions<C extends Chunk> = {
  /** Writes deliveries, and chunks that hold one or more. */
  insert: (deliveries: Delivery[], chunks: C[]) => Promise<void>
  createChunk: () => C
  prune: () => Promise<void>
  log: Log
}

export type Recorder = {
  /** Notes a delivery, and whether it made a new event; never waits and never throws. */
  record: (delivery: Delivery, isNew: boolean) => void
  /** Resolves when all that was noted is written, or given up. */
  drain: () => Promise<void>
}

const MAX_WAITING = 5_000
/** Deliveries that are written singly at once, and chunks of others. */
const MAX_BATCH = 1_000
const MAX_CHUNKS = 4
/** Strangers may use this part of the memory at the most, so that they cannot push out senders with a token. */
const MAX_STRANGERS_WAITING = 500
/** Deliveries after which the oldest are dropped at once, and milliseconds after which they are in any case. */
const PRUNE_EVERY = 5_000
const PRUNE_WITHIN_MS = 5_000
/** Milliseconds between two batches: many small ones cost the database more than the deliveries themselves. */
const PAUSE_MS = 100

/**
 * Writes deliveries in the background, in batches: what tells about events must not keep senders waiting. Plain ones go
 * into chunks, as most of a crowd are.
 */
export function createRecorder<C extends Chunk>({
  insert,
  createChunk,
  prune,
  log,
}: RecorderOptions<C>): Recorder {
  let waiting: Delivery[] = []
  let chunks: C[] = []
  /** Of both kinds. */
  let count = 0
  let strangers = 0
  let dropped = 0
  let sincePrune = 0
  let pruneTimer: NodeJS.Timeout | undefined
  let running: Promise<void> | null = null
  let draining = false
  let hurry = () => {}

  async function run(): Promise<void> {
    while (count > 0) {
      const batch = waiting.slice(0, MAX_BATCH)
      waiting = waiting.slice(MAX_BATCH)
      strangers = waiting.filter(isStranger).length
      const crowd = chunks.slice(0, MAX_CHUNKS)
      chunks = chunks.slice(MAX_CHUNKS)
      const size = crowd.reduce((sum, chunk) => sum + chunk.size(), batch.length)
      count -= size
      await flush(batch, crowd, size)
      if (!draining && count < MAX_BATCH) await pause()
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

  async function flush(batch: Delivery[], crowd: C[], size: number): Promise<void> {
    try {
      await insert(batch, crowd)
      sincePrune += size
      if (sincePrune >= PRUNE_EVERY) await pruneNow()
      else pruneTimer ??= setTimeout(pruneNow, PRUNE_WITHIN_MS).unref()
    } catch (error) {
      log.warn({ err: error, deliveries: size }, 'deliveries were not recorded')
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

  function record(delivery: Delivery, isNew: boolean): void {
    if (count >= MAX_WAITING || (isStranger(delivery) && strangers >= MAX_STRANGERS_WAITING)) {
      dropped++
      return
    }
    if (isStranger(delivery)) strangers++
    if (isNew && isPlain(delivery)) openChunk().add(delivery)
    else waiting.push(delivery)
    count++
    if (count >= MAX_BATCH || strangers >= MAX_STRANGERS_WAITING / 2) hurry()
    running ??= run().finally(() => {
      running = null
    })
  }

  function openChunk(): C {
    const last = chunks.at(-1)
    if (last && !last.isFull()) return last
    const next = createChunk()
    chunks.push(next)
    return next
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

/** Nothing in it tells more than that an event came and was stored. */
function isPlain({ authenticated, status, reason, quarantineId }: Delivery): boolean {
  return authenticated && status === 200 && reason === null && quarantineId === null
}

function isStranger(delivery: Delivery): boolean {
  return !delivery.authenticated
}
