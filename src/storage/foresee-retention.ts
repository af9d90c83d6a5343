import type { Database, Sql } from './database.ts'
import { type Expiry, type Fragment, mayGo } from './due-events.ts'
import { countOldEntries, type LogTable } from './old-logs.ts'
import { ago, expiriesAt, type RetentionPlan, trimsAt } from './retention-plan.ts'
import { countEvents, type Place, type Stretch, type Tally } from './stretches.ts'
import { isLong } from './trim-texts.ts'

export type RetentionForecast = {
  /** Events that would go, by provider and severity (its rank). */
  events: Tally[]
  /** Events of which a text would be cut. */
  messages: number
  deliveries: number
  bodies: number
}

/** Events that one statement reads. */
const LOOK = 20_000

/** What {@link applyRetention} would do now; changes nothing. */
export async function foreseeRetention(
  db: Database,
  plan: RetentionPlan,
  now: Date,
): Promise<RetentionForecast> {
  const { deliveriesMs, quarantineMs } = plan
  const expiries = expiriesAt(plan, now)
  const events = await tally(db, youngest(expiries), (sql) => mayGo(sql, 'e', expiries))
  let messages = 0
  for (const trim of trimsAt(plan, now)) {
    const staysLong = (sql: Sql) => sql`NOT ${mayGo(sql, 'e', expiries)} AND ${isLong(sql, 'e', trim)}`
    for (const { count } of await tally(db, trim.before, staysLong)) messages += count
  }
  return {
    events,
    messages,
    deliveries:
      (await countOld(db, 'deliveries', now, deliveriesMs)) +
      (await countOld(db, 'delivery_chunks', now, deliveriesMs)),
    bodies: await countOld(db, 'quarantine', now, quarantineMs),
  }
}

async function countOld(db: Database, table: LogTable, now: Date, ageMs: number | null): Promise<number> {
  return ageMs === null ? 0 : countOldEntries(db, table, ago(now, ageMs))
}

function youngest(expiries: Expiry[]): Date | null {
  if (expiries.length === 0) return null
  return new Date(Math.max(...expiries.map(({ before }) => before.getTime())))
}

async function tally(db: Database, upTo: Date | null, condition: (sql: Sql) => Fragment): Promise<Tally[]> {
  const sums = new Map<string, Tally>()
  if (upTo === null) return []
  const stretch: Stretch = { by: 'start', after: null, upTo }
  let after: Place | null = null
  do {
    const { tallies, next }: { tallies: Tally[]; next: Place | null } = await countEvents(
      db.read,
      stretch,
      after,
      condition(db.read),
      LOOK,
    )
    for (const one of tallies) {
      const name = `${one.provider} ${one.severity}`
      sums.set(name, { ...one, count: one.count + (sums.get(name)?.count ?? 0) })
    }
    after = next
  } while (after !== null)
  return [...sums.values()].sort(
    (a, b) => (a.provider < b.provider ? -1 : a.provider > b.provider ? 1 : 0) || a.severity - b.severity,
  )
}
