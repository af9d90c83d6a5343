import type { Config } from './config.ts'
import type { Log } from './log.ts'
import { type Database, type DatabaseTarget, openDatabase } from './storage/database.ts'
import { type EmbeddedRole, startEmbedded } from './storage/embedded.ts'
import { migrateDatabase } from './storage/migrate.ts'

export type Storage = { db: Database; kind: 'postgres' | 'embedded'; close: () => Promise<void> }

/** Finds or starts the database that the configuration names; `stop` ends what was started. */
export async function findDatabase(
  config: Config,
  role: EmbeddedRole,
  label: string,
  log: Log,
): Promise<{ target: DatabaseTarget; kind: 'postgres' | 'embedded'; stop: () => Promise<void> }> {
  if (config.databaseUrl !== null) {
    return { target: { url: config.databaseUrl }, kind: 'postgres', stop: async () => {} }
  }
  const embedded = await startEmbedded({
    dataDir: config.dataDir,
    role,
    label,
    log: (level, message, facts = {}) => log[level](facts, message),
  })
  const { host, port, user, database } = embedded
  return { target: { host, port, user, database }, kind: 'embedded', stop: embedded.stop }
}

/** Opens the database of the configuration, its schema brought up to date. */
export async function openStorage(
  config: Config,
  role: EmbeddedRole,
  label: string,
  log: Log,
): Promise<Storage> {
  const { target, kind, stop } = await findDatabase(config, role, label, log)
  try {
    await migrateDatabase(target)
  } catch (error) {
    await stop()
    throw error
  }
  const db = openDatabase(target, label)
  const close = async () => {
    await db.close()
    await stop()
  }
  return { db, kind, close }
}
