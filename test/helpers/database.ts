import { randomBytes } from 'node:crypto'
import { createClient, type Database, openDatabase } from '../../src/storage/database.ts'
import { type EmbeddedDatabase, startEmbedded } from '../../src/storage/embedded.ts'
import { migrateDatabase } from '../../src/storage/migrate.ts'

const TEMPLATE = 'tempo_test_template'

/** URL of the server's database that tests connect to for making their own. */
export function serverUrl(): string {
  const url = process.env.TEMPO_TEST_DATABASE_URL
  if (!url) throw new Error('run the tests with npm test: its global setup starts the database')
  return url
}

function urlOf(name: string): string {
  return serverUrl().replace(/\/[^/?]*(\?|$)/, `/${name}$1`)
}

async function onServer(statement: string): Promise<void> {
  const { sql } = createClient({ url: serverUrl() }, { max: 1 })
  try {
    await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

/** Makes the database that all others are copied from; called once by the global setup. */
export async function makeTemplate(): Promise<void> {
  await onServer(`DROP DATABASE IF EXISTS ${TEMPLATE}`)
  await onServer(`CREATE DATABASE ${TEMPLATE}`)
  await migrateDatabase({ url: urlOf(TEMPLATE) })
}

/** Starts a PostgreSQL of the tests' own in a new folder that takes so many connections; those of a homelab are fewer. */
export async function startForMany(dataDir: string, connections: number): Promise<EmbeddedDatabase> {
  const start = () => startEmbedded({ dataDir, role: 'command', label: 'tests' })
  const first = await start()
  const { host, port, user, database } = first
  const { sql } = createClient({ host, port, user, database }, { max: 1 })
  await sql.unsafe(`ALTER SYSTEM SET max_connections = ${connections}`)
  await sql.end()
  await first.stop()
  return start()
}

export type TestDatabase = { url: string; open: () => Database; drop: () => Promise<void> }

/** A database of the test's own: migrated, or empty. `drop` closes what `open` gave out. */
export async function createTestDatabase(content: 'migrated' | 'empty' = 'migrated'): Promise<TestDatabase> {
  const name = `tempo_test_${randomBytes(6).toString('hex')}`
  await onServer(`CREATE DATABASE ${name} ${content === 'migrated' ? `TEMPLATE ${TEMPLATE}` : ''}`)
  const opened: Database[] = []
  return {
    url: urlOf(name),
    open: () => {
      const db = openDatabase({ url: urlOf(name) }, 'test')
      opened.push(db)
      return db
    },
    drop: async () => {
      await Promise.all(opened.map((db) => db.close()))
      await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}
