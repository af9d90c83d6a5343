import type { Database, Queryable, Tx } from './database.ts'
import { beBrief } from './delete-events.ts'
import { type Fragment, isInScopes, isOld, type Scope } from './due-events.ts'
import { retryRaces } from './races.ts'
import { CHANGES_CHANNEL } from './store-events.ts'

/** Texts of more than so many bytes (UTF-8) are cut in events of these scopes that are old enough. */
export type Trim = { before: Date; bytes: number; scopes: Scope[] }

const COLUMNS = ['metadata', 'payload'] as const

/** True for events, table `alias`, that hold a text to be cut. */
export function isLong(sql: Queryable, alias: string, { before, bytes, scopes }: Trim): Fragment {
  const e = sql(alias)
  const [metadata, payload] = COLUMNS.map((column) => {
    const value = sql`${e}.${sql(column)}`
    // As JSON a text is never shorter than by itself.
    return sql`(octet_length(${value}::text) > ${bytes}::int AND EXISTS (
      SELECT 1 FROM json_each(${value}) m WHERE ${isLongText(sql, bytes)}))`
  })
  return sql`(CASE WHEN ${isOld(sql, alias, before)} AND ${isInScopes(sql, alias, scopes)}
              THEN ${metadata!} OR ${payload!} ELSE false END)`
}

/** Of a member `m` of a JSON object. */
function isLongText(sql: Queryable, bytes: number): Fragment {
  return sql`(CASE WHEN json_typeof(m.value) = 'string' AND octet_length(m.value::text) > ${bytes}::int
              THEN octet_length(m.value #>> '{}') > ${bytes}::int ELSE false END)`
}

/**
 * Cuts the long texts right in `metadata` and `payload`, so that with the mark at their end they have the allowed
 * length; all else stays as it was, the order of keys included. Returns how many events had one.
 */
export async function trimTexts(db: Database, ids: string[], trim: Trim): Promise<number> {
  return (await retryRaces(() =>
    db.read.begin(async (tx) => {
      await beBrief(tx)
      return trimInTransaction(tx, ids, trim)
    }),
  )) as number
}

/** The conditions are looked at again under the lock of each row, should somebody just have updated it. */
async function trimInTransaction(tx: Tx, ids: string[], trim: Trim): Promise<number> {
  const [metadata, payload] = COLUMNS.map((column) => trimmed(tx, column, trim.bytes))
  const rows = await tx`
    UPDATE events e SET metadata = ${metadata!}, payload = ${payload!}, changed_tx = pg_current_xact_id()
    WHERE e.id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(ids)}::json))
      AND ${isLong(tx, 'e', trim)}`
  if (rows.count > 0) await tx`SELECT pg_notify(${CHANGES_CHANNEL}, '')`
  return rows.count
}

function trimmed(tx: Tx, column: (typeof COLUMNS)[number], bytes: number): Fragment {
  const value = tx`e.${tx(column)}`
  return tx`CASE WHEN octet_length(${value}::text) > ${bytes}::int THEN (
    SELECT json_object_agg(m.key, CASE WHEN ${isLongText(tx, bytes)} THEN ${cut(tx, bytes)} ELSE m.value END ORDER BY m.place)
    FROM json_each(${value}) WITH ORDINALITY AS m(key, value, place)) ELSE ${value} END`
}

/** A character begins at each byte that is no continuation, 10xxxxxx (RFC 3629); it is at most 4 bytes long. */
function cut(tx: Tx, bytes: number): Fragment {
  return tx`(
    SELECT to_json(convert_from(substring(whole FROM 1 FOR (
        SELECT max(n) FROM generate_series(room - 3, room) n WHERE get_byte(whole, n) & 192 <> 128)), 'UTF8') || mark)
    FROM (
      SELECT whole, mark, ${bytes}::int - octet_length(mark) AS room
      FROM (
        SELECT convert_to(m.value #>> '{}', 'UTF8') AS whole, '… (trimmed, was ' || (
          SELECT CASE WHEN size >= 1048576 THEN round(size / 1048576.0, 1) || ' MiB' ELSE round(size / 1024.0, 1) || ' KiB' END
          FROM (SELECT octet_length(m.value #>> '{}') AS size) s) || ')' AS mark) w) r)`
}
