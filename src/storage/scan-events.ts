import type { StoredEvent } from '../event.ts'
import type { Database } from './database.ts'
import { type EventRow, eventColumns, eventOf } from './rows.ts'

/** A stored event with the key of its stack, whole. */
export type ScannedEvent = { event: StoredEvent; key: string | null }

export type ScanPosition = { at: Date; id: string }

/** Events of a provider and everything below it from `from` on, newest first, after `position`; few, as each may be large. */
export async function scanEvents(
  db: Database,
  provider: string,
  from: Date,
  position: ScanPosition | null,
  limit: number,
): Promise<ScannedEvent[]> {
  const sql = db.read
  const rows = await sql<(EventRow & { key: string | null })[]>`
    SELECT ${eventColumns(sql, false)}, s.key FROM events e JOIN stacks s ON s.id = e.stack_id
    WHERE (e.provider = ${provider} OR starts_with(e.provider, ${`${provider}.`})) AND e.start_date >= ${from}
      ${position ? sql`AND (e.start_date, e.id) < (${position.at}, ${position.id}::uuid)` : sql``}
    ORDER BY e.start_date DESC, e.id DESC LIMIT ${limit}`
  return rows.map(({ key, ...row }) => ({ event: eventOf(row), key }))
}
