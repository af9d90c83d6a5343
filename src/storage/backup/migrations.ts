import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { fatal } from '../../errors.ts'
import type { Queryable } from '../database.ts'

const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../../drizzle', import.meta.url))

/** One migration of this program: the time by which Drizzle knows it, and its statements. */
export type Migration = { time: number; statements: string[] }

/** All migrations of this program, in their order. */
export function knownMigrations(): Migration[] {
  return readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER }).map(({ folderMillis, sql }) => ({
    time: folderMillis,
    statements: sql,
  }))
}

/** Times of the migrations that the database has seen, in their order; none: it was never used. */
export async function appliedMigrations(sql: Queryable): Promise<number[]> {
  const [table] = await sql`SELECT to_regclass('drizzle.__drizzle_migrations') AS name`
  if (!table?.name) return []
  const rows = await sql<{ time: string }[]>`
    SELECT created_at::text AS time FROM drizzle.__drizzle_migrations ORDER BY created_at`
  return rows.map(({ time }) => Number(time))
}

/**
 * How many of our migrations these are. Refuses what is not the beginning of ours: then this program does not know
 * what the tables mean. `owner` says whose they are, as "The backup".
 */
export function countMigrations(times: number[], owner: string, known = knownMigrations()): number {
  const strange = times.find((time, index) => known[index]?.time !== time)
  if (strange === undefined) return times.length
  const isNewer = strange > (known.at(-1)?.time ?? 0)
  throw fatal(
    isNewer ? 'schema_too_new' : 'schema_unknown',
    isNewer
      ? `${owner} was made by a newer Tempo server than this one. Install that version, or a later one.`
      : `${owner} has tables of another program: its migrations are not those of Tempo server.`,
  )
}
