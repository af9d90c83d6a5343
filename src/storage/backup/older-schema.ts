import type { Tx } from '../database.ts'
import { knownMigrations } from './migrations.ts'
import { columnList, readShapes, TABLES, type TableShape } from './tables.ts'

/** Exists within a transaction only. */
const WORKSHOP = 'tempo_restore'

/**
 * Loads a backup of an older schema in the way in which its database would have come to the present one: tables as they
 * were then, with its rows, are brought up to date by the migrations since, in a schema of their own. Only then the
 * rows go to the tables of the database, which keep their rights and whatever the owner attached to them.
 *
 * `load` fills the old tables. Returns where the tokens are, which the caller has yet to take over.
 */
export async function loadOlderSchema<T>(
  tx: Tx,
  migrations: number,
  shapes: Map<string, TableShape>,
  load: (places: Map<string, TableShape>) => Promise<T>,
  takeTokens: (tokens: TableShape) => Promise<void>,
): Promise<T> {
  const known = knownMigrations()
  const [row] = await tx<{ path: string }[]>`SELECT current_setting('search_path') AS path`
  const setPath = (path: string) => tx`SELECT set_config('search_path', ${path}, true)`
  await tx.unsafe(`CREATE SCHEMA ${WORKSHOP}`)
  await setPath([WORKSHOP, ...(await readExtensionSchemas(tx))].join(', '))
  await apply(tx, known.slice(0, migrations))
  const loaded = await load(await readShapes(tx, [...shapes.keys()]))
  await apply(tx, known.slice(migrations))
  const places = await readShapes(tx, [...shapes.keys()])
  await setPath(row!.path)
  for (const { name, sql, columns } of shapes.values()) {
    if (TABLES.get(name) === 'tokens') continue
    const list = columnList(columns)
    await tx.unsafe(`INSERT INTO ${sql} (${list}) SELECT ${list} FROM ${places.get(name)!.sql}`)
  }
  await takeTokens(places.get('tokens')!)
  await tx.unsafe(`DROP SCHEMA ${WORKSHOP} CASCADE`)
  return loaded
}

async function apply(tx: Tx, migrations: { statements: string[] }[]): Promise<void> {
  for (const statement of migrations.flatMap(({ statements }) => statements)) {
    // Foreign keys and the bodies of functions name the schema of a table.
    await tx.unsafe(statement.replaceAll(/"public"\.|\bpublic\./g, `${WORKSHOP}.`))
  }
}

/** Where the operator classes are that indexes name. */
async function readExtensionSchemas(tx: Tx): Promise<string[]> {
  const rows = await tx<{ name: string }[]>`
    SELECT DISTINCT quote_ident(nspname) AS name FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace`
  return rows.map(({ name }) => name)
}
