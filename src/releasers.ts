/** Whoever starts something registers here how it ends; ends run in the reverse order. */
export type Releasers = {
  add: (name: string, release: () => void | Promise<void>) => void
  /** Runs all ends, also when one of them fails; a second call does nothing. */
  run: (onFailure: (name: string, error: unknown) => void) => Promise<void>
}

export function createReleasers(): Releasers {
  const stack: { name: string; release: () => void | Promise<void> }[] = []
  return {
    add: (name, release) => {
      stack.push({ name, release })
    },
    run: async (onFailure) => {
      for (let entry = stack.pop(); entry; entry = stack.pop()) {
        try {
          await entry.release()
        } catch (error) {
          onFailure(entry.name, error)
        }
      }
    },
  }
}
