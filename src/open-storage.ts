import type { Config } from './config.ts'
import type { Log } from './log.ts'
import { type Database, type DatabaseTarget, openDatabase } from './storage/database.ts'
import { type EmbeddedRole, startEmbedded } from './storage/embedded.ts'
import { migrateDatabase } from './storage/migrate.ts'

export type Storage = { db: Database; kind: 'postgres' | 'embedded'; close: () => Promise<void> }

/** A server does not wait long for the first answer: it listens, and tries again. */
const SERVER_PATIENCE_MS = 4_000

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

/** Opens the database of the configuration without asking it for anything; `migrate` brings its schema up to date. */
export async function connectStorage(
  config: Config,
  role: EmbeddedRole,
  label: string,
  log: Log,
): Promise<Storage & { migrate: () => Promise<void> }> {
  const { target, kind, stop } = await findDatabase(config, role, label, log)
  const db = openDatabase(target, label, role === 'server' ? config.writeDeadlineMs : undefined)
  const close = async () => {
    await db.close()
    await stop()
  }
  return {
    db,
    kind,
    migrate: () => migrateDatabase(target, role === 'server' ? SERVER_PATIENCE_MS : undefined),
    close,
  }
}

/** Opens the database of the configuration, its schema brought up to date. */
export async function openStorage(
  config: Config,
  role: EmbeddedRole,
  label: string,
  log: Log,
): Promise<Storage> {
  const { migrate, ...storage } = await connectStorage(config, role, label, log)
  try {
    await migrate()
  } catch (error) {
    await storage.close()
    throw error
  }
  return storage
}
