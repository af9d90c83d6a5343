import type { Database } from './database.ts'
import { firstIdAt } from './stretches.ts'

/** What is only a log: deliveries, and the bodies that were refused. Their ids are made on arrival, and find them. */
export type LogTable = 'deliveries' | 'quarantine'

/** Deletes the oldest that arrived before an instant, at most so many; returns how many. */
export async function deleteOldRows(
  db: Database,
  table: LogTable,
  before: Date,
  limit: number,
): Promise<number> {
  const sql = db.read
  const { count } = await sql`
    DELETE FROM ${sql(table)} WHERE id IN (
      SELECT id FROM ${sql(table)} WHERE id < ${firstIdAt(before.getTime())}::uuid ORDER BY id LIMIT ${limit})`
  return count
}

export async function countOldRows(db: Database, table: LogTable, before: Date): Promise<number> {
  const [row] = await db.read<{ count: number }[]>`
    SELECT count(*)::int AS count FROM ${db.read(table)} WHERE id < ${firstIdAt(before.getTime())}::uuid`
  return row!.count
}
