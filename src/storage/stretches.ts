/**
 * Where to look for events that are due. What was looked through in one run is not looked through in the next: an event
 * comes of age by its start or its arrival in the time between, or it was changed since.
 */
import type { Queryable } from './database.ts'
import type { Fragment } from './due-events.ts'
import type { Snapshot } from './snapshot.ts'

/** A stretch of the events in one order; `after` is exclusive and null for the beginning, `upTo` inclusive. */
export type Stretch =
  | { by: 'start'; after: Date | null; upTo: Date }
  | { by: 'arrival'; after: Date; upTo: Date }
  | { by: 'change'; since: Snapshot }

/** A place in a stretch; the next look begins behind it. */
export type Place = { at: string; id: string }

/** Milliseconds that an id may have been made before the arrival that its event tells. */
const SLACK_MS = 60_000

/** The smallest UUIDv7 of an instant (RFC 9562, 5.7). */
export function firstIdAt(at: number): string {
  const hex = Math.max(0, Math.floor(at)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

const COLUMNS = { start: 'start_date', arrival: 'id', change: 'changed_tx' } as const
const TYPES = { start: 'timestamptz', arrival: 'uuid', change: 'xid8' } as const

/** Events of a stretch behind one place, and not behind another. Ids are made on arrival, so their order is that. */
function between(sql: Queryable, stretch: Stretch, after: Place | null, upTo: Place | null): Fragment {
  const column = sql`e.${sql(COLUMNS[stretch.by])}`
  const place = ({ at, id }: Place) => sql`(${at}::text::${sql.unsafe(TYPES[stretch.by])}, ${id}::uuid)`
  return sql`
    ${boundsOf(sql, stretch)}
    ${after ? sql`AND (${column}, e.id) > ${place(after)}` : sql``}
    ${upTo ? sql`AND (${column}, e.id) <= ${place(upTo)}` : sql``}`
}

function boundsOf(sql: Queryable, stretch: Stretch): Fragment {
  if (stretch.by === 'change') return sql`e.changed_tx >= pg_snapshot_xmin(${stretch.since}::pg_snapshot)`
  const { after, upTo } = stretch
  if (stretch.by === 'start')
    return sql`e.start_date <= ${upTo} ${after ? sql`AND e.start_date > ${after}` : sql``}`
  return sql`e.id >= ${firstIdAt(stretch.after.getTime() - SLACK_MS)}::uuid
    AND e.id < ${firstIdAt(upTo.getTime() + 1 + SLACK_MS)}::uuid`
}

/** Events that one look passes at the most, so that no statement takes long however few of them match. */
export type Look = { events: number; matches: number }

export type Found = { ids: string[]; next: Place | null }

/**
 * Ids of events, table `e`, that match, in the order of the stretch; `next` is where to look on, null at its end.
 */
export async function findEvents(
  sql: Queryable,
  stretch: Stretch,
  after: Place | null,
  condition: Fragment,
  look: Look,
): Promise<Found> {
  const end = await endOfLook(sql, stretch, after, look.events)
  const column = sql`e.${sql(COLUMNS[stretch.by])}`
  const rows = await sql<Place[]>`
    SELECT ${column}::text AS at, e.id FROM events e
    WHERE ${between(sql, stretch, after, end)} AND ${condition}
    ORDER BY ${column}, e.id LIMIT ${look.matches}`
  return { ids: rows.map(({ id }) => id), next: rows.length < look.matches ? end : { ...rows.at(-1)! } }
}

export type Tally = { provider: string; severity: number; count: number }

/** How many events match, by provider and severity, in one look. */
export async function countEvents(
  sql: Queryable,
  stretch: Stretch,
  after: Place | null,
  condition: Fragment,
  events: number,
): Promise<{ tallies: Tally[]; next: Place | null }> {
  const next = await endOfLook(sql, stretch, after, events)
  const rows = await sql<Tally[]>`
    SELECT e.provider, e.severity, count(*)::int AS count FROM events e
    WHERE ${between(sql, stretch, after, next)} AND ${condition} GROUP BY e.provider, e.severity`
  return { tallies: [...rows], next }
}

/** The place of the last event of a look; null when the stretch ends before. */
async function endOfLook(sql: Queryable, stretch: Stretch, after: Place | null, events: number) {
  const column = sql`e.${sql(COLUMNS[stretch.by])}`
  const [end] = await sql<Place[]>`
    SELECT ${column}::text AS at, e.id FROM events e WHERE ${between(sql, stretch, after, null)}
    ORDER BY ${column}, e.id LIMIT 1 OFFSET ${events - 1}`
  return end ?? null
}
