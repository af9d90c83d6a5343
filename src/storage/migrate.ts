import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import { fatal, TempoError } from '../errors.ts'
import { createClient, type DatabaseTarget, type Sql, withDeadline } from './database.ts'

const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../drizzle', import.meta.url))

/** Key of the advisory lock that lets one starter migrate at a time; any constant would do. */
const MIGRATION_LOCK = 7776_0001
const OLDEST_SERVER = 150000
/** postgres.js tries again without end when the other side closes each connection, as a proxy without a server does. */
const FIRST_ANSWER_MS = 10_000

/**
 * Brings the schema up to date. Several starters at once wait for each other under an advisory lock, and all but the
 * first find nothing to do. Refuses a server older than PostgreSQL 15 and a schema newer than this program.
 */
export async function migrateDatabase(
  target: DatabaseTarget,
  firstAnswerMs = FIRST_ANSWER_MS,
): Promise<void> {
  const { sql, orm } = createClient(target, { max: 1, connection: { application_name: 'tempo migrate' } })
  try {
    await withDeadline(requireServerVersion(sql), firstAnswerMs, 'connecting; check DATABASE_URL')
    await sql`SELECT pg_advisory_lock(${MIGRATION_LOCK}::bigint)`
    await refuseNewerSchema(sql)
    await migrate(orm, { migrationsFolder: MIGRATIONS_FOLDER })
  } catch (error) {
    throw explainMigrationFailure(error)
  } finally {
    await sql.end({ timeout: 3 })
  }
}

async function requireServerVersion(sql: Sql): Promise<void> {
  const [row] = await sql<{ number: number; text: string }[]>`
    SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text`
  if (row && row.number < OLDEST_SERVER) {
    throw fatal('database_too_old', `This is PostgreSQL ${row.text}; Tempo server needs 15 or later.`)
  }
}

async function refuseNewerSchema(sql: Sql): Promise<void> {
  const [table] = await sql`SELECT to_regclass('drizzle.__drizzle_migrations') AS name`
  if (!table?.name) return
  const [row] = await sql<{ newest: string | null }[]>`
    SELECT max(created_at)::text AS newest FROM drizzle.__drizzle_migrations`
  const known = Math.max(
    ...readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER }).map((m) => m.folderMillis),
  )
  if (Number(row?.newest ?? 0) > known) {
    throw fatal(
      'schema_too_new',
      'The database was already used by a newer Tempo server than this one.\n' +
        'Install that version again, or restore a backup from before the update.',
    )
  }
}

/** SQLSTATE insufficient_privilege (PostgreSQL, Appendix A). */
const NO_RIGHTS = '42501'

function explainMigrationFailure(error: unknown): unknown {
  if (error instanceof TempoError) return error
  const cause = (error as Error)?.cause ?? error
  const text = String((cause as Error)?.message ?? cause)
  if (/btree_gist/.test(text)) {
    return fatal(
      'extension_missing',
      'The database cannot create the extension btree_gist, which keeps stacks from overlapping.\n' +
        'Install the contrib package of your PostgreSQL, or run as its superuser: CREATE EXTENSION btree_gist;',
      error,
    )
  }
  if ((cause as { code?: unknown })?.code === NO_RIGHTS) {
    return fatal(
      'rights_missing',
      `The user of the database may not create tables there: ${text}.\n` +
        'Make it the owner, as a superuser: ALTER DATABASE name OWNER TO user;',
      error,
    )
  }
  return error
}
