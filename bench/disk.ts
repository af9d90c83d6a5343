/** What the disk below a folder takes to make a page durable, which bounds everybody who answers after a commit. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const PAGE = Buffer.alloc(8192, 1)
const PAUSE_MS = 20

/** The median of two hundred times, in milliseconds. */
export function measureSync(folder: string): number {
  const path = join(folder, 'sync')
  const file = openSync(path, 'w')
  const times = Array.from({ length: 200 }, () => {
    const begun = performance.now()
    writeSync(file, PAGE, 0, PAGE.length, 0)
    fdatasyncSync(file)
    return performance.now() - begun
  })
  closeSync(file)
  rmSync(path)
  return times.sort((a, b) => a - b)[100]!
}

/**
 * Does `work`, and looks on beside it: a page of its own every few milliseconds. `stall` is the longest time that one took, in
 * milliseconds.
 */
export async function withDiskWatched<T>(
  folder: string,
  work: () => Promise<T>,
): Promise<{ done: T; stall: number }> {
  const path = join(folder, 'watched')
  const file = await open(path, 'w')
  // What follows changes nothing but its bytes.
  await file.write(PAGE, 0, PAGE.length, 0)
  await file.sync()
  let isOver = false
  const watch = async () => {
    let stall = 0
    while (!isOver) {
      await file.write(PAGE, 0, PAGE.length, 0)
      const begun = performance.now()
      await file.datasync()
      stall = Math.max(stall, performance.now() - begun)
      await delay(PAUSE_MS)
    }
    return stall
  }
  try {
    const working = work().finally(() => {
      isOver = true
    })
    const [done, stall] = await Promise.all([working, watch()])
    return { done, stall }
  } finally {
    await file.close()
    rmSync(path)
  }
}
