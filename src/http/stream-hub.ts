import type { Log } from '../log.ts'
import {
  type Changes,
  changesSince,
  currentPosition,
  isAhead,
  listen,
  type Position,
} from '../storage/changes.ts'
import { type Database, withDeadline } from '../storage/database.ts'
import { CHANGES_CHANNEL } from '../storage/store-events.ts'

/** Gets what was committed, in order. `end` is called when the hub stops. */
export type Subscriber = { onChanges: (changes: Changes) => void; end: () => void }

export type StreamHub = {
  start: () => Promise<void>
  /** Begins with what came since `position`, or with now; returns the function that ends it. */
  subscribe: (subscriber: Subscriber, position: Position | null) => Promise<() => void>
  stop: () => Promise<void>
}

/** More at once than a client should be told one by one; it loads anew instead. */
const MAX_CHANGES = 1_000
/** Milliseconds between two looks at the database; the first after a pause is at once. */
const PAUSE_MS = 100
const RETRY_MS = 1_000
const UNLISTEN_MS = 1_000

/**
 * Tells subscribers of the commits of all servers. NOTIFY only wakes it; what happened is read from the tables, so
 * that a lost wake-up or a broken connection loses nothing. One read serves all subscribers.
 */
export function createStreamHub(db: Database, log: Log): StreamHub {
  const subscribers = new Set<Subscriber>()
  let position: Position | null = null
  let unlisten: (() => Promise<void>) | null = null
  let work: Promise<void> = Promise.resolve()
  let woken = false
  let lastLook = 0
  let timer: NodeJS.Timeout | undefined

  function wake(pauseMs = PAUSE_MS): void {
    if (woken || subscribers.size === 0) return
    woken = true
    timer = setTimeout(
      () => {
        woken = false
        lastLook = Date.now()
        inTurn(look).catch((error) => {
          log.warn({ err: error }, 'the stream could not read changes; it will try again')
          wake(RETRY_MS)
        })
      },
      Math.max(0, lastLook + pauseMs - Date.now()),
    )
  }

  /** One after the other: a subscriber joins between two looks and misses nothing. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = work.then(task)
    work = result.then(
      () => {},
      () => {},
    )
    return result
  }

  async function look(): Promise<void> {
    if (position === null || subscribers.size === 0) return
    const changes = await changesSince(db, position, null, MAX_CHANGES)
    position = changes.position
    if (changes.overflow || changes.events.length > 0 || changes.stacks.length > 0) {
      for (const subscriber of subscribers) tell(subscriber, changes)
    }
  }

  /** A subscriber that fails comes back and resumes; it must not take the others down. */
  function tell(subscriber: Subscriber, changes: Changes): void {
    try {
      subscriber.onChanges(changes)
    } catch (error) {
      log.error({ err: error }, 'changes could not be told to a client of the stream')
      subscriber.end()
    }
  }

  async function missedBetween(since: Position | null, upTo: Position): Promise<Changes> {
    if (since === null) return { position: upTo, events: [], stacks: [], overflow: false }
    if (isAhead(since, upTo)) return { position: upTo, events: [], stacks: [], overflow: true }
    return changesSince(db, since, upTo, MAX_CHANGES)
  }

  async function join(subscriber: Subscriber, since: Position | null): Promise<void> {
    if (subscribers.size === 0) position = await currentPosition(db)
    else await look()
    const upTo = position!
    const missed = await missedBetween(since, upTo)
    subscribers.add(subscriber)
    tell(subscriber, missed)
  }

  return {
    start: async () => {
      unlisten = await listen(db, CHANGES_CHANNEL, () => wake())
    },
    subscribe: async (subscriber, since) => {
      await inTurn(() => join(subscriber, since))
      wake()
      return () => {
        subscribers.delete(subscriber)
      }
    },
    stop: async () => {
      clearTimeout(timer)
      for (const subscriber of subscribers) subscriber.end()
      subscribers.clear()
      // A database that does not answer must not hold up the end.
      if (unlisten) await withDeadline(unlisten(), UNLISTEN_MS, 'the end of the stream').catch(() => {})
    },
  }
}
