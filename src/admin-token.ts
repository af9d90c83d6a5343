import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeToken } from './auth/secret.ts'
import { fatal } from './errors.ts'
import type { Database } from './storage/database.ts'
import { insertFirstAdminToken, revokeToken } from './storage/tokens.ts'

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
  if (!(await insertFirstAdminToken(db, token))) return null
  const path = adminTokenPath(dataDir)
  try {
    await mkdir(dataDir, { recursive: true })
    await writeFile(`${path}.new`, `${secret}\n`, { mode: 0o600 })
    await rename(`${path}.new`, path)
  } catch (error) {
    await revokeToken(db, token.id)
    throw fatal(
      'admin_token_unwritable',
      `The first admin token cannot be written to ${path}: ${(error as NodeJS.ErrnoException).code}.\n` +
        'Make TEMPO_DATA_DIR a folder that this user can write to, or choose the token yourself in TEMPO_ADMIN_TOKEN.',
      error,
    )
  }
  return secret
}
