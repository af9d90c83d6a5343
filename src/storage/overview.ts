import { type Severity, severityOfRank } from '../event.ts'
import { countColumns, ORIGIN } from './counts.ts'
import { type Database, readTogether, type Tx } from './database.ts'
import type { Fragment } from './filters.ts'
import { OPEN_LANES_END, stackLane } from './lanes.ts'
import { isWithin } from './walk.ts'

export type ProviderCount = { provider: string; events: number; lastSeenAt: Date; worstOpen: Severity | null }

/**
 * Per provider: how many events, when the last arrived (it may be gone meanwhile), and the worst severity that nobody
 * has dealt with yet.
 */
export async function countProviders(db: Database): Promise<ProviderCount[]> {
  const sql = db.read
  const lane = sql.unsafe(stackLane('s.'))
  const rows = await sql<{ provider: string; events: number; lastSeenAt: Date; worst: number | null }[]>`
    SELECT c.provider, c.events, c.last AS "lastSeenAt", (
      SELECT ${lane} FROM stacks s WHERE s.provider = c.provider AND ${lane} < ${OPEN_LANES_END}::int
      ORDER BY ${lane} DESC LIMIT 1) AS worst
    FROM (
      SELECT provider, sum(events)::int AS events, max(last) AS last FROM (
        SELECT provider, events, last_received_at AS last FROM provider_counts
        UNION ALL SELECT provider, count, received_at FROM count_changes) all_counts
      GROUP BY provider HAVING sum(events) > 0) c
    ORDER BY c.last DESC`
  return rows.map(({ worst, ...row }) => ({
    ...row,
    worstOpen: worst === null ? null : severityOfRank(worst),
  }))
}

export type HeatCell = { at: Date; count: number; severity: Severity }

export type HeatSpan = {
  from: Date
  to: Date
  /** An IANA name. */
  tz: string
  unit: 'hour' | 'day'
  provider?: string | undefined
}

const QUARTER_MS = 900_000
/** Before, zones differed from UTC by odd minutes and seconds (Liberia was the last to give that up, in 1972). */
const EVEN_ZONES_SINCE = new Date('1973-01-01T00:00:00Z')

/** Events per hour or day of the zone, with the worst severity of each; spans without events are left out. */
export async function countBySpan(db: Database, span: HeatSpan): Promise<HeatCell[]> {
  const whole = wholeQuarters(span)
  const rows = await readTogether(db, async (tx) => {
    const cells = tx`date_trunc(${span.unit}, q.bucket, ${span.tz})`
    return tx<{ at: Date; count: number; severity: number }[]>`
      SELECT ${cells} AS at, sum(ok + info + warning + error + critical)::int AS count,
             CASE WHEN sum(critical) > 0 THEN 4 WHEN sum(error) > 0 THEN 3 WHEN sum(warning) > 0 THEN 2
                  WHEN sum(info) > 0 THEN 1 ELSE 0 END AS severity
      FROM (
        ${whole ? countedIn(tx, span, whole) : tx`SELECT NULL::timestamptz AS bucket, 0 AS ok, 0 AS info, 0 AS warning, 0 AS error, 0 AS critical WHERE false`}
        UNION ALL ${eventsOutside(tx, span, whole)}
      ) q GROUP BY 1 HAVING sum(ok + info + warning + error + critical) > 0 ORDER BY 1`
  })
  return rows.map((row) => ({ ...row, severity: severityOfRank(row.severity) }))
}

/** The whole quarters of an hour in the span; null: there is none that is counted. */
function wholeQuarters({ from, to }: HeatSpan): { from: Date; to: Date } | null {
  const first = Math.max(Math.ceil(from.getTime() / QUARTER_MS) * QUARTER_MS, EVEN_ZONES_SINCE.getTime())
  const end = Math.floor(to.getTime() / QUARTER_MS) * QUARTER_MS
  return first < end ? { from: new Date(first), to: new Date(end) } : null
}

/** Events before the first and from the end of the last whole quarter, one by one. */
function eventsOutside(
  tx: Tx,
  { from, to, provider }: HeatSpan,
  whole: { from: Date; to: Date } | null,
): Fragment {
  const between = (first: Date, end: Date) => tx`
    SELECT c.start_date AS bucket, (c.severity = 0)::int AS ok, (c.severity = 1)::int AS info,
           (c.severity = 2)::int AS warning, (c.severity = 3)::int AS error, (c.severity = 4)::int AS critical
    FROM events c WHERE c.start_date >= ${first} AND c.start_date < ${end} AND c.derived_from IS NULL
      ${provider ? tx`AND ${isWithin(tx, provider)}` : tx``}`
  return whole ? tx`${between(from, whole.from)} UNION ALL ${between(whole.to, to)}` : between(from, to)
}

/**
 * Counts of whole quarters: of six hours where these lie in one cell and in the span, else of hours, else of quarters; and
 * what changed since these were summed up.
 */
function countedIn(
  tx: Tx,
  { tz, unit, provider }: HeatSpan,
  { from, to }: { from: Date; to: Date },
): Fragment {
  const ofProvider = provider ? isWithin(tx, provider) : tx`c.provider = ''`
  const providers = provider
    ? tx`(SELECT c.provider FROM provider_counts c WHERE ${isWithin(tx, provider)})`
    : tx`(SELECT '' AS provider)`
  const inOneCell = (start: Fragment, length: string) => tx`
    ${start} >= ${from} AND ${start} + ${tx.unsafe(`interval '${length}'`)} <= ${to}
    AND date_trunc(${unit}, ${start}, ${tz})
      = date_trunc(${unit}, ${start} + ${tx.unsafe(`interval '${length}' - interval '15 minutes'`)}, ${tz})`
  const counts = (minutes: number) => tx`
    SELECT c.bucket, c.ok, c.info, c.warning, c.error, c.critical FROM span_counts c
    WHERE c.minutes = ${minutes} AND ${ofProvider}`
  const part = (minutes: number, spans: Fragment, length: string) => tx`
    SELECT c.bucket, c.ok, c.info, c.warning, c.error, c.critical
    FROM ${spans} b CROSS JOIN ${providers} p CROSS JOIN LATERAL (
      SELECT * FROM span_counts c WHERE c.minutes = ${minutes} AND c.provider = p.provider
        AND c.bucket >= b.at AND c.bucket < b.at + ${tx.unsafe(`interval '${length}'`)} OFFSET 0) c`
  const bin = (length: string, at: Date) =>
    tx`date_bin(${tx.unsafe(`interval '${length}'`)}, ${at}, ${tx.unsafe(ORIGIN)})`
  return tx`(
    WITH blocks AS MATERIALIZED (
      SELECT at, ${inOneCell(tx`at`, '6 hours')} AS whole
      FROM generate_series(${bin('6 hours', from)}, ${to}, interval '6 hours') at
    ), hours AS MATERIALIZED (
      SELECT h AS at, ${inOneCell(tx`h`, '1 hour')} AS whole
      FROM blocks b CROSS JOIN generate_series(b.at, b.at + interval '5 hours', interval '1 hour') h WHERE NOT b.whole
    )
    ${counts(360)} AND c.bucket >= ${from} AND c.bucket < ${to} AND c.bucket IN (SELECT at FROM blocks WHERE whole)
    UNION ALL
    ${part(60, tx`(SELECT at FROM hours WHERE whole)`, '1 hour')}
    UNION ALL
    SELECT * FROM (${part(15, tx`(SELECT at FROM hours WHERE NOT whole)`, '1 hour')}) q WHERE q.bucket >= ${from} AND q.bucket < ${to}
    UNION ALL
    SELECT c.bucket, ${countColumns(tx)} FROM count_changes c
    WHERE c.bucket >= ${from} AND c.bucket < ${to} ${provider ? tx`AND ${isWithin(tx, provider)}` : tx``} GROUP BY c.bucket)`
}
