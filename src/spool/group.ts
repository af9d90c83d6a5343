/** A line that waits to be written, and when its record came, in milliseconds. */
export type Item = { line: Buffer; at: number }

export type Group = {
  /** Resolves when the line is on disk. */
  add: (item: Item) => Promise<void>
  /** Bytes that are not on disk yet. */
  waitingBytes: () => number
  /** Resolves when nothing waits any more. */
  settled: () => Promise<void>
}

type Waiting = Item & { resolve: () => void; reject: (error: unknown) => void }

/** What is written and synced at once. */
const MAX_BYTES = 8 * 1024 * 1024

/** Group commit: lines that come while others are written share the next write and the next sync. */
export function createGroup(write: (items: Item[]) => Promise<void>): Group {
  let waiting: Waiting[] = []
  let bytes = 0
  let running: Promise<void> | null = null

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const items = takeItems()
      try {
        await write(items)
        for (const { resolve } of items) resolve()
      } catch (error) {
        for (const { reject } of items) reject(error)
      }
      bytes -= sizeOf(items)
    }
  }

  function takeItems(): Waiting[] {
    let size = 0
    const beyond = waiting.findIndex(({ line }, index) => {
      size += line.length
      return index > 0 && size > MAX_BYTES
    })
    const items = beyond < 0 ? waiting : waiting.slice(0, beyond)
    waiting = beyond < 0 ? [] : waiting.slice(beyond)
    return items
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ ...item, resolve, reject })
        bytes += item.line.length
        running ??= run().finally(() => {
          running = null
        })
      }),
    waitingBytes: () => bytes,
    settled: async () => {
      while (running) await running
    },
  }
}

function sizeOf(items: Item[]): number {
  return items.reduce((sum, { line }) => sum + line.length, 0)
}
