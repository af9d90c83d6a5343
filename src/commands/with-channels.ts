import type { Vault } from '../auth/vault.ts'
import type { StoredChannel } from '../channel.ts'
import type { Config } from '../config.ts'
import type { ChannelChanges } from '../dispatch/changes.ts'
import { fatal } from '../errors.ts'
import { openChanges } from '../start-dispatch.ts'
import { listChannels } from '../storage/channels.ts'
import type { Database } from '../storage/database.ts'
import { serverVault } from './server-vault.ts'
import { withDatabase } from './with-database.ts'

/** What commands that change channels work with; a server that runs learns of it by itself. */
export type ChannelPlace = { db: Database; config: Config; vault: Vault; changes: ChannelChanges }

export function withChannels<T>(name: string, work: (place: ChannelPlace) => Promise<T>): Promise<T> {
  return withDatabase(name, async (db, config) => {
    const vault = await serverVault(config)
    const changes = openChanges({ config, db, vault, now: () => new Date() })
    return work({ db, config, vault, changes })
  })
}

/** The channel with this name or id. */
export async function findChannel(db: Database, wanted: string): Promise<StoredChannel> {
  const all = await listChannels(db)
  const found = all.find(({ name }) => name === wanted) ?? all.find(({ id }) => id === wanted.toLowerCase())
  if (found) return found
  const names = all.map(({ name }) => name).join(', ') || 'none yet'
  throw fatal('no_such_channel', `No channel has the name or id ${wanted}. There are: ${names}.`)
}
