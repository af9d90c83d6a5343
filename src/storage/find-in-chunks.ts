import type { Delivery } from '../access.ts'
import type { Queryable } from './database.ts'
import { readChunk } from './delivery-chunks.ts'
import type { Fragment } from './filters.ts'

/** Which deliveries in chunks are wanted; ids in lower case. */
export type ChunkQuery = {
  /** Only older ones than this, and only younger ones than this. */
  before?: string | undefined
  after?: string | undefined
  /** Only in chunks whose ids reach into this span, first and last included. */
  span?: { from: string; to: string } | undefined
  /** An id that stands in each of them, so that other chunks need not be read. */
  mentions?: string | undefined
  matches?: (delivery: Delivery) => boolean
}

/** Chunks that are read at once; a page seldom needs more than two. */
const CHUNKS = 3

/**
 * Adds deliveries in chunks to those found elsewhere; gives the newest of all, newest first, at most `limit`. Reads chunks
 * from the newest on until no other one can hold what belongs among them, as chunks of several servers may overlap.
 * @param found newest first, at most `limit`
 */
export async function addFromChunks(
  sql: Queryable,
  found: Delivery[],
  { before, after, span, mentions, matches }: ChunkQuery,
  limit: number,
): Promise<Delivery[]> {
  const isWanted = (delivery: Delivery) =>
    (before === undefined || delivery.id < before) &&
    (after === undefined || delivery.id > after) &&
    (matches === undefined || matches(delivery))
  const narrowed = sql`
    true
    ${before === undefined ? sql`` : sql`AND first_id < ${before}::uuid`}
    ${after === undefined ? sql`` : sql`AND last_id > ${after}::uuid`}
    ${span === undefined ? sql`` : sql`AND last_id >= ${span.from}::uuid AND first_id <= ${span.to}::uuid`}
    ${mentions === undefined ? sql`` : sql`AND position(${mentions}::text IN body) > 0`}`
  let newest = found
  let reached: string | null = null
  while (true) {
    // What is older than the last of a full page does not come onto it.
    const floor = newest[limit - 1]?.id ?? null
    if (floor !== null && reached !== null && reached < floor) return newest
    const chunks = await readChunks(sql, narrowed, floor, reached)
    const wanted = chunks.flatMap(({ body }) => readChunk(body).filter(isWanted))
    newest = [...newest, ...wanted].sort(newestFirst).slice(0, limit)
    if (chunks.length < CHUNKS) return newest
    reached = chunks.at(-1)!.lastId
  }
}

/** The newest chunks that end above `floor` and below `reached`. */
function readChunks(
  sql: Queryable,
  narrowed: Fragment,
  floor: string | null,
  reached: string | null,
): Promise<{ lastId: string; body: string }[]> {
  return sql<{ lastId: string; body: string }[]>`
    SELECT last_id AS "lastId", body FROM delivery_chunks WHERE ${narrowed}
      ${floor === null ? sql`` : sql`AND last_id > ${floor}::uuid`}
      ${reached === null ? sql`` : sql`AND last_id < ${reached}::uuid`}
    ORDER BY last_id DESC LIMIT ${CHUNKS}`
}

function newestFirst(a: Delivery, b: Delivery): number {
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0
}
