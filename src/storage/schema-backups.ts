/** Tables of guests, their backups, and of what watches over them. */

import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { bytea } from './schema.ts'

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** One row for each report of a backup job, also for one whose table is empty. */
export const backupReports = pgTable(
  'backup_reports',
  {
    /** May be gone: what is known of backups outlives the messages. */
    eventId: uuid('event_id').primaryKey(),
    cluster: text('cluster').notNull(),
    node: text('node'),
    jobId: text('job_id'),
    startedAt: instant('started_at').notNull(),
    endedAt: instant('ended_at').notNull(),
    incomplete: boolean('incomplete').notNull(),
    reason: text('reason'),
  },
  (table) => [index('backup_reports_job').on(table.cluster, table.jobId, table.endedAt)],
)

export const guestBackups = pgTable(
  'guest_backups',
  {
    id: uuid('id').primaryKey(),
    reportId: uuid('report_id')
      .notNull()
      .references(() => backupReports.eventId, { onDelete: 'cascade' }),
    /** The event in the guest's own stack; may be gone. */
    eventId: uuid('event_id').notNull(),
    cluster: text('cluster').notNull(),
    node: text('node'),
    vmid: text('vmid').notNull(),
    name: text('name'),
    status: text('status').notNull(),
    startedAt: instant('started_at').notNull(),
    durationSeconds: integer('duration_seconds'),
    sizeBytes: bigint('size_bytes', { mode: 'number' }),
    file: text('file'),
    jobId: text('job_id'),
    log: text('log'),
  },
  (table) => [
    index('guest_backups_started').on(table.startedAt, table.id),
    index('guest_backups_guest').on(table.cluster, table.vmid, table.startedAt),
    index('guest_backups_report').on(table.reportId),
    index('guest_backups_event').on(table.eventId),
    check('guest_backups_status', sql`status IN ('ok', 'failed', 'aborted', 'unparsed')`),
  ],
)

/** A guest is known by cluster and VMID: it may migrate, and be renamed. */
export const guests = pgTable(
  'guests',
  {
    cluster: text('cluster').notNull(),
    vmid: text('vmid').notNull(),
    name: text('name'),
    node: text('node'),
    firstSeenAt: instant('first_seen_at').notNull(),
    lastSeenAt: instant('last_seen_at').notNull(),
    lastSuccessAt: instant('last_success_at'),
    lastStatus: text('last_status'),
  },
  (table) => [primaryKey({ columns: [table.cluster, table.vmid] })],
)

/** Times in which a guest needs no backup; rows stay, so that old verdicts can be understood. */
export const parkings = pgTable(
  'parkings',
  {
    id: uuid('id').primaryKey(),
    cluster: text('cluster').notNull(),
    vmid: text('vmid').notNull(),
    reason: text('reason').notNull(),
    by: text('by').notNull(),
    fromAt: instant('from_at').notNull(),
    /** Null: until further notice. */
    toAt: instant('to_at'),
  },
  (table) => [index('parkings_guest').on(table.cluster, table.vmid, table.fromAt)],
)

/** Rhythms set by hand; those that are learnt are stored nowhere. */
export const rhythms = pgTable(
  'rhythms',
  {
    cluster: text('cluster').notNull(),
    jobId: text('job_id').notNull(),
    /** As it was written: `every 24h grace 3h`. */
    rhythm: text('rhythm').notNull(),
    by: text('by').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.cluster, table.jobId] })],
)

/** From when to when each server process listened. */
export const heartbeats = pgTable(
  'heartbeats',
  {
    id: uuid('id').primaryKey(),
    fromAt: instant('from_at').notNull(),
    toAt: instant('to_at').notNull(),
  },
  (table) => [index('heartbeats_to').on(table.toAt)],
)

/**
 * Troubles that the sender never says are over, such as a failing replication: one is open from its first failure until
 * a person or a score closes it.
 */
export const episodes = pgTable(
  'episodes',
  {
    id: uuid('id').primaryKey(),
    provider: text('provider').notNull(),
    /** What fails: `replication NODE JOBID`. */
    key: text('key').notNull(),
    /** Of the latest failure, as are node, VMID and job. */
    title: text('title').notNull(),
    node: text('node'),
    vmid: text('vmid'),
    jobId: text('job_id'),
    openedAt: instant('opened_at').notNull(),
    lastEventAt: instant('last_event_at').notNull(),
    /** May be gone. */
    lastEventId: uuid('last_event_id').notNull(),
    /** 0: a recovery without any failure, which is kept for failures that come late. */
    eventCount: integer('event_count').notNull(),
    closedAt: instant('closed_at'),
    closedBy: text('closed_by'),
    closeReason: text('close_reason'),
  },
  (table) => [
    uniqueIndex('episodes_open').on(table.provider, table.key).where(sql`closed_at IS NULL`),
    index('episodes_key').on(table.provider, table.key),
    index('episodes_last').on(table.lastEventAt, table.id),
  ],
)

/** The failures of each episode, so that none counts twice. */
export const episodeEvents = pgTable(
  'episode_events',
  {
    eventId: uuid('event_id').primaryKey(),
    episodeId: uuid('episode_id')
      .notNull()
      .references(() => episodes.id, { onDelete: 'cascade' }),
    at: instant('at').notNull(),
  },
  (table) => [index('episode_events_episode').on(table.episodeId)],
)

/** Sessions of the page. */
export const pageSessions = pgTable('page_sessions', {
  /** SHA-256 of what the cookie holds. */
  hash: bytea('hash').primaryKey(),
  tokenId: uuid('token_id').notNull(),
  createdAt: instant('created_at').notNull(),
  expiresAt: instant('expires_at').notNull(),
})
