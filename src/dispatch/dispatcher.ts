import type { Channel, Exchange, Notification, NotifiedItem } from '../channel.ts'
import { type Occasion, severityRank } from '../event.ts'
import type { Log } from '../log.ts'
import { nextTry } from './backoff.ts'
import {
  composeNotification,
  groupByStack,
  MOST_ITEMS,
  type Told,
  type ToldStack,
  titleOf,
} from './compose.ts'
import type { SilenceTest } from './rules.ts'
import { type Due, describeTaken, inForce, type Sorted, sortDue } from './sort.ts'

/** What is known of a channel before it is worked on. */
export type Head = {
  channelId: string
  formedAt: Date | null
  failures: number
  nextTryAt: Date | null
  dueAt: Date | null
  hasCritical: boolean
  remindAt: Date | null
}

/** A message that is not sent yet. */
export type Open = Pick<Notification, 'id' | 'kind' | 'because' | 'createdAt'> & {
  tries: number
  nextTryAt: Date
}

export type NewMessage = Pick<Notification, 'id' | 'kind' | 'because'> & {
  title: string
  /** Rank. */
  severity: number
  events: number
}

/** What the channel knows of a stack after a message has arrived. */
export type Knowledge = {
  stackId: string
  severity: number
  isOpen: boolean
  isReminder: boolean
  remindAt: Date | null
}

export type TryRecord = {
  at: Date
  durationMs: number
  exchange: Exchange
  /** Null: there is no other try. */
  nextTryAt: Date | null
}

/** Where messages are kept; several servers share it, and who holds the lease of a channel works on it alone. */
export type Outbox = {
  readHeads: (now: Date) => Promise<Head[]>
  take: (channelId: string) => Promise<Lease | null>
}

/** What is needed of events to tell them: only silences look at what they are about, and few at their metadata. */
export type DueDetail = 'none' | 'subject' | 'metadata'

/** The right to work on a channel. What it writes is refused, by false, once another server has the channel. */
export type Lease = {
  /** Begins anew; false when another server has the channel. */
  renew: () => Promise<boolean>
  release: () => Promise<void>
  findOpen: () => Promise<Open | null>
  addReminders: (most: number, now: Date) => Promise<void>
  listDue: (now: Date, detail: DueDetail) => Promise<(Due & Told)[]>
  save: (sorted: Sorted<Due & Told>, message: NewMessage | null, now: Date) => Promise<boolean>
  listTaken: (messageId: string) => Promise<Told[]>
  /** The stacks as items; those whose events are gone are left out. */
  loadItems: (stacks: ToldStack[]) => Promise<NotifiedItem[]>
  saveTry: (messageId: string, record: TryRecord, knowledge: Knowledge[]) => Promise<boolean>
}

export type DispatcherDeps = {
  outbox: Outbox
  /** All channels, by id; those whose secrets cannot be read are not among them. */
  channels: () => ReadonlyMap<string, Channel>
  silences: () => readonly SilenceTest[]
  send: (target: Channel['target'], notification: Notification) => Promise<Exchange>
  newId: () => string
  /** Address of the timeline; null: none is set. */
  url: string | null
  now: () => Date
  chance: () => number
  log: Log
}

export type Dispatcher = {
  /** Begins to work on every channel that has something to do, and waits for none of them. */
  look: () => Promise<void>
  /** Resolves when no work is under way. */
  settle: () => Promise<void>
}

/** A channel that refused so often for good is tried seldom. */
const PERMANENT_FAILURES = 3
const REFUSED_PAUSE_MS = 10 * 60_000
/** Between two messages when something critical waits. */
const CRITICAL_INTERVAL_S = 10
/** Less than a lease lasts. */
const RENEW_EVERY_MS = 15_000
/** Messages of a channel in one look. */
const MOST_MESSAGES = 20

/**
 * Sends what the outbox holds. A channel has one message under way at a time, and what comes meanwhile goes together in
 * the next: a receiver that is down gets one summary when it is back, and delays no other.
 */
export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { outbox, log } = deps
  const working = new Map<string, Promise<void>>()

  async function look(): Promise<void> {
    if (deps.channels().size === 0) return
    const now = deps.now()
    for (const head of await outbox.readHeads(now)) {
      const channel = deps.channels().get(head.channelId)
      if (!channel || working.has(channel.id) || !isDue(channel, head, now)) continue
      const work = workOn(channel, head)
        .catch((error) => log.warn({ err: error, channel: channel.name }, 'notifications: will go on later'))
        .finally(() => working.delete(channel.id))
      working.set(channel.id, work)
    }
  }

  async function settle(): Promise<void> {
    while (working.size > 0) await Promise.all(working.values())
  }

  async function workOn(channel: Channel, head: Head): Promise<void> {
    const lease = await outbox.take(channel.id)
    if (!lease) return
    try {
      let formed = 0
      for (let count = 0; count < MOST_MESSAGES; count++) {
        const message = (await findOpen(lease)) ?? (formed++ === 0 ? await form(channel, head, lease) : null)
        if (!message || message.open.nextTryAt > deps.now()) return
        if (!(await lease.renew()) || !(await trySending(channel, message, lease))) return
      }
    } finally {
      await lease.release()
    }
  }

  async function findOpen(lease: Lease): Promise<Message | null> {
    const open = await lease.findOpen()
    return open && { open, rows: null }
  }

  async function form(channel: Channel, head: Head, lease: Lease): Promise<Message | null> {
    const now = deps.now()
    if (!mayForm(channel, head, now)) return null
    if (head.remindAt && head.remindAt <= now) await lease.addReminders(channel.rules.maxReminders, now)
    const silences = deps.silences()
    const rows = await lease.listDue(now, detailFor(inForce(silences, now)))
    if (rows.length === 0) return null
    const sorted = sortDue(channel, rows, silences, now)
    const { taken } = sorted
    const message = taken.length > 0 ? messageOf(taken, now) : null
    const isSaved = await lease.save(sorted, message, now)
    if (!isSaved || !message) return null
    return { open: { ...message, createdAt: now, tries: 0, nextTryAt: now }, rows: taken }
  }

  function messageOf(taken: (Due & Told)[], now: Date): NewMessage {
    return {
      id: deps.newId(),
      ...describeTaken(taken, now),
      title: titleOf(taken),
      severity: Math.max(...taken.map(({ severity }) => severity)),
      events: taken.length,
    }
  }

  /** True when the next message may follow at once. */
  async function trySending(
    channel: Channel,
    { open, rows: known }: Message,
    lease: Lease,
  ): Promise<boolean> {
    const rows = known ?? (await lease.listTaken(open.id))
    const stacks = groupByStack(rows)
    const items = await lease.loadItems(stacks.slice(0, MOST_ITEMS))
    const { id, kind, because, createdAt } = open
    const notification = composeNotification(
      { id, kind, because, createdAt, channel, url: deps.url },
      rows,
      items,
    )
    const at = deps.now()
    const started = performance.now()
    // Some receivers take a request for each stack.
    const renewing = setInterval(() => lease.renew().catch(() => {}), RENEW_EVERY_MS)
    const exchange = await (notification ? deps.send(channel.target, notification) : EVENTS_GONE)
    clearInterval(renewing)
    const durationMs = Math.round(performance.now() - started)
    const tries = open.tries + 1
    const nextTryAt =
      exchange.result === 'passing'
        ? nextTry({ createdAt, tries }, exchange.retryAfterMs, deps.now(), deps.chance())
        : null
    if (exchange.result !== 'sent') {
      const { status, answer } = exchange
      log.warn(
        { channel: channel.name, message: id, status, answer, nextTryAt },
        'a notification was not taken',
      )
    }
    const knowledge = exchange.result === 'sent' ? knowledgeOf(channel, stacks, at) : []
    const isSaved = await lease.saveTry(id, { at, durationMs, exchange, nextTryAt }, knowledge)
    return isSaved && exchange.result === 'sent'
  }

  return { look, settle }
}

/** `rows`: the events in it; null: they are to be read. */
type Message = { open: Open; rows: Told[] | null }

function detailFor(silences: readonly SilenceTest[]): DueDetail {
  if (silences.length === 0) return 'none'
  return silences.some(({ silence }) => silence.match.length > 0) ? 'metadata' : 'subject'
}

const EVENTS_GONE: Exchange = {
  result: 'permanent',
  status: null,
  request: '',
  answer: 'Its events are gone, so there was nothing to send.',
  retryAfterMs: null,
}

function isDue(channel: Channel, head: Head, now: Date): boolean {
  if (head.nextTryAt) return head.nextTryAt <= now
  return mayForm(channel, head, now)
}

/** Whether a message may be put together now. */
function mayForm({ rules }: Channel, head: Head, now: Date): boolean {
  const { dueAt, remindAt, formedAt, failures, hasCritical } = head
  const hasWaited = dueAt !== null && dueAt.getTime() + rules.groupWaitSeconds * 1_000 <= now.getTime()
  if (!hasWaited && !(remindAt && remindAt <= now)) return false
  if (!formedAt) return true
  const seconds = hasCritical
    ? Math.min(CRITICAL_INTERVAL_S, rules.groupIntervalSeconds)
    : rules.groupIntervalSeconds
  const pause = failures >= PERMANENT_FAILURES ? REFUSED_PAUSE_MS : seconds * 1_000
  return formedAt.getTime() + pause <= now.getTime()
}

/** News that all is well are the beginning of nothing. */
function isTrouble(occasion: Occasion, severity: number): boolean {
  return occasion !== 'resolved' && severity > severityRank('ok')
}

function knowledgeOf({ rules }: Channel, stacks: ToldStack[], at: Date): Knowledge[] {
  return stacks.map(({ stackId, severity, occasion }) => ({
    stackId,
    severity,
    isOpen: isTrouble(occasion, severity),
    isReminder: occasion === 'reminder',
    remindAt:
      rules.remindMinutes > 0 && occasion !== 'acknowledged' && isTrouble(occasion, severity)
        ? new Date(at.getTime() + rules.remindMinutes * 60_000)
        : null,
  }))
}
