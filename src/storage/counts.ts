/**
 * Counts of events by time, provider and severity, exact at every moment: triggers add a row of changes with each
 * statement on `events`, and readers add these to the sums (docs/adr/0008-reads.md).
 */
import type { Database, Queryable, Tx } from './database.ts'

/** Lengths of the spans that are counted, in minutes; zones differ from UTC by quarters of an hour. */
export const GRAINS = [15, 60, 360] as const

/** Where buckets begin; every instant that an event can have lies behind it. */
export const ORIGIN = `timestamptz '0001-01-01 00:00+00'`

/** Key of the advisory lock of who sums up; any constant would do. */
const SUMMING_LOCK = 7776_0003
/** Rows of changes that one round takes, so that it is short. */
const MOST_CHANGES = 5_000

const SEVERITY_COLUMNS = ['ok', 'info', 'warning', 'error', 'critical'] as const

/** Columns of counts by severity, from rows of `count` and `severity`. */
export function countColumns(sql: Queryable) {
  const columns = SEVERITY_COLUMNS.map(
    (name, rank) => `coalesce(sum(count) FILTER (WHERE severity = ${rank}), 0)::int AS ${name}`,
  )
  return sql.unsafe(columns.join(', '))
}

/**
 * Adds the changes up to the sums and removes them; one server at a time. Returns how many there were; readers see the
 * same counts before and after.
 */
export async function sumUpCounts(db: Pick<Database, 'read'>): Promise<number> {
  const taken = await db.read.begin(async (tx) => {
    const [lock] = await tx<
      { mine: boolean }[]
    >`SELECT pg_try_advisory_xact_lock(${SUMMING_LOCK}::bigint) AS mine`
    if (!lock!.mine) return 0
    await tx`SELECT set_config('synchronous_commit', 'off', true)`
    return takeChanges(tx)
  })
  return taken as number
}

async function takeChanges(tx: Tx): Promise<number> {
  const added = SEVERITY_COLUMNS.map((name) => `${name} = s.${name} + excluded.${name}`).join(', ')
  const [row] = await tx<{ taken: number }[]>`
    WITH taken AS (
      DELETE FROM count_changes WHERE ctid = ANY (ARRAY(SELECT ctid FROM count_changes LIMIT ${MOST_CHANGES}))
      RETURNING provider, bucket, severity, count, received_at
    ), spans AS (
      INSERT INTO span_counts AS s (minutes, provider, bucket, ${tx.unsafe(SEVERITY_COLUMNS.join(', '))})
      SELECT g.minutes, p.provider, date_bin(g.minutes * interval '1 minute', t.bucket, ${tx.unsafe(ORIGIN)}),
             ${countColumns(tx)}
      FROM taken t CROSS JOIN unnest(string_to_array(${GRAINS.join(',')}, ',')::smallint[]) g(minutes)
      CROSS JOIN LATERAL (VALUES (t.provider), ('')) p(provider)
      GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
      ON CONFLICT (minutes, provider, bucket) DO UPDATE SET ${tx.unsafe(added)}
    ), providers AS (
      INSERT INTO provider_counts AS c (provider, events, last_received_at)
      SELECT provider, sum(count), max(received_at) FROM taken GROUP BY provider ORDER BY provider
      ON CONFLICT (provider) DO UPDATE SET
        events = c.events + excluded.events,
        last_received_at = greatest(c.last_received_at, excluded.last_received_at)
    )
    SELECT count(*)::int AS taken FROM taken`
  return row!.taken
}

/**
 * Counts everything anew, for who loaded events with the triggers off. Nobody can write events meanwhile.
 */
export async function countAnew(tx: Tx): Promise<void> {
  await tx`LOCK TABLE events IN SHARE MODE`
  await tx`TRUNCATE count_changes, span_counts, provider_counts`
  await tx`
    INSERT INTO count_changes (provider, bucket, severity, count, received_at)
    SELECT provider, date_bin('15 minutes', start_date, ${tx.unsafe(ORIGIN)}), severity, count(*), max(received_at)
    FROM events WHERE derived_from IS NULL GROUP BY 1, 2, 3`
}
