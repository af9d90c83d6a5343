import { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { silentLog } from '../log.ts'
import { findDatabase } from '../open-storage.ts'
import { migrateDatabase } from '../storage/migrate.ts'
import type { Terminal } from './terminal.ts'

/** `tempo migrate`: brings the schema up to date, as the start of the server does. */
export function migrateCommand(terminal: Terminal): Command {
  return new Command('migrate').description('Bring the database schema up to date').action(async () => {
    const { target, stop } = await findDatabase(
      loadConfig(),
      'command',
      `tempo migrate, pid ${process.pid}`,
      silentLog,
    )
    try {
      await migrateDatabase(target)
      terminal.err.write('The schema is up to date.\n')
    } finally {
      await stop()
    }
  })
}
