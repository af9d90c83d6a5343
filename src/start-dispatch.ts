import { effectiveMetadata } from './adapters/proxmox.ts'
import type { Vault } from './auth/vault.ts'
import type { Channel, Exchange, Notification, NotifiedItem } from './channel.ts'
import type { Config } from './config.ts'
import { type ChannelBook, subjectOfStored } from './dispatch/book.ts'
import { type ChannelChanges, createChannelChanges } from './dispatch/changes.ts'
import type { ToldStack } from './dispatch/compose.ts'
import { createDispatcher, type Dispatcher, type Outbox } from './dispatch/dispatcher.ts'
import { presetsOf } from './dispatch/rules.ts'
import type { ActionTemplate, StoredEvent } from './event.ts'
import type { Log } from './log.ts'
import { newId } from './new-id.ts'
import { createOutgoing } from './notify/outgoing.ts'
import { createSend } from './notify/senders.ts'
import type { Releasers } from './releasers.ts'
import { repeat } from './repeat.ts'
import { resolveActions } from './scores/actions.ts'
import type { Catalog } from './scores/catalog.ts'
import { deleteChannel, listChannels, saveChannels } from './storage/channels.ts'
import type { Database } from './storage/database.ts'
import { recordTest } from './storage/notifications.ts'
import {
  addReminders,
  findOpenMessage,
  forgetTold,
  listDue,
  listTaken,
  readHeads,
  releaseLease,
  saveSorting,
  saveTry,
  takeLease,
} from './storage/outbox.ts'
import { loadEvents } from './storage/told-items.ts'

export type DispatchOptions = {
  config: Pick<Config, 'publicUrl' | 'privateTargets'>
  db: Database
  vault: Vault
  book: ChannelBook
  catalog: () => Catalog
  isAway: () => boolean
  now: () => Date
  log: Log
  releasers: Releasers
  /** Another way out, for tests of time. */
  send?: Send
}

type Send = (target: Channel['target'], notification: Notification) => Promise<Exchange>

export type Dispatch = Dispatcher & {
  /** Begins to tell what the outbox holds, again and again until the end. */
  start: () => void
  changes: ChannelChanges
}

/** Longer than any exchange may take; a server that was killed holds a channel up for so long. */
const LEASE_MS = 45_000
const LOOK_EVERY_MS = 1_000
/** Rows that go into one message. */
const MOST_ROWS = 20_000
/** With their metadata, which only silences with a match want. */
const MOST_WHOLE_ROWS = 1_000
const FORGET_EVERY_MS = 3_600_000
const KEPT_MS = 30 * 86_400_000

/** The outbox of the database, as the dispatcher wants it. */
export function createOutbox(db: Database, items: (stacks: ToldStack[]) => Promise<NotifiedItem[]>): Outbox {
  return {
    readHeads: (now) => readHeads(db, now),
    take: async (channelId) => {
      const leaseId = newId()
      if (!(await takeLease(db, channelId, leaseId, LEASE_MS))) return null
      return {
        renew: () => takeLease(db, channelId, leaseId, LEASE_MS),
        release: () => releaseLease(db, channelId, leaseId),
        findOpen: () => findOpenMessage(db, channelId),
        addReminders: (most, now) => addReminders(db, channelId, most, now),
        listDue: async (now, detail) => {
          const limit = detail === 'metadata' ? MOST_WHOLE_ROWS : MOST_ROWS
          const rows = await listDue(db, channelId, now, limit, detail)
          if (detail !== 'metadata') return rows
          return rows.map(({ metadata, facts, ...row }) => ({
            ...row,
            metadata: effectiveMetadata(metadata ?? {}, { facts: facts ?? {} }),
          }))
        },
        save: (sorted, message, now) =>
          saveSorting(
            db,
            channelId,
            leaseId,
            { ...sorted, taken: sorted.taken.map(({ cause, occasion }) => ({ cause, occasion })) },
            message,
            now,
          ),
        listTaken: (messageId) => listTaken(db, messageId),
        loadItems: items,
        saveTry: (messageId, record, knowledge) =>
          saveTry(db, channelId, leaseId, messageId, { attemptId: newId(), ...record }, knowledge),
      }
    },
  }
}

/** Makes items of the events that are there. */
export function createItemLoader(
  db: Database,
  catalog: () => Catalog,
  publicUrl: string | null,
): (stacks: ToldStack[]) => Promise<NotifiedItem[]> {
  return async (stacks) => {
    const events = await loadEvents(
      db,
      stacks.map(({ eventId }) => eventId),
    )
    return stacks.flatMap((stack) => {
      const event = events.get(stack.eventId)
      return event ? [itemOf(stack, event, catalog(), publicUrl)] : []
    })
  }
}

function itemOf(
  { occasion, count }: ToldStack,
  event: StoredEvent,
  catalog: Catalog,
  publicUrl: string | null,
): NotifiedItem {
  const metadata = effectiveMetadata(event.metadata, { facts: event.facts ?? {} })
  const own = Array.isArray(event.payload.actions) ? (event.payload.actions as ActionTemplate[]) : []
  const actions = resolveActions(catalog.find(event.provider)?.score, { ...event, metadata }, own)
  const { provider, title, subtitle, severity, label, color, node, vmid, startDate } = event
  return {
    occasion,
    eventId: event.id,
    stackId: event.stackId,
    ...{ provider, title, subtitle, severity, label, color, node, vmid, metadata, count },
    eventTypes: presetsOf(subjectOfStored(event, occasion === 'resolved' ? 'closes' : null)),
    source: catalog.nameOf(provider).displayName,
    at: startDate,
    message: typeof metadata.Message === 'string' ? metadata.Message : null,
    url: publicUrl === null ? null : `${publicUrl}/?state=all&stack=${event.stackId}`,
    links: actions.flatMap(({ type, enabled, value, label: name }) =>
      type === 'openURL' && enabled && value !== null ? [{ label: name, url: value }] : [],
    ),
  }
}

/** What changes and tests channels; needs no server that runs. */
export function openChanges({
  config,
  db,
  vault,
  now,
  send,
}: Pick<DispatchOptions, 'config' | 'db' | 'vault' | 'now' | 'send'>): ChannelChanges {
  return createChannelChanges({
    list: () => listChannels(db),
    save: (rows, removed) => saveChannels(db, rows, removed),
    remove: (id) => deleteChannel(db, id),
    recordTest: (channelId, message, attempt) => recordTest(db, channelId, message, attempt),
    send: send ?? openWayOut(config),
    vault,
    newId,
    url: config.publicUrl,
    now,
  })
}

function openWayOut({ privateTargets }: Pick<Config, 'privateTargets'>): Send {
  return createSend(createOutgoing({ allowPrivate: privateTargets === 'allow' }))
}

/** Tells the channels what the outbox holds. */
export function openDispatch(options: DispatchOptions): Dispatch {
  const { config, db, book, catalog, isAway, now, log, releasers } = options
  const send = options.send ?? openWayOut(config)
  const dispatcher = createDispatcher({
    outbox: createOutbox(db, createItemLoader(db, catalog, config.publicUrl)),
    channels: book.channels,
    silences: book.silences,
    send,
    newId,
    url: config.publicUrl,
    now,
    chance: Math.random,
    log,
  })
  let isStarted = false
  let isLooking = false
  const look = async () => {
    if (isLooking || isAway()) return
    isLooking = true
    await dispatcher.look().finally(() => {
      isLooking = false
    })
  }
  const start = () => {
    if (isStarted) return
    isStarted = true
    const forget = () => forgetTold(db, new Date(now().getTime() - KEPT_MS))
    repeat(releasers, 'old notifications', FORGET_EVERY_MS, forget, log)
    // Ends run in the reverse order: first no other look begins.
    releasers.add('notifications', dispatcher.settle)
    repeat(releasers, 'notifications', LOOK_EVERY_MS, look, log)
  }
  return { ...dispatcher, start, changes: openChanges({ ...options, send }) }
}
