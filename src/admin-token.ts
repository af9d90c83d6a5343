import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeToken } from './auth/secret.ts'
import { fatal } from './errors.ts'
import type { Database } from './storage/database.ts'
import { insertFirstAdminToken } from './storage/tokens.ts'

/** The line of the log that tells of it: no log holds the token. */
export const ADMIN_TOKEN_WRITTEN = 'the first admin token was written to a file'

/** Where the first admin token is kept, for the command line. */
export function adminTokenPath(dataDir: string): string {
  return join(dataDir, 'admin-token')
}

/**
 * Makes an admin token when none is in force, and writes it to a file that only its owner may read.
 * Returns the token, to be shown once, or null when there was one.
 */
export async function ensureAdminToken(db: Database, dataDir: string): Promise<string | null> {
  const { secret, token } = makeToken({ name: 'admin', scopes: ['admin'], providers: [], expiresAt: null })
  const isFirst = await insertFirstAdminToken(db, token, () => writeSecret(dataDir, secret))
  return isFirst ? secret : null
}

async function writeSecret(dataDir: string, secret: string): Promise<void> {
  const path = adminTokenPath(dataDir)
  const unfinished = `${path}.new`
  try {
    await mkdir(dataDir, { recursive: true })
    await rm(unfinished, { force: true })
    await writeFile(unfinished, `${secret}\n`, { mode: 0o600, flag: 'wx', flush: true })
    await rename(unfinished, path)
  } catch (error) {
    throw fatal(
      'admin_token_unwritable',
      `The first admin token cannot be written to ${path}: ${(error as NodeJS.ErrnoException).code}.\n` +
        'Make TEMPO_DATA_DIR a folder that this user can write to, or choose the token yourself in TEMPO_ADMIN_TOKEN.',
      error,
    )
  }
}
