import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fatal } from '../errors.ts'

/** A file that appears under its name only when it is whole. */
export type NewFile = {
  write: (block: Buffer) => Promise<void>
  /** Makes it durable, and gives it its name. Returns its size in bytes. */
  keep: () => Promise<number>
  /** Removes what was written. */
  discard: () => Promise<void>
}

/** Begins a file that only its owner may read. Refuses one that is there, unless `force`. */
export async function createNewFile(path: string, force: boolean): Promise<NewFile> {
  const found = await stat(path).catch(() => undefined)
  if (found && !found.isFile())
    throw fatal('backup_path', `${path} is not a file; name one, or - for a pipe.`)
  if (found && !force) {
    throw fatal(
      'backup_exists',
      `${path} is there already. Choose another name, or write over it with --force.`,
    )
  }
  const partial = `${path}.partial`
  // What an earlier run has left, which may not be ours to read.
  await rm(partial, { force: true })
  const file = await open(partial, 'wx', 0o600)

  /** Another backup to the same name may have begun meanwhile. */
  const isOurs = async () => {
    const [own, named] = await Promise.all([file.stat(), stat(partial).catch(() => undefined)])
    return own.ino === named?.ino
  }
  return {
    write: (block) => file.appendFile(block),
    keep: async () => {
      await file.sync()
      if (!(await isOurs()))
        throw fatal('backup_replaced', `Another backup to ${path} has begun; it has the name now.`)
      const { size } = await file.stat()
      await rename(partial, path)
      await file.close()
      await syncFolder(dirname(path))
      return size
    },
    discard: async () => {
      // What failed before this is worth telling, not a failure of this.
      if (await isOurs().catch(() => false)) await rm(partial, { force: true })
      await file.close().catch(() => {})
    },
  }
}

/** The new name survives a power cut only with its folder. */
async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | undefined
  try {
    folder = await open(path, 'r')
    await folder.sync()
  } catch {
    // Some file systems cannot; they have no better promise to give.
  } finally {
    await folder?.close()
  }
}
