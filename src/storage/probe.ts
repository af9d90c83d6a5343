import { type Database, withWriteDeadline } from './database.ts'

/** Milliseconds that a database which is there takes for this at the most. */
const PROBE_MS = 1_000

/** Rejects while nothing can be written: no answer, or one of a standby. */
export async function probeWrites(db: Database): Promise<void> {
  await withWriteDeadline(db, PROBE_MS, 'looking whether it is back', async () => {
    const [row] = await db.write<{ isReadOnly: boolean }[]>`
      SELECT current_setting('transaction_read_only')::boolean AS "isReadOnly"`
    // SQLSTATE read_only_sql_transaction (PostgreSQL, Appendix A).
    if (row?.isReadOnly) throw Object.assign(new Error('the database takes no writes'), { code: '25006' })
  })
}
