import { MAX as MAX_UUID } from 'uuid'
import type { Database } from './database.ts'

/**
 * Deliveries kept at the most: of senders with a token, rounded up to a whole chunk, and of strangers, who cannot push out
 * the others.
 */
export type DeliveryBounds = { known: number; strangers: number }

/** Deletes the oldest deliveries beyond the bounds. */
export async function pruneDeliveries(db: Database, { known, strangers }: DeliveryBounds): Promise<void> {
  await pruneKnown(db, known)
  await db.read`
    DELETE FROM deliveries WHERE NOT authenticated AND id < (
      SELECT id FROM deliveries WHERE NOT authenticated ORDER BY id DESC OFFSET ${strangers - 1} LIMIT 1)`
}

/**
 * Counts from the newest on: each chunk as a whole, and the rows above it, below the next newer one. Where that is enough,
 * or behind the last chunk, the rest is sought among the rows. So rows are counted only as far as chunks leave room, and
 * no body is read.
 */
async function pruneKnown(db: Database, keep: number): Promise<void> {
  await db.read`
    WITH heads AS (
      SELECT first_id, last_id, count, above FROM (
        SELECT first_id, last_id, count, lag(last_id) OVER newest AS above, sum(count) OVER newest AS number
        FROM delivery_chunks WINDOW newest AS (ORDER BY last_id DESC)) c
      WHERE number - count < ${keep}::int),
    counted AS (
      SELECT h.*, (
        SELECT count(*) FROM deliveries d
        WHERE d.authenticated AND d.id > h.last_id AND d.id < coalesce(h.above, ${MAX_UUID}::uuid)) AS singles
      FROM heads h),
    summed AS (SELECT *, sum(singles + count) OVER (ORDER BY last_id DESC) AS number FROM counted),
    reached AS (
      SELECT first_id, above, ${keep}::int - (number - singles - count) AS rest
      FROM summed WHERE number >= ${keep}::int ORDER BY last_id DESC LIMIT 1),
    place AS (
      SELECT * FROM reached
      UNION ALL
      SELECT NULL, (SELECT last_id FROM heads ORDER BY last_id LIMIT 1),
             ${keep}::int - (SELECT coalesce(sum(singles + count), 0) FROM counted)
      WHERE NOT EXISTS (SELECT FROM reached)),
    bound AS (
      SELECT greatest((SELECT first_id FROM place), (
        SELECT id FROM deliveries
        WHERE authenticated AND id < coalesce((SELECT above FROM place), ${MAX_UUID}::uuid)
        ORDER BY id DESC OFFSET (SELECT rest FROM place) - 1 LIMIT 1)) AS id),
    chunks AS (DELETE FROM delivery_chunks WHERE last_id < (SELECT id FROM bound))
    DELETE FROM deliveries WHERE authenticated AND id < (SELECT id FROM bound)`
}
