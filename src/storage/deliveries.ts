import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm'
import type { Delivery } from '../access.ts'
import type { Database } from './database.ts'
import { deliveries } from './schema.ts'

/** Rows kept at the most: of senders with a token, and of strangers, who cannot push out the others. */
export type DeliveryBounds = { known: number; strangers: number }

/**
 * Writes deliveries. They tell what happened and promise nothing, so this transaction does not wait for the disk. One
 * statement for any number of rows: a text for each number would be parsed, and remembered, by both sides.
 */
export async function insertDeliveries(db: Database, rows: Delivery[]): Promise<void> {
  if (rows.length === 0) return
  await db.read`
    WITH unsynced AS (SELECT set_config('synchronous_commit', 'off', true))
    INSERT INTO deliveries (id, received_at, path, address, user_agent, token_id, token_name, provider, status, reason,
                            duration_ms, bytes, event_id, quarantine_id, authenticated)
    SELECT d.* FROM unsynced, json_to_recordset(${JSON.stringify(rows)}::json) AS d(
      id uuid, "receivedAt" timestamptz, path text, address text, "userAgent" text, "tokenId" uuid, "tokenName" text,
      provider text, status smallint, reason text, "durationMs" real, bytes int, "eventId" uuid,
      "quarantineId" uuid, authenticated boolean)`
}

/** Deletes the oldest deliveries beyond the bounds. */
export async function pruneDeliveries(db: Database, bounds: DeliveryBounds): Promise<void> {
  for (const [authenticated, keep] of [
    [true, bounds.known],
    [false, bounds.strangers],
  ] as const) {
    await db.read`
      DELETE FROM deliveries WHERE authenticated = ${authenticated} AND id < (
        SELECT id FROM deliveries WHERE authenticated = ${authenticated} ORDER BY id DESC OFFSET ${keep - 1} LIMIT 1)`
  }
}

export type DeliveryFilter = {
  before?: string | undefined
  status?: number | undefined
  eventId?: string | undefined
  accepted?: boolean | undefined
}

/** Deliveries, newest first, `before` being the id of the last one seen. */
export async function listDeliveries(
  db: Database,
  filter: DeliveryFilter,
  limit: number,
): Promise<Delivery[]> {
  const conditions: (SQL | undefined)[] = [
    filter.before ? lt(deliveries.id, filter.before) : undefined,
    filter.status ? eq(deliveries.status, filter.status) : undefined,
    filter.eventId ? eq(deliveries.eventId, filter.eventId) : undefined,
    filter.accepted === undefined
      ? undefined
      : filter.accepted
        ? lt(deliveries.status, 300)
        : sql`${deliveries.status} >= 300`,
  ]
  return db.orm
    .select()
    .from(deliveries)
    .where(and(...conditions))
    .orderBy(desc(deliveries.id))
    .limit(limit)
}
