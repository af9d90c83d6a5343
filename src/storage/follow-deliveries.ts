import type { Delivery } from '../access.ts'
import { type Database, type Queryable, readTogether } from './database.ts'
import { findRows } from './deliveries.ts'
import { addFromChunks } from './find-in-chunks.ts'

const MOST = 1_000

/** The newest delivery there is, from which on others can be followed. */
export async function findNewestDelivery(db: Database): Promise<string | null> {
  const [row] = await db.read<{ id: string | null }[]>`
    SELECT greatest(
      (SELECT id FROM deliveries ORDER BY id DESC LIMIT 1),
      (SELECT last_id FROM delivery_chunks ORDER BY last_id DESC LIMIT 1)) AS id`
  return row!.id
}

/** What came since a delivery with one token, or with none that is known; in the order of arrival. */
export async function listDeliveriesSince(
  db: Database,
  since: string | null,
  tokenId: string,
): Promise<Delivery[]> {
  const condition = (sql: Queryable) => sql`
    (token_id = ${tokenId}::uuid OR NOT authenticated)
    ${since === null ? sql`` : sql`AND id > ${since}::uuid`}`
  const matches = (delivery: Delivery) => delivery.tokenId === tokenId
  const query = { after: since ?? undefined, mentions: tokenId, matches }
  const newest = await readTogether(db, async (tx) =>
    addFromChunks(tx, await findRows(tx, condition(tx), MOST), query, MOST),
  )
  return newest.reverse()
}
