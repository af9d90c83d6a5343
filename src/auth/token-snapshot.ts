/** What is needed to check tokens, on disk: so that senders are known while the database is away. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Token } from '../access.ts'

/** What a token is checked by; nothing of it opens anything. */
export type KnownToken = Omit<Token, 'createdAt' | 'lastUsedAt'>

export type TokenSnapshot = {
  /** The tokens of the file; null when there is none, or none that can be read. */
  read: () => Promise<KnownToken[] | null>
  /** Writes the tokens where they differ from what is there, for the owner of the file alone. */
  write: (tokens: KnownToken[]) => Promise<void>
}

/** A token in the file: the hash in hexadecimal, what is sealed in Base64, times as ISO 8601. */
type Written = Omit<KnownToken, 'hash' | 'hmacSecret' | 'expiresAt' | 'revokedAt'> & {
  hash: string
  /** Missing in files of before there was any. */
  hmacSecret?: string | null
  expiresAt: string | null
  revokedAt: string | null
}

const FORMAT = 1

/** Where the tokens are kept. */
export function tokenSnapshotPath(dataDir: string): string {
  return join(dataDir, 'tokens.json')
}

export function createTokenSnapshot(path: string): TokenSnapshot {
  let written: string | null = null
  let work: Promise<void> = Promise.resolve()

  async function writeNow(text: string): Promise<void> {
    if (text === written) return
    await replaceFile(path, text)
    written = text
  }

  return {
    read: async () => {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null
        throw error
      })
      if (text === null) return null
      const tokens = parseSnapshot(text)
      written = text
      return tokens
    },
    write: (tokens) => {
      const text = formatSnapshot(tokens)
      const mine = work.then(() => writeNow(text))
      work = mine.catch(() => {})
      return mine
    },
  }
}

/** A line a token, in the order of their making, so that the same tokens are the same text. */
export function formatSnapshot(tokens: KnownToken[]): string {
  const lines = tokens
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, name, prefix, hash, hmacSecret, scopes, providers, defaults, expiresAt, revokedAt }) =>
      JSON.stringify({
        id,
        name,
        prefix,
        hash: Buffer.from(hash).toString('hex'),
        hmacSecret: hmacSecret && Buffer.from(hmacSecret).toString('base64'),
        scopes,
        providers,
        defaults,
        expiresAt,
        revokedAt,
      }),
    )
  return `{"format":${FORMAT},"tokens":[\n${lines.join(',\n')}\n]}\n`
}

/** Reads a text of {@link formatSnapshot}; null when it is something else. */
export function parseSnapshot(text: string): KnownToken[] | null {
  try {
    const { format, tokens } = JSON.parse(text) as { format: number; tokens: Written[] }
    if (format !== FORMAT) return null
    return tokens.map(({ hash, hmacSecret, expiresAt, revokedAt, ...token }) => ({
      ...token,
      defaults: token.defaults ?? {},
      hash: Buffer.from(hash, 'hex'),
      hmacSecret: hmacSecret ? Buffer.from(hmacSecret, 'base64') : null,
      expiresAt: dateOf(expiresAt),
      revokedAt: dateOf(revokedAt),
    }))
  } catch {
    return null
  }
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text)
}

/** In one step: whoever reads finds the old text or the new one, also after a power cut. */
async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const unfinished = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.new`
  try {
    const file = await open(unfinished, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {})
    throw error
  }
}
