/**
 * Gives the tests a real PostgreSQL: the server of DATABASE_URL, or an embedded one of their own. Each test file makes
 * databases of its own from a migrated template.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeTemplate, startForMany } from './helpers/database.ts'

let stop = async () => {}

export async function globalSetup(): Promise<void> {
  const given = process.env.DATABASE_URL
  delete process.env.DATABASE_URL
  for (const name of Object.keys(process.env)) if (/^TEMPO_(?!TEST_)/.test(name)) delete process.env[name]
  process.env.TEMPO_TEST_DATABASE_URL = given || (await startOwn())
  await makeTemplate()
}

export async function globalTeardown(): Promise<void> {
  await stop()
}

/** Connections for the servers of several test files at once. */
const MOST_CONNECTIONS = 200

async function startOwn(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tempo-test-'))
  const embedded = await startForMany(dataDir, MOST_CONNECTIONS)
  stop = async () => {
    await embedded.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return `postgres://${embedded.user}@localhost:${embedded.port}/${embedded.database}?host=${embedded.host}`
}
