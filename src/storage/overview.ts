import { type Severity, severityOfRank } from '../event.ts'
import type { Database } from './database.ts'

export type ProviderCount = { provider: string; events: number; lastSeenAt: Date; worstOpen: Severity | null }

/** Per provider: how many events, when the last arrived, and the worst severity that nobody has dealt with yet. */
export async function countProviders(db: Database): Promise<ProviderCount[]> {
  const rows = await db.read<{ provider: string; events: number; lastSeenAt: Date; worst: number | null }[]>`
    SELECT e.provider, e.events, e.last AS "lastSeenAt", (
      SELECT max(s.severity) FROM stacks s
      WHERE s.provider = e.provider AND s.acked_at IS NULL AND s.dismissed_at IS NULL AND NOT s.resolved) AS worst
    FROM (SELECT provider, count(*)::int AS events, max(received_at) AS last FROM events GROUP BY provider) e
    ORDER BY e.last DESC`
  return rows.map(({ worst, ...row }) => ({
    ...row,
    worstOpen: worst === null ? null : severityOfRank(worst),
  }))
}

export type HeatCell = { at: Date; count: number; severity: Severity }

/** Events per hour or day of `tz` (an IANA name), with the worst severity of each; spans without events are left out. */
export async function countBySpan(
  db: Database,
  span: { from: Date; to: Date; tz: string; unit: 'hour' | 'day'; provider?: string | undefined },
): Promise<HeatCell[]> {
  const sql = db.read
  const rows = await sql<{ at: Date; count: number; severity: number }[]>`
    SELECT date_trunc(${span.unit}, e.start_date, ${span.tz}) AS at, count(*)::int AS count, max(e.severity) AS severity
    FROM events e
    WHERE e.start_date >= ${span.from} AND e.start_date < ${span.to}
      ${
        span.provider
          ? sql`AND (e.provider = ${span.provider} OR starts_with(e.provider, ${`${span.provider}.`}))`
          : sql``
      }
    GROUP BY 1 ORDER BY 1`
  return rows.map((row) => ({ ...row, severity: severityOfRank(row.severity) }))
}
