import type { Config } from './config.ts'
import type { Log } from './log.ts'
import type { Releasers } from './releasers.ts'
import { createLibrary, type Library } from './scores/library.ts'
import { BUNDLED_DIR, type FileProblems } from './scores/load.ts'
import { fingerprint, watchFolder } from './scores/watch.ts'
import { listen } from './storage/changes.ts'
import type { Database } from './storage/database.ts'
import { listKeptScores, SCORES_CHANNEL } from './storage/scores.ts'

export type LiveLibrary = {
  current: () => Library
  /** Reads the kept scores anew; other servers are told by the database. */
  refreshKept: () => Promise<void>
  /** Reads the kept scores, and from then on whenever another server changes them. */
  follow: () => Promise<void>
}

/** Loads all scores once, for a command. */
export async function readLibrary(config: Config, db: Database): Promise<Library> {
  const keeper = await createLibrary({ bundledDir: BUNDLED_DIR, ownDir: config.scoresDir })
  keeper.takeKept(await listKeptScores(db))
  return keeper.current()
}

/**
 * Loads the scores of the folders and keeps them up to date: changes of the folder within a second, of the database at
 * once, as soon as it can be followed.
 */
export async function openLibrary(
  config: Config,
  db: Database,
  log: Log,
  releasers: Releasers,
): Promise<LiveLibrary> {
  const { scoresDir } = config
  // Taken before the folder is read, so that no change in between goes unseen.
  const seen = scoresDir === null ? '' : await fingerprint(scoresDir)
  const keeper = await createLibrary({ bundledDir: BUNDLED_DIR, ownDir: scoresDir })
  const refreshKept = async () => keeper.takeKept(await listKeptScores(db))
  tell(log, keeper.current().problems)

  const onNotice = () => {
    refreshKept().catch((error) =>
      log.warn({ err: error }, 'kept scores could not be read; the known ones stay'),
    )
  }
  let unlisten: (() => Promise<void>) | null = null
  const follow = async () => {
    await refreshKept()
    unlisten ??= await listen(db, SCORES_CHANNEL, onNotice)
  }
  releasers.add('score changes', async () => unlisten?.())
  if (scoresDir !== null) {
    const onChange = async () => {
      await keeper.readFolder()
      log.info({ folder: scoresDir }, 'scores were read again')
      tell(log, keeper.current().problems)
    }
    releasers.add('score folder', watchFolder(scoresDir, seen, onChange))
  }
  return { current: keeper.current, refreshKept, follow }
}

function tell(log: Log, broken: FileProblems[]): void {
  for (const { file, problems } of broken) {
    log.error({ file, problems }, 'a score file is broken; its last good version stays in force')
  }
}
