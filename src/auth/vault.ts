/** Secrets that must be known in the clear to be of use, such as those that sign bodies, are stored sealed. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { constants, copyFile, link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fatal, unavailable } from '../errors.ts'

export type Vault = {
  /** Encrypts a text. What is sealed opens under the very same `context` only, such as the row that it belongs to. */
  seal: (text: string, context: string) => Uint8Array
  /** Throws the fatal `other_key` when it was sealed under another key or context, or is damaged. */
  open: (sealed: Uint8Array, context: string) => string
}

/** The vault of a server, whose first start may have to wait for its database before it leaves anything behind. */
export type ServerVault = Vault & {
  /** Makes the key in the data folder, where there is none yet; throws as `openVault` does. */
  ensureKey: () => Promise<void>
}

export type VaultOptions = {
  /** TEMPO_SECRET_KEY; null: the key in the data folder, which is made where there is none. */
  key: string | null
  dataDir: string
}

/** First byte of everything sealed: AES-256-GCM with a nonce of 12 bytes before the text and a tag of 16 behind it. */
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32
/** Names the purpose of the derived key (RFC 5869, 3.2). */
const PURPOSE = 'tempo vault 1'

/** 32 bytes in Base64. */
const KEY_TEXT = /^[A-Za-z0-9+/]{43}=$/
/** Of file systems that have no hard links. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']
const LOOKS = 20
const LOOK_EVERY_MS = 100

/** Where the key is, unless TEMPO_SECRET_KEY gives it. */
export function secretKeyPath(dataDir: string): string {
  return join(dataDir, 'secret-key')
}

/** Opens the vault; throws a fatal when there is no key and none can be made. */
export async function openVault({ key, dataDir }: VaultOptions): Promise<Vault> {
  const material = key === null ? await keyOfFile(secretKeyPath(dataDir), dataDir) : Buffer.from(key, 'utf8')
  return createVault(material)
}

/** The vault with the key that there is. Without one it opens nothing, and seals nothing before `ensureKey`. */
export async function openServerVault({ key, dataDir }: VaultOptions): Promise<ServerVault> {
  const path = secretKeyPath(dataDir)
  const isThere = key !== null || (await read(path).catch(() => null)) !== null
  let vault = isThere ? await openVault({ key, dataDir }) : null
  return {
    ensureKey: async () => {
      vault ??= await openVault({ key, dataDir })
    },
    seal: (text, context) => {
      if (!vault)
        throw unavailable(`No secret can be kept yet: there is no key in ${path}. The log says why.`)
      return vault.seal(text, context)
    },
    open: (sealed, context) => {
      if (!vault) throw otherKey()
      return vault.open(sealed, context)
    },
  }
}

/** The vault of a key that has enough entropy by itself; no slow derivation is needed. */
export function createVault(material: Uint8Array): Vault {
  const key = Buffer.from(hkdfSync('sha256', material, new Uint8Array(0), PURPOSE, KEY_BYTES))

  function seal(text: string, context: string): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(Buffer.from(context, 'utf8'))
    const body = [cipher.update(text, 'utf8'), cipher.final()]
    return Buffer.concat([Buffer.of(VERSION), nonce, ...body, cipher.getAuthTag()])
  }

  function open(sealed: Uint8Array, context: string): string {
    if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) throw otherKey()
    const tagAt = sealed.length - TAG_BYTES
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES)
    const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(Buffer.from(context, 'utf8'))
    cipher.setAuthTag(sealed.subarray(tagAt))
    try {
      const body = cipher.update(sealed.subarray(1 + NONCE_BYTES, tagAt))
      return Buffer.concat([body, cipher.final()]).toString('utf8')
    } catch (error) {
      throw otherKey(error)
    }
  }

  return { seal, open }
}

function otherKey(cause?: unknown): Error {
  return fatal(
    'other_key',
    'A stored secret was sealed with another key. Give the server the TEMPO_SECRET_KEY, or the file secret-key ' +
      'of the data folder, that it had then; or set the secret anew.',
    cause,
  )
}

/** The key in the file; of servers that start at once the first one makes it, and all take that one. */
async function keyOfFile(path: string, dataDir: string): Promise<Uint8Array> {
  try {
    const made = (await read(path)) === null ? await make(path, dataDir) : null
    return made ?? (await readComplete(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'bad_secret_key') throw error
    throw fatal(
      'secret_key_unusable',
      `The key for stored secrets cannot be kept in ${path}: ${code}.\n` +
        'Make TEMPO_DATA_DIR a folder that this user can write to, or give the key in TEMPO_SECRET_KEY.',
      error,
    )
  }
}

async function read(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
}

/** Another server may be about to write it. */
async function readComplete(path: string): Promise<Uint8Array> {
  for (let look = 0; look < LOOKS; look++) {
    const text = (await read(path))?.trim() ?? ''
    if (KEY_TEXT.test(text)) return Buffer.from(text, 'base64')
    await setTimeout(LOOK_EVERY_MS)
  }
  throw fatal(
    'bad_secret_key',
    `${path} does not hold a key: 32 bytes in Base64. Put the right file back from a backup. ` +
      'Only if no secret is stored yet, delete it: a new one is made.',
  )
}

/** Makes the key, complete under its name or not at all; null when another was faster. */
async function make(path: string, dataDir: string): Promise<Uint8Array | null> {
  await mkdir(dataDir, { recursive: true })
  const key = randomBytes(KEY_BYTES)
  const unfinished = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.new`
  try {
    const file = await open(unfinished, 'wx', 0o600)
    try {
      await file.writeFile(`${key.toString('base64')}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await publish(unfinished, path)
    await syncFolder(dataDir)
    return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null
    throw error
  } finally {
    await rm(unfinished, { force: true }).catch(() => {})
  }
}

/** Gives the file its name unless the name is taken, which is EEXIST. */
async function publish(unfinished: string, path: string): Promise<void> {
  try {
    await link(unfinished, path)
  } catch (error) {
    if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    await copyFile(unfinished, path, constants.COPYFILE_EXCL)
    const file = await open(path, 'r+')
    await file.sync().finally(() => file.close())
  }
}

/** A key lost with the power would leave secrets that nobody can open. Windows syncs no folders. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}
