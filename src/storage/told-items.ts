import type { StoredEvent } from '../event.ts'
import type { Database } from './database.ts'
import { type EventRow, eventColumns, eventOf } from './rows.ts'

/** Events by id, whole; those that are gone are left out. */
export async function loadEvents(db: Database, ids: string[]): Promise<Map<string, StoredEvent>> {
  if (ids.length === 0) return new Map()
  const sql = db.read
  const rows = await sql<EventRow[]>`
    SELECT ${eventColumns(sql, false)} FROM events e
    WHERE e.id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(ids)}::json))`
  return new Map(rows.map((row) => [row.id, eventOf(row)]))
}
