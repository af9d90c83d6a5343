import type { Database } from './database.ts'
import { firstIdAt } from './stretches.ts'

/** What is only a log: deliveries, and the bodies that were refused. Their ids are made on arrival, and find them. */
export type LogTable = 'deliveries' | 'delivery_chunks' | 'quarantine'

/** The last id of a row, and how many entries it stands for. */
const COLUMNS = {
  deliveries: { id: 'id', entries: '1' },
  delivery_chunks: { id: 'last_id', entries: 'count' },
  quarantine: { id: 'id', entries: '1' },
} as const satisfies Record<LogTable, { id: string; entries: string }>

/** Deletes the oldest rows that arrived before an instant, at most so many; says how many, and entries of the log. */
export async function deleteOldRows(
  db: Database,
  table: LogTable,
  before: Date,
  limit: number,
): Promise<{ rows: number; entries: number }> {
  const sql = db.read
  const { id, entries } = COLUMNS[table]
  const [row] = await sql<{ rows: number; entries: number }[]>`
    WITH gone AS (
      DELETE FROM ${sql(table)} WHERE ${sql(id)} IN (
        SELECT ${sql(id)} FROM ${sql(table)} WHERE ${sql(id)} < ${firstIdAt(before.getTime())}::uuid
        ORDER BY ${sql(id)} LIMIT ${limit})
      RETURNING ${sql.unsafe(entries)} AS entries)
    SELECT count(*)::int AS rows, coalesce(sum(entries), 0)::int AS entries FROM gone`
  return row!
}

/** Entries of the log that {@link deleteOldRows} would delete, however many. */
export async function countOldEntries(db: Database, table: LogTable, before: Date): Promise<number> {
  const { id, entries } = COLUMNS[table]
  const [row] = await db.read<{ count: number }[]>`
    SELECT coalesce(sum(${db.read.unsafe(entries)}), 0)::int AS count FROM ${db.read(table)}
    WHERE ${db.read(id)} < ${firstIdAt(before.getTime())}::uuid`
  return row!.count
}
