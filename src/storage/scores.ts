import { asc, eq, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { scores } from './schema.ts'

/** NOTIFY channel on which servers learn that kept scores changed. */
export const SCORES_CHANNEL = 'tempo_scores'

export type KeptScoreRow = typeof scores.$inferSelect

/** All scores that were sent to the API. */
export async function listKeptScores(db: Database): Promise<KeptScoreRow[]> {
  return db.orm.select().from(scores).orderBy(asc(scores.provider))
}

/** Keeps a score in the place of the one of the same provider. */
export async function keepScore(db: Database, row: KeptScoreRow): Promise<void> {
  await db.orm.transaction(async (tx) => {
    const { provider, ...rest } = row
    await tx.insert(scores).values(row).onConflictDoUpdate({ target: scores.provider, set: rest })
    await tx.execute(sql`SELECT pg_notify(${SCORES_CHANNEL}, ${provider})`)
  })
}

/** Forgets a kept score; false when there is none of this provider. */
export async function forgetScore(db: Database, provider: string): Promise<boolean> {
  return db.orm.transaction(async (tx) => {
    const rows = await tx
      .delete(scores)
      .where(eq(scores.provider, provider))
      .returning({ provider: scores.provider })
    await tx.execute(sql`SELECT pg_notify(${SCORES_CHANNEL}, ${provider})`)
    return rows.length > 0
  })
}
