/**
 * Tables of the server. Constraints that Drizzle cannot express (exclusion, extensions) stand in the
 * hand-written part of the migrations; see docs/adr/0004-migrations.md.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  real,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { eventLane, stackLane } from './lanes.ts'
import { stackClass } from './spans.ts'

export const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })

/** Id of a transaction that wrote a row: what a reader compares with a snapshot. */
const xid8 = customType<{ data: string; driverData: string }>({ dataType: () => 'xid8' })

/** An instant with milliseconds; events carry no finer time. */
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

export const tokens = pgTable(
  'tokens',
  {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    prefix: text('prefix').notNull(),
    /** SHA-256 of the whole token; the token itself is stored nowhere. */
    hash: bytea('hash').notNull(),
    scopes: text('scopes').array().notNull(),
    /** Metadata that is added to what comes with it, where it is missing. */
    defaults: json('defaults').$type<Record<string, string>>().notNull().default({}),
    /** Provider roots the token may write to; empty: any. */
    providers: text('providers').array().notNull(),
    /** Signs bodies, sealed; null: none. */
    hmacSecret: bytea('hmac_secret'),
    createdAt: instant('created_at').notNull(),
    lastUsedAt: instant('last_used_at'),
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
  },
  (table) => [uniqueIndex('tokens_hash').on(table.hash)],
)

export const stacks = pgTable(
  'stacks',
  {
    id: uuid('id').primaryKey(),
    provider: text('provider').notNull(),
    /** Grouping key; null: an event that stands alone. */
    key: text('key'),
    node: text('node'),
    vmid: text('vmid'),
    title: text('title').notNull(),
    firstEventAt: instant('first_event_at').notNull(),
    lastEventAt: instant('last_event_at').notNull(),
    latestEventId: uuid('latest_event_id').notNull(),
    eventCount: integer('event_count').notNull(),
    /** Worst severity of its events, by rank, and the badge and time of the event that gave it. */
    severity: smallint('severity').notNull(),
    label: text('label').notNull(),
    severityAt: instant('severity_at').notNull(),
    resolved: boolean('resolved').notNull().default(false),
    /** Title of the row while the stack holds two events or more; null: that of its latest event. */
    stackTitle: text('stack_title'),
    /** Shows the severity of its latest event, not of its worst; as that event's score says. */
    currentState: boolean('current_state').notNull().default(false),
    ackedAt: instant('acked_at'),
    dismissedAt: instant('dismissed_at'),
    /** In no index: an update that changes no indexed column costs no entry in any (PostgreSQL, Heap-Only Tuples). */
    changedTx: xid8('changed_tx').notNull().default(sql`pg_current_xact_id()`),
    /** The last transaction that changed it otherwise than by new events; null: none. */
    alteredTx: xid8('altered_tx'),
  },
  (table) => [
    index('stacks_last').on(table.lastEventAt, table.id),
    index('stacks_lane').on(sql.raw(stackLane('')), table.lastEventAt, table.id),
    index('stacks_provider').on(table.provider, sql.raw(stackLane('')), table.lastEventAt, table.id),
    index('stacks_node').on(table.node, sql.raw(stackLane('')), table.lastEventAt, table.id),
    index('stacks_vmid')
      .on(table.vmid, sql.raw(stackLane('')), table.lastEventAt, table.id)
      .where(sql`vmid IS NOT NULL`),
    // What spans an instant; a stack of one instant spans none.
    index('stacks_span')
      .on(sql.raw(stackClass('')), table.lastEventAt, table.id)
      .where(sql`first_event_at < last_event_at`),
    index('stacks_altered').on(table.alteredTx).where(sql`altered_tx IS NOT NULL`),
    check('stacks_not_empty', sql`event_count > 0`),
    check('stacks_severity', sql`severity BETWEEN 0 AND 4`),
    check('stacks_span', sql`first_event_at <= last_event_at`),
  ],
)

/**
 * The interval `[opened_at, closes_at)` of each stack that has a key. It stands apart from `stacks` because it
 * changes seldom, while its exclusion constraint (no two intervals of one key overlap) is dear to update.
 */
export const stackWindows = pgTable(
  'stack_windows',
  {
    stackId: uuid('stack_id')
      .primaryKey()
      .references(() => stacks.id, { onDelete: 'cascade' }),
    provider: text('provider').notNull(),
    key: text('key').notNull(),
    openedAt: instant('opened_at').notNull(),
    /** Null: no end. */
    closesAt: instant('closes_at'),
    /** Length of the window when the stack opened, in milliseconds; null: no end. */
    windowMs: bigint('window_ms', { mode: 'number' }),
  },
  (table) => [
    uniqueIndex('stack_windows_series').on(table.provider, table.key, table.openedAt),
    check('stack_windows_not_empty', sql`closes_at IS NULL OR closes_at > opened_at`),
  ],
)

export const events = pgTable(
  'events',
  {
    id: uuid('id').primaryKey(),
    /**
     * No foreign key: who puts events into stacks writes the stacks, too, and counts them (`insertEvents`). To look each one
     * up once more costs a twentieth of all that the database does for an event.
     */
    stackId: uuid('stack_id').notNull(),
    provider: text('provider').notNull(),
    externalId: text('external_id'),
    title: text('title').notNull(),
    subtitle: text('subtitle'),
    startDate: instant('start_date').notNull(),
    endDate: instant('end_date'),
    receivedAt: instant('received_at').notNull(),
    /** Id of the incoming event that wrote it last: another one after an update by externalID; null: not known. */
    writtenBy: uuid('written_by'),
    eventType: text('event_type').notNull(),
    severity: smallint('severity').notNull(),
    label: text('label').notNull(),
    color: text('color').notNull(),
    node: text('node'),
    vmid: text('vmid'),
    /** What it does to a session: opens, continues or closes; null: it belongs to none. */
    sessionRole: text('session_role'),
    sessionKey: text('session_key'),
    /** Longest span of a session that it opens, in milliseconds; null: no end. */
    sessionMs: bigint('session_ms', { mode: 'number' }),
    /** Severity of the session that it closes, by rank; null: its own. */
    closedSeverity: smallint('closed_severity'),
    currentState: boolean('current_state').notNull().default(false),
    stackTitle: text('stack_title'),
    indicator: json('indicator').$type<{ emoji: string | null; color: string | null }>(),
    tags: text('tags').array().notNull().default(sql`'{}'`),
    surface: text('surface').notNull().default('timeline'),
    progress: json('progress').$type<Record<string, unknown>>(),
    /** The payload's own metadata, untouched; `json` keeps the order of its keys. */
    metadata: json('metadata').$type<Record<string, unknown>>().notNull(),
    /** What was found beside the metadata, such as a node named in the title; null: nothing. */
    facts: json('facts').$type<Record<string, string>>(),
    /** The event that this one was taken from, such as the report of a guest's backup; it counts once. */
    derivedFrom: uuid('derived_from'),
    /** The rest of the payload as it came. */
    payload: json('payload').$type<Record<string, unknown>>().notNull(),
    ackedAt: instant('acked_at'),
    dismissedAt: instant('dismissed_at'),
    /** The transaction that put it where it is: into this stack, at this start. */
    placedTx: xid8('placed_tx').notNull().default(sql`pg_current_xact_id()`),
    changedTx: xid8('changed_tx').notNull().default(sql`pg_current_xact_id()`),
  },
  (table) => [
    index('events_stack').on(table.stackId, table.startDate, table.id),
    index('events_start').on(table.startDate, table.id),
    index('events_lane').on(sql.raw(eventLane('')), table.startDate, table.id),
    index('events_provider').on(table.provider, sql.raw(eventLane('')), table.startDate, table.id),
    index('events_node').on(table.node, sql.raw(eventLane('')), table.startDate, table.id),
    index('events_vmid')
      .on(table.vmid, sql.raw(eventLane('')), table.startDate, table.id)
      .where(sql`vmid IS NOT NULL`),
    uniqueIndex('events_external').on(table.provider, table.externalId).where(sql`external_id IS NOT NULL`),
    index('events_changed').on(table.changedTx),
    index('events_session')
      .on(table.provider, table.sessionKey, table.startDate, table.id)
      .where(sql`session_key IS NOT NULL`),
    check('events_severity', sql`severity BETWEEN 0 AND 4`),
  ],
)

/**
 * Where an event was before an update by externalID moved it. Later pages of a list show it there, as the first page
 * did or would have.
 */
export const eventMoves = pgTable(
  'event_moves',
  {
    /** Both may be gone meanwhile. */
    eventId: uuid('event_id').notNull(),
    stackId: uuid('stack_id').notNull(),
    startDate: instant('start_date').notNull(),
    placedTx: xid8('placed_tx').notNull(),
    movedTx: xid8('moved_tx').notNull().default(sql`pg_current_xact_id()`),
    movedAt: instant('moved_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.eventId, table.movedTx] }),
    index('event_moves_stack').on(table.stackId),
    index('event_moves_moved').on(table.movedTx),
  ],
)

/**
 * What each statement on `events` added to the counts, or took from them; written by triggers, summed up into the two
 * tables below from time to time. Rows are only ever added here, so that writers do not wait for each other.
 */
export const countChanges = pgTable('count_changes', {
  provider: text('provider').notNull(),
  /** Start of the quarter of an hour, UTC. */
  bucket: instant('bucket').notNull(),
  severity: smallint('severity').notNull(),
  count: integer('count').notNull(),
  receivedAt: instant('received_at').notNull(),
})

/** Events by severity in a span of 15, 60 or 360 minutes UTC; provider `''`: of all. */
export const spanCounts = pgTable(
  'span_counts',
  {
    minutes: smallint('minutes').notNull(),
    provider: text('provider').notNull(),
    bucket: instant('bucket').notNull(),
    ok: integer('ok').notNull(),
    info: integer('info').notNull(),
    warning: integer('warning').notNull(),
    error: integer('error').notNull(),
    critical: integer('critical').notNull(),
  },
  (table) => [primaryKey({ columns: [table.minutes, table.provider, table.bucket] })],
)

export const providerCounts = pgTable('provider_counts', {
  provider: text('provider').primaryKey(),
  events: bigint('events', { mode: 'number' }).notNull(),
  lastReceivedAt: instant('last_received_at').notNull(),
})

/**
 * What is searched for words, apart from the way of the writers; filled a moment later. Rows of events that are gone may be
 * left.
 */
export const eventWords = pgTable('event_words', {
  eventId: uuid('event_id').primaryKey(),
  /** The row of `word_groups` that holds its words; another one may name the event still, from before it changed. */
  groupId: uuid('group_id').notNull(),
  /** What is searched, in lower case. */
  body: text('body').notNull(),
})

/** The words of a few events that start in the same hour and are alike, which cost one index entry each. */
export const wordGroups = pgTable(
  'word_groups',
  {
    id: uuid('id').primaryKey(),
    /** Hour, day and longer spans in which the events start, to search from the newest on. */
    spans: integer('spans').array().notNull(),
    eventIds: uuid('event_ids').array().notNull(),
    /** What stands between blanks in the bodies of its events, each once. */
    words: text('words').notNull(),
  },
  (table) => [index('word_groups_words').using('gin', table.spans, table.words.op('gin_trgm_ops'))],
)

/** One row: up to where `event_words` is filled. */
export const wordsPosition = pgTable(
  'words_position',
  {
    id: boolean('id').primaryKey().default(true),
    /** Snapshot whose changes are all in; null: none is. */
    position: text('position'),
    /** Events with ids above are in, as far as they existed at the position; null: all are. */
    above: uuid('above'),
  },
  () => [check('words_position_one', sql`id`)],
)

export const idempotency = pgTable(
  'idempotency',
  {
    tokenId: uuid('token_id').notNull(),
    key: text('key').notNull(),
    createdAt: instant('created_at').notNull(),
    /** The first answer, given again as it was. */
    answer: json('answer').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tokenId, table.key] }),
    index('idempotency_created').on(table.createdAt),
  ],
)

export const deliveries = pgTable(
  'deliveries',
  {
    id: uuid('id').primaryKey(),
    receivedAt: instant('received_at').notNull(),
    path: text('path').notNull(),
    address: text('address').notNull(),
    userAgent: text('user_agent'),
    tokenId: uuid('token_id'),
    tokenName: text('token_name'),
    provider: text('provider'),
    status: smallint('status').notNull(),
    reason: text('reason'),
    durationMs: real('duration_ms').notNull(),
    bytes: integer('bytes'),
    eventId: uuid('event_id'),
    quarantineId: uuid('quarantine_id'),
    /** False: no valid token came with it; such rows have a bound of their own. */
    authenticated: boolean('authenticated').notNull(),
  },
  (table) => [
    index('deliveries_event').on(table.eventId),
    index('deliveries_stranger').on(table.id).where(sql`NOT authenticated`),
  ],
)

/**
 * Deliveries of which many came at once and were accepted (`delivery-chunks.ts`). All that a list needs to find its way
 * stands beside the body, which is stored apart from it and not compressed: to compress it costs more than to write it.
 */
export const deliveryChunks = pgTable('delivery_chunks', {
  /** The oldest in it, and the newest. Chunks of several servers may overlap. */
  firstId: uuid('first_id').notNull(),
  lastId: uuid('last_id').primaryKey(),
  count: integer('count').notNull(),
  body: text('body').notNull(),
})

export const quarantine = pgTable('quarantine', {
  id: uuid('id').primaryKey(),
  receivedAt: instant('received_at').notNull(),
  path: text('path').notNull(),
  address: text('address').notNull(),
  contentType: text('content_type'),
  tokenId: uuid('token_id'),
  tokenName: text('token_name').notNull(),
  /** Provider roots of the token at the time; empty: any. */
  providers: text('providers').array().notNull(),
  /** Metadata that the token added at the time. */
  defaults: json('defaults').$type<Record<string, string>>().notNull().default({}),
  body: bytea('body').notNull(),
  bytes: integer('bytes').notNull(),
  problem: jsonb('problem').$type<Record<string, unknown>>().notNull(),
})

/** Scores that were sent to the API, as they were sent. */
export const scores = pgTable('scores', {
  provider: text('provider').primaryKey(),
  source: text('source').notNull(),
  updatedAt: instant('updated_at').notNull(),
  updatedBy: text('updated_by').notNull(),
})

/** Up to where the rules of retention were carried out. */
export const retentionProgress = pgTable('retention_progress', {
  /** Hash of the rule, its age and scopes included. */
  name: text('name').primaryKey(),
  /** All that was due then is done, of what the snapshot shows. */
  at: instant('at').notNull(),
  snapshot: text('snapshot').notNull(),
  savedAt: instant('saved_at').notNull(),
})
