import { and, desc, eq, gt, or } from 'drizzle-orm'
import type { Delivery } from '../access.ts'
import type { Database } from './database.ts'
import { deliveries } from './schema.ts'

const MOST = 1_000

/** The newest delivery there is, from which on others can be followed. */
export async function findNewestDelivery(db: Database): Promise<string | null> {
  const [row] = await db.orm
    .select({ id: deliveries.id })
    .from(deliveries)
    .orderBy(desc(deliveries.id))
    .limit(1)
  return row?.id ?? null
}

/** What came since a delivery with one token, or with none that is known; in the order of arrival. */
export async function listDeliveriesSince(
  db: Database,
  since: string | null,
  tokenId: string,
): Promise<Delivery[]> {
  const rows = await db.orm
    .select()
    .from(deliveries)
    .where(
      and(
        since === null ? undefined : gt(deliveries.id, since),
        or(eq(deliveries.tokenId, tokenId), eq(deliveries.authenticated, false)),
      ),
    )
    .orderBy(desc(deliveries.id))
    .limit(MOST)
  return rows.reverse()
}
