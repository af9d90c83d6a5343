/** Which events are old enough to go, as conditions (docs/retention.md). */
import type { PendingQuery, Row } from 'postgres'
import type { Queryable } from './database.ts'

export type Fragment = PendingQuery<Row[]>

/** Events of a provider with everything below it (null: of all), but for some, from one severity, by rank, to another. */
export type Scope = { provider: string | null; except: string[]; lowest: number; highest: number }

/** What is in these scopes goes when both its start and its arrival are not after `before`. */
export type Expiry = { before: Date; scopes: Scope[] }

/** True for events, table `alias`, that have the age to go. */
export function isDue(sql: Queryable, alias: string, expiries: Expiry[]): Fragment {
  const any = expiries.map(
    ({ before, scopes }) => sql`(${isOld(sql, alias, before)} AND ${isInScopes(sql, alias, scopes)})`,
  )
  return either(sql, any)
}

export function isOld(sql: Queryable, alias: string, before: Date): Fragment {
  const e = sql(alias)
  return sql`greatest(${e}.start_date, ${e}.received_at) <= ${before}::timestamptz`
}

export function isInScopes(sql: Queryable, alias: string, scopes: Scope[]): Fragment {
  const e = sql(alias)
  const within = (root: string) => sql`(${e}.provider = ${root} OR starts_with(${e}.provider, ${`${root}.`}))`
  return either(
    sql,
    scopes.map(
      ({ provider, except, lowest, highest }) => sql`
        (${e}.severity BETWEEN ${lowest}::int AND ${highest}::int
         ${provider === null ? sql`` : sql`AND ${within(provider)}`}
         ${except.length === 0 ? sql`` : sql`AND NOT ${either(sql, except.map(within))}`})`,
    ),
  )
}

function either(sql: Queryable, conditions: Fragment[]): Fragment {
  return sql`(${conditions.reduce<Fragment>((all, one) => sql`${all} OR ${one}`, sql`false`)})`
}

/**
 * True for the first event of a session and the one that closes it. Without the others a session is still the same;
 * without one of these it would look as if the problem had never begun, or were still there.
 */
export function isFrame(sql: Queryable, alias: string): Fragment {
  const e = sql(alias)
  return sql`(${e}.session_key IS NOT NULL AND (${e}.session_role = 'closes' OR NOT EXISTS (
    SELECT 1 FROM events f WHERE f.stack_id = ${e}.stack_id AND (f.start_date, f.id) < (${e}.start_date, ${e}.id))))`
}

/** True for events that may go now: due, and of a session's frame only when all the session is due. */
export function mayGo(sql: Queryable, alias: string, expiries: Expiry[]): Fragment {
  const e = sql(alias)
  return sql`(${isDue(sql, alias, expiries)} AND (NOT ${isFrame(sql, alias)} OR NOT EXISTS (
    SELECT 1 FROM events o WHERE o.stack_id = ${e}.stack_id AND NOT ${isDue(sql, 'o', expiries)})))`
}
