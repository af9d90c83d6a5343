import type { JudgedEvent } from '../event.ts'
import type { Tx } from './database.ts'

/**
 * Which of the events that come from the spool are stored already, and in which stack. A statement whose deadline had
 * passed may have been committed all the same. The caller holds the locks of their series.
 */
export async function findReplayed(tx: Tx, events: JudgedEvent[]): Promise<Map<JudgedEvent, string>> {
  const replayed = events.filter(({ replay }) => replay)
  if (replayed.length === 0) return new Map()
  const rows = await tx<{ id: string; stackId: string }[]>`
    SELECT e.id, e.stack_id AS "stackId"
    FROM json_array_elements_text(${JSON.stringify(replayed.map(({ id }) => id))}::json) AS q(id)
    JOIN events e ON e.id = q.id::uuid`
  const stackOf = new Map(rows.map(({ id, stackId }) => [id, stackId]))
  return new Map(
    replayed.flatMap((event) => (stackOf.has(event.id) ? [[event, stackOf.get(event.id)!]] : [])),
  )
}

/**
 * True when the stored state is not older than this event from the spool: it was written by the event itself, or by one
 * that came after it and was stored before it. Ids sort by the time of their making.
 */
export function isOutdated({ id, replay }: JudgedEvent, writtenBy: string | null): boolean {
  return replay === true && writtenBy !== null && writtenBy >= id
}
