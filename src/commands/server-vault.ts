import { existsSync } from 'node:fs'
import { openVault, secretKeyPath, type Vault } from '../auth/vault.ts'
import type { Config } from '../config.ts'
import { fatal } from '../errors.ts'

type Place = Pick<Config, 'secretKey' | 'databaseUrl' | 'dataDir'>

/** True when the key under which the server seals secrets is at hand. */
export function hasServerKey({ secretKey, dataDir }: Place): boolean {
  return secretKey !== null || existsSync(secretKeyPath(dataDir))
}

/** With a key that the server has: one that is made here would be another one, unless the database is here, too. */
export async function serverVault(place: Place): Promise<Vault> {
  if (!hasServerKey(place) && place.databaseUrl !== null) throw noKey(place)
  return openVault({ key: place.secretKey, dataDir: place.dataDir })
}

/** For reading what may be read without the key, too: then nothing opens. */
export async function readingVault(place: Place): Promise<Pick<Vault, 'open'>> {
  if (hasServerKey(place)) return openVault({ key: place.secretKey, dataDir: place.dataDir })
  return {
    open: () => {
      throw noKey(place)
    },
  }
}

function noKey({ dataDir }: Place): Error {
  return fatal(
    'no_secret_key',
    `There is no ${secretKeyPath(dataDir)}, with which the server seals such secrets. Run this where the server ` +
      'runs, with its TEMPO_DATA_DIR, or give its TEMPO_SECRET_KEY.',
  )
}
