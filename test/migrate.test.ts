import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { Sql } from '../src/storage/database.ts'
import { migrateDatabase } from '../src/storage/migrate.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { createTestDatabase } from './helpers/database.ts'
import { judgedEvent } from './helpers/events.ts'
import { runProgram } from './helpers/process.ts'

/** An empty database, dropped after the test. */
async function emptyDatabase(t: TestContext) {
  const database = await createTestDatabase('empty')
  t.after(database.drop)
  return { ...database, sql: database.open().read }
}

/** All tables, indexes and columns, with what changes when one is made anew or rewritten. */
function readSchema(sql: Sql) {
  return sql`
    SELECT n.nspname, c.relname, c.oid::text, c.relfilenode::text, c.relnatts
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'drizzle') ORDER BY 1, 2`
}

function readApplied(sql: Sql) {
  return sql`SELECT * FROM drizzle.__drizzle_migrations ORDER BY id`
}

const MIGRATE = `
  import { migrateDatabase } from ${JSON.stringify(new URL('../src/storage/migrate.ts', import.meta.url))}
  await migrateDatabase({ url: process.argv[1] })`

test('twenty starters at once make one schema and all succeed', async (t) => {
  const { url, sql } = await emptyDatabase(t)
  const start = () => runProgram(process.execPath, ['--input-type=module', '--eval', MIGRATE, url])
  const starters = await Promise.all(Array.from({ length: 20 }, start))
  for (const { code, stderr } of starters) assert.equal(code, 0, stderr)
  const applied = await readApplied(sql)
  assert.equal(new Set(applied.map((row) => row.hash)).size, applied.length)

  const migrated = await createTestDatabase()
  t.after(migrated.drop)
  const names = (rows: Awaited<ReturnType<typeof readSchema>>) =>
    rows.map((row) => [row.relname, row.relnatts])
  assert.deepEqual(names(await readSchema(sql)), names(await readSchema(migrated.open().read)))
})

test('migrating a second time changes nothing and keeps what is stored', async (t) => {
  const database = await createTestDatabase()
  t.after(database.drop)
  const db = database.open()
  await storeEvents(db, [judgedEvent({ key: 'k' })])
  const before = [await readSchema(db.read), await readApplied(db.read), await db.read`SELECT * FROM events`]
  await migrateDatabase({ url: database.url })
  await migrateDatabase({ url: database.url })
  const after = [await readSchema(db.read), await readApplied(db.read), await db.read`SELECT * FROM events`]
  assert.deepEqual(after, before)
})

test('a schema newer than the program is refused and left alone', async (t) => {
  const database = await createTestDatabase()
  t.after(database.drop)
  const { read } = database.open()
  await read`
    INSERT INTO drizzle.__drizzle_migrations (hash, created_at)
    SELECT 'of a later version', max(created_at) + 1 FROM drizzle.__drizzle_migrations`
  const before = await readSchema(read)
  await assert.rejects(migrateDatabase({ url: database.url }), {
    code: 'schema_too_new',
    message: /newer Tempo server/,
  })
  assert.deepEqual(await readSchema(read), before)
})

/**
 * A database as a role without any right in it sees it: the server takes on the role when a session begins. The role
 * ends after its database.
 */
async function foreignDatabase(t: TestContext) {
  const database = await emptyDatabase(t)
  const admin = await createTestDatabase('empty')
  const role = `tempo_test_${randomBytes(6).toString('hex')}`
  const { read } = admin.open()
  await read.unsafe(`CREATE ROLE ${role}`)
  t.after(async () => {
    await read.unsafe(`DROP ROLE ${role}`)
    await admin.drop()
  })
  const [row] = await database.sql<{ name: string }[]>`SELECT current_database() AS name`
  const target = { url: `${database.url}${database.url.includes('?') ? '&' : '?'}role=${role}` }
  return { sql: database.sql, name: row!.name, role, target }
}

test('a user who may not create tables is told what to do', async (t) => {
  const { sql, name, role, target } = await foreignDatabase(t)
  const refusal = { code: 'rights_missing', message: /permission denied.*\n.*ALTER DATABASE/ }
  await assert.rejects(migrateDatabase(target), refusal)
  await sql.unsafe(`GRANT CREATE ON DATABASE ${name} TO ${role}`)
  await assert.rejects(migrateDatabase(target), refusal)
  await sql.unsafe(`ALTER DATABASE ${name} OWNER TO ${role}`)
  await migrateDatabase(target)
  assert.ok((await readApplied(sql)).length > 0)
})

test('a user who may not create the extension is told what to do, and nothing is half made', async (t) => {
  const { sql, name, role, target } = await foreignDatabase(t)
  await sql.unsafe(`ALTER DATABASE ${name} OWNER TO ${role}`)
  // As hosted databases do: the extension is one that its owner could create anywhere else.
  await sql.unsafe(`
    CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'permission denied to create extension "btree_gist"' USING ERRCODE = '42501';
    END $$;
    CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION refuse()`)
  await assert.rejects(migrateDatabase(target), {
    code: 'extension_missing',
    message: /CREATE EXTENSION btree_gist;$/,
  })
  assert.deepEqual(
    (await readSchema(sql)).filter(({ nspname }) => nspname === 'public'),
    [],
  )
  await sql`DROP EVENT TRIGGER refuse`
  await migrateDatabase(target)
  assert.ok((await readApplied(sql)).length > 0)
})
