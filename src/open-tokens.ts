import { openSigningSecret } from './auth/signature.ts'
import { createTokenBook, type TokenBook } from './auth/token-book.ts'
import { createTokenSnapshot, type KnownToken, tokenSnapshotPath } from './auth/token-snapshot.ts'
import type { Vault } from './auth/vault.ts'
import type { Config } from './config.ts'
import type { Log } from './log.ts'
import type { Releasers } from './releasers.ts'
import { repeat } from './repeat.ts'
import { listen } from './storage/changes.ts'
import { type Database, withDeadline } from './storage/database.ts'
import { listTokens, noteTokenUse, TOKENS_CHANNEL } from './storage/tokens.ts'

export type OpenTokensOptions = {
  config: Config
  db: Database
  vault: Vault
  isAway: () => boolean
  now: () => Date
  log: Log
  releasers: Releasers
}

export type LiveTokens = {
  book: TokenBook
  /** Tokens are known from an earlier run, so that senders can be told apart without the database. */
  areKnown: boolean
  /** Reads the tokens, and from then on whenever they change. */
  follow: () => Promise<void>
}

const LOAD_DEADLINE_MS = 2_000
const USES_EVERY_MS = 2_000

/** Keeps the tokens in memory and in a file of the data folder, and notes their use. */
export async function openTokens({
  config,
  db,
  vault,
  isAway,
  now,
  log,
  releasers,
}: OpenTokensOptions): Promise<LiveTokens> {
  const path = tokenSnapshotPath(config.dataDir)
  const snapshot = createTokenSnapshot(path)
  const load = () => withDeadline(listTokens(db), LOAD_DEADLINE_MS, 'reading tokens')
  const onLoad = (tokens: KnownToken[]) =>
    snapshot.write(tokens).catch((error) => {
      log.warn(
        { err: error, path },
        'tokens were not written down; without the database a restart would not know them',
      )
    })
  const told = new Set<string>()
  const openSecret = (token: KnownToken) => {
    try {
      return openSigningSecret(vault, token.id, token.hmacSecret!)
    } catch (error) {
      if (!told.has(token.id))
        log.error({ err: error, token: token.name }, 'a signing secret cannot be opened')
      told.add(token.id)
      return null
    }
  }
  const book = createTokenBook({
    load,
    onLoad,
    openSigningSecret: openSecret,
    isAway,
    adminSecret: config.adminToken,
    now,
  })
  const known = await snapshot.read().catch((error) => {
    log.error({ err: error, path }, 'the tokens of the last run cannot be read')
    return null
  })
  if (known) book.restore(known)

  let unlisten: (() => Promise<void>) | null = null
  const follow = async () => {
    await book.reload()
    unlisten ??= await listen(db, TOKENS_CHANNEL, () => {
      book
        .reload()
        .catch((error) => log.warn({ err: error }, 'tokens could not be read; the known ones stay in force'))
    })
  }
  releasers.add('token changes', async () => unlisten?.())
  const noteUses = async () => {
    if (isAway()) return
    const uses = book.takeUses()
    if (uses.size > 0) await noteTokenUse(db, uses)
  }
  releasers.add('token uses', noteUses)
  repeat(releasers, 'token uses', USES_EVERY_MS, noteUses, log)
  return { book, areKnown: known !== null, follow }
}
