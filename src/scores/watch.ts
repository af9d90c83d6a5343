/** Notices changes of a folder of scores. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Milliseconds between two looks: a change is in force within a second. */
const EVERY_MS = 400

/**
 * Calls `onChange` after each change in the folder since it had the fingerprint `seen`, once at a time; returns the
 * function that ends it. It looks again and again, because events of the file system do not cross bind mounts and
 * network shares.
 */
export function watchFolder(dir: string, seen: string, onChange: () => Promise<void>): () => void {
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    const now = await fingerprint(dir)
    if (stopped) return
    const changed = seen !== now
    seen = now
    if (changed) await onChange()
    if (!stopped) timer = setTimeout(look, EVERY_MS).unref()
  }

  void look()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/** Names, sizes, times and inodes: an editor may write in place or put a new file over the old one. */
export async function fingerprint(dir: string): Promise<string> {
  try {
    const names = (await readdir(dir)).sort()
    const parts = await Promise.all(names.map((name) => describe(join(dir, name))))
    return parts.join('\n')
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}

async function describe(path: string): Promise<string> {
  try {
    const { size, mtimeMs, ino } = await stat(path)
    return `${path} ${size} ${mtimeMs} ${ino}`
  } catch (error) {
    return `${path} ${(error as NodeJS.ErrnoException).code}`
  }
}
