import { type Config, loadConfig } from '../config.ts'
import { silentLog } from '../log.ts'
import { openStorage } from '../open-storage.ts'
import type { Database } from '../storage/database.ts'

/** Opens the database for the time of one command, whether the server runs or not. */
export async function withDatabase<T>(
  name: string,
  work: (db: Database, config: Config) => Promise<T>,
): Promise<T> {
  const config = loadConfig()
  const storage = await openStorage(config, 'command', `tempo ${name}, pid ${process.pid}`, silentLog)
  try {
    return await work(storage.db, config)
  } finally {
    await storage.close()
  }
}
