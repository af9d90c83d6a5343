import { openServerVault as openVault, type ServerVault, type Vault } from './auth/vault.ts'
import type { Config } from './config.ts'
import { type ChannelBook, createChannelBook } from './dispatch/book.ts'
import type { Log } from './log.ts'
import type { Releasers } from './releasers.ts'
import { repeat } from './repeat.ts'
import { listen } from './storage/changes.ts'
import { CHANNELS_CHANNEL, listChannels, listSilences } from './storage/channels.ts'
import { type Database, withDeadline } from './storage/database.ts'

export type OpenChannelsOptions = {
  db: Database
  vault: Vault
  isAway: () => boolean
  log: Log
  releasers: Releasers
}

export type LiveChannels = {
  book: ChannelBook
  /** Reads the channels, and from then on whenever they change. */
  follow: () => Promise<void>
}

const LOAD_DEADLINE_MS = 5_000
/** For a change whose announcement was lost with a connection. */
const RELOAD_EVERY_MS = 60_000

/** The vault of this server's secrets. */
export function openServerVault({
  secretKey,
  dataDir,
}: Pick<Config, 'secretKey' | 'dataDir'>): Promise<ServerVault> {
  return openVault({ key: secretKey, dataDir })
}

/** Keeps the channels and silences in memory. */
export function openChannels({ db, vault, isAway, log, releasers }: OpenChannelsOptions): LiveChannels {
  const book = createChannelBook({
    listChannels: () => withDeadline(listChannels(db), LOAD_DEADLINE_MS, 'reading channels'),
    listSilences: () => withDeadline(listSilences(db), LOAD_DEADLINE_MS, 'reading silences'),
    vault,
  })
  const reload = async () => {
    await book.reload()
    for (const { stored, opened } of book.all()) {
      if ('problem' in opened)
        log.error({ channel: stored.name, problem: opened.problem }, 'a channel cannot be used')
    }
  }
  let unlisten: (() => Promise<void>) | null = null
  const follow = async () => {
    await reload()
    if (unlisten) return
    unlisten = await listen(db, CHANNELS_CHANNEL, () => {
      reload().catch((error) => log.warn({ err: error }, 'channels could not be read; the known ones stay'))
    })
    repeat(releasers, 'channels', RELOAD_EVERY_MS, async () => (isAway() ? undefined : book.reload()), log)
  }
  releasers.add('channel changes', async () => unlisten?.())
  return { book, follow }
}
