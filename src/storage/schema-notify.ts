/** Tables of what goes out again; schema.ts has the rest. */
import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  index,
  integer,
  json,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { ChannelMatch } from '../channel.ts'
import { bytea } from './schema.ts'

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

export const channels = pgTable(
  'channels',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    type: text('type').notNull(),
    enabled: boolean('enabled').notNull(),
    /** Everything but the secrets. */
    settings: json('settings').$type<Record<string, unknown>>().notNull(),
    /** URL, headers and secret, sealed; null: a restored channel, to which they must be given anew. */
    secrets: bytea('secrets'),
    managedBy: text('managed_by').notNull(),
    createdAt: instant('created_at').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [uniqueIndex('channels_name').on(table.name)],
)

/** What the servers know of a channel, and which of them sends to it now. */
export const channelStates = pgTable('channel_states', {
  channelId: uuid('channel_id')
    .primaryKey()
    .references(() => channels.id, { onDelete: 'cascade' }),
  leaseId: uuid('lease_id'),
  leaseUntil: instant('lease_until'),
  /** When the last message was put together. */
  formedAt: instant('formed_at'),
  /** Failures in a row. */
  failures: integer('failures').notNull().default(0),
  failingSince: instant('failing_since'),
  lastSentAt: instant('last_sent_at'),
  /** What the receiver said last. */
  lastAnswer: text('last_answer'),
})

/** What a channel was told of a stack, for repeats, reminders and ends. */
export const channelStacks = pgTable(
  'channel_stacks',
  {
    channelId: uuid('channel_id')
      .notNull()
      .references(() => channels.id, { onDelete: 'cascade' }),
    stackId: uuid('stack_id').notNull(),
    toldAt: instant('told_at').notNull(),
    /** Rank of what was told last. */
    severity: smallint('severity').notNull(),
    /** Told of as a trouble, and not yet as over. */
    isOpen: boolean('is_open').notNull(),
    reminders: smallint('reminders').notNull(),
    /** When to remind; null: never. */
    remindAt: instant('remind_at'),
  },
  (table) => [
    primaryKey({ columns: [table.channelId, table.stackId] }),
    index('channel_stacks_stack').on(table.stackId),
    index('channel_stacks_remind').on(table.channelId, table.remindAt).where(sql`remind_at IS NOT NULL`),
    index('channel_stacks_told').on(table.toldAt),
  ],
)

/** A row for each channel that an event concerns, written with the event. No reference: the writer locks no channel. */
export const outbox = pgTable(
  'outbox',
  {
    channelId: uuid('channel_id').notNull(),
    /** Id of the incoming event, which an update by externalID has, too; or one of its own. */
    cause: uuid('cause').notNull(),
    eventId: uuid('event_id').notNull(),
    stackId: uuid('stack_id').notNull(),
    occasion: text('occasion').notNull(),
    severity: smallint('severity').notNull(),
    createdAt: instant('created_at').notNull(),
    /** Not before. */
    dueAt: instant('due_at').notNull(),
    /** waiting, taken (into a message), held (for a reason). */
    state: text('state').notNull().default('waiting'),
    /** What held it up or back. */
    reason: text('reason'),
    messageId: uuid('message_id'),
  },
  (table) => [
    primaryKey({ columns: [table.channelId, table.cause] }),
    index('outbox_waiting').on(table.channelId, table.dueAt).where(sql`state = 'waiting'`),
    index('outbox_message').on(table.messageId).where(sql`message_id IS NOT NULL`),
    check('outbox_state', sql`state IN ('waiting', 'taken', 'held')`),
  ],
)

/** Messages, each with one id in every try to send it. */
export const messages = pgTable(
  'messages',
  {
    id: uuid('id').primaryKey(),
    channelId: uuid('channel_id')
      .notNull()
      .references(() => channels.id, { onDelete: 'cascade' }),
    kind: text('kind').notNull(),
    because: text('because'),
    /** A line that tells what is in it. */
    title: text('title').notNull(),
    severity: smallint('severity').notNull(),
    events: integer('events').notNull(),
    createdAt: instant('created_at').notNull(),
    /** open, sent, failed. */
    state: text('state').notNull().default('open'),
    tries: integer('tries').notNull().default(0),
    nextTryAt: instant('next_try_at').notNull(),
    finishedAt: instant('finished_at'),
  },
  (table) => [
    index('messages_channel').on(table.channelId, table.id),
    index('messages_open').on(table.channelId, table.id).where(sql`state = 'open'`),
    index('messages_finished').on(table.finishedAt),
    check('messages_state', sql`state IN ('open', 'sent', 'failed')`),
  ],
)

export const attempts = pgTable(
  'attempts',
  {
    id: uuid('id').primaryKey(),
    messageId: uuid('message_id')
      .notNull()
      .references(() => messages.id, { onDelete: 'cascade' }),
    channelId: uuid('channel_id').notNull(),
    at: instant('at').notNull(),
    durationMs: integer('duration_ms').notNull(),
    /** sent, passing, permanent. */
    result: text('result').notNull(),
    status: integer('status'),
    request: text('request').notNull(),
    answer: text('answer').notNull(),
  },
  (table) => [
    index('attempts_channel').on(table.channelId, table.id),
    index('attempts_message').on(table.messageId),
  ],
)

export const silences = pgTable('silences', {
  id: uuid('id').primaryKey(),
  reason: text('reason').notNull(),
  from: instant('from_at').notNull(),
  to: instant('to_at').notNull(),
  channels: uuid('channels').array().notNull(),
  providers: text('providers').array().notNull(),
  nodes: text('nodes').array().notNull(),
  vmids: text('vmids').array().notNull(),
  match: json('match').$type<ChannelMatch[]>().notNull(),
  createdBy: text('created_by').notNull(),
  createdAt: instant('created_at').notNull(),
})
