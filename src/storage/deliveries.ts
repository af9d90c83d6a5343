import type { Delivery } from '../access.ts'
import { type Database, type Queryable, readTogether } from './database.ts'
import { type DeliveryChunk, readChunk, type StoredChunk } from './delivery-chunks.ts'
import type { Fragment } from './filters.ts'
import { addFromChunks, type ChunkQuery } from './find-in-chunks.ts'
import { firstIdAt } from './stretches.ts'

/** Deliveries of a chunk below which each becomes a row. */
const MIN_CHUNK = 16
/**
 * Milliseconds from the making of an event's id to that of its delivery, at the most: twice the longest deadline of a write
 * (TEMPO_WRITE_DEADLINE_MS), after which the event is spooled.
 */
const STORING_MS = 120_000

/**
 * Writes deliveries, and what was gathered in chunks. They tell what happened and promise nothing, so this transaction does
 * not wait for the disk. One statement for any number of rows: a text for each number would be parsed, and remembered, by
 * both sides. A crowd fills few chunks.
 */
export async function insertDeliveries(
  db: Database,
  rows: Delivery[],
  chunks: Pick<DeliveryChunk, 'toStored'>[] = [],
): Promise<void> {
  const stored = chunks.map((chunk) => chunk.toStored())
  const few = stored.filter(({ count }) => count < MIN_CHUNK).flatMap(({ body }) => readChunk(body))
  const many = stored.filter(({ count }) => count >= MIN_CHUNK)
  const single = [...rows, ...few]
  if (single.length + many.length === 0) return
  const sql = db.read
  await sql`
    WITH unsynced AS (SELECT set_config('synchronous_commit', 'off', true))
    ${many.length === 0 ? sql`` : sql`, chunked AS (${insertChunks(sql, many)})`}
    INSERT INTO deliveries (id, received_at, path, address, user_agent, token_id, token_name, provider, status, reason,
                            duration_ms, bytes, event_id, quarantine_id, authenticated)
    SELECT d.* FROM unsynced, json_to_recordset(${JSON.stringify(single)}::json) AS d(
      id uuid, "receivedAt" timestamptz, path text, address text, "userAgent" text, "tokenId" uuid, "tokenName" text,
      provider text, status smallint, reason text, "durationMs" real, bytes int, "eventId" uuid,
      "quarantineId" uuid, authenticated boolean)`
}

function insertChunks(sql: Queryable, chunks: StoredChunk[]): Fragment {
  const values = chunks
    .map(
      ({ firstId, lastId, count, body }) =>
        sql`(${firstId}::uuid, ${lastId}::uuid, ${count}::int, ${body}::text)`,
    )
    .reduce((all, one) => sql`${all}, ${one}`)
  return sql`
    INSERT INTO delivery_chunks (first_id, last_id, count, body)
    SELECT c.* FROM unsynced, (VALUES ${values}) AS c`
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
  { before, status, eventId, accepted }: DeliveryFilter,
  limit: number,
): Promise<Delivery[]> {
  const condition = (sql: Queryable) => sql`
    true
    ${before ? sql`AND id < ${before}::uuid` : sql``}
    ${status ? sql`AND status = ${status}::int` : sql``}
    ${eventId ? sql`AND event_id = ${eventId}::uuid` : sql``}
    ${accepted === undefined ? sql`` : accepted ? sql`AND status < 300` : sql`AND status >= 300`}`
  const inChunks = (status ?? 200) === 200 && (accepted ?? true) ? chunksOfEvent(eventId) : null
  if (inChunks === null) return findRows(db.read, condition(db.read), limit)
  // A crowd that is written between two statements would be in one of them only.
  return readTogether(db, async (tx) => {
    const rows = await findRows(tx, condition(tx), limit)
    return addFromChunks(tx, rows, { ...inChunks, before: before?.toLowerCase() }, limit)
  })
}

/** Rows that fulfil a condition, newest first. */
export async function findRows(sql: Queryable, condition: Fragment, limit: number): Promise<Delivery[]> {
  const rows = await sql<Delivery[]>`
    SELECT id, received_at AS "receivedAt", path, address, user_agent AS "userAgent", token_id AS "tokenId",
           token_name AS "tokenName", provider, status, reason, duration_ms AS "durationMs", bytes,
           event_id AS "eventId", quarantine_id AS "quarantineId", authenticated
    FROM deliveries WHERE ${condition} ORDER BY id DESC LIMIT ${limit}`
  return [...rows]
}

/**
 * Which chunks may hold the delivery of an event; null: none can. A plain delivery made its event itself: both ids are
 * UUIDv7 (RFC 9562), and that of the delivery was made soon after.
 */
function chunksOfEvent(eventId: string | undefined): ChunkQuery | null {
  if (eventId === undefined) return {}
  const id = eventId.toLowerCase()
  if (id[14] !== '7') return null
  const at = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  const span = { from: firstIdAt(at), to: firstIdAt(Math.min(at + STORING_MS, 2 ** 48 - 1)) }
  return { span, mentions: id, matches: (delivery) => delivery.eventId === id }
}
