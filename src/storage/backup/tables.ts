/**
 * What a backup does with each table of the server. A table that no migration before this list knew must be named
 * here, or `test/backup.test.ts` fails: what is forgotten would be lost in the next restore.
 */
import type { Queryable } from '../database.ts'

/**
 * - `data`: always in a backup, channels without their secrets unless asked for; a database that has rows of it is not restored into unasked.
 * - `history`: always in a backup; a server writes it from its first minute on.
 * - `log`: what was received; can be left out.
 * - `tokens`: always in a backup, but able to open anything only when that was asked for.
 * - `answers`: of use only together with the tokens that they were given to, and goes with their secrets.
 * - `passing`: speaks of transactions of one cluster, of one day, or of what was told; never in a backup.
 * - `derived`: the database or the server makes it from the data; never in a backup.
 * - `progress`: one row, which tells how far the derived tables are; begins anew with a restore.
 */
export type TableKind = 'data' | 'history' | 'log' | 'tokens' | 'answers' | 'passing' | 'derived' | 'progress'

/** In the order in which they are written and loaded, so that a row comes after what it refers to. */
export const TABLES = new Map<string, TableKind>([
  ['stacks', 'data'],
  ['stack_windows', 'data'],
  ['events', 'data'],
  ['scores', 'data'],
  ['backup_reports', 'data'],
  ['guest_backups', 'data'],
  ['guests', 'data'],
  ['parkings', 'data'],
  ['rhythms', 'data'],
  ['episodes', 'data'],
  ['episode_events', 'data'],
  ['channels', 'data'],
  ['silences', 'data'],
  ['heartbeats', 'history'],
  ['quarantine', 'log'],
  ['deliveries', 'log'],
  ['delivery_chunks', 'log'],
  ['tokens', 'tokens'],
  ['idempotency', 'answers'],
  // A restored server must not tell once more what was told, or was to be told long ago.
  ['outbox', 'passing'],
  ['messages', 'passing'],
  ['attempts', 'passing'],
  ['channel_stacks', 'passing'],
  ['channel_states', 'passing'],
  ['page_sessions', 'passing'],
  ['event_moves', 'passing'],
  ['retention_progress', 'passing'],
  ['count_changes', 'derived'],
  ['span_counts', 'derived'],
  ['provider_counts', 'derived'],
  ['event_words', 'derived'],
  ['word_groups', 'derived'],
  ['words_position', 'progress'],
])

/** What a backup can hold. */
export const LOADED = ['data', 'history', 'log', 'tokens', 'answers'] as const satisfies TableKind[]

/** The tables of these kinds, in the order of loading. */
export function tablesOf(...kinds: TableKind[]): string[] {
  return [...TABLES].filter(([, kind]) => kinds.includes(kind)).map(([name]) => name)
}

/** A table as it is in the database now. */
export type TableShape = {
  name: string
  /** Its name in SQL, with its schema. */
  sql: string
  /**
   * Columns that mean the same in every database, in their order. Ids of transactions (`xid8`) mean nothing in another
   * cluster: a restored row gets those of the restore. Generated columns cannot be written.
   */
  columns: string[]
}

/** Looks up those of the tables that exist, by name, in the same order. */
export async function readShapes(sql: Queryable, names: string[]): Promise<Map<string, TableShape>> {
  const rows = await sql<TableShape[]>`
    SELECT c.relname AS name, format('%I.%I', n.nspname, c.relname) AS sql,
           array_agg(a.attname::text ORDER BY a.attnum) AS columns
    FROM json_array_elements_text(${JSON.stringify(names)}::json) WITH ORDINALITY AS t(name, place)
    JOIN pg_class c ON c.oid = to_regclass(t.name)
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.atttypid <> 'xid8'::regtype
    GROUP BY c.oid, c.relname, n.nspname, t.place ORDER BY t.place`
  return new Map(rows.map((row) => [row.name, row]))
}

/** The name of a column in SQL. */
export function quoted(column: string): string {
  return `"${column.replaceAll('"', '""')}"`
}

/** Names of columns in SQL, as in `COPY t (…)`. */
export function columnList(columns: string[]): string {
  return columns.map(quoted).join(', ')
}
