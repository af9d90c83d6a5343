type Release = () => void | Promise<void>

/** Whoever starts something registers here how it ends; ends run in the reverse order. */
export type Releasers = {
  add: (name: string, release: Release) => void
  /** The end of what must not be cut short, however long it takes. */
  addPatient: (name: string, release: Release) => void
  /** Runs all ends, also when one of them fails or hangs; a second call waits for the first. */
  run: (onFailure: (name: string, error: unknown) => void) => Promise<void>
}

/** `budgetMs` is for all ends together but the patient ones: in a dead network each of them may hang. */
export function createReleasers(budgetMs: number): Releasers {
  const stack: { name: string; release: Release; patient: boolean }[] = []
  let running: Promise<void> | undefined

  async function runAll(onFailure: (name: string, error: unknown) => void): Promise<void> {
    const deadline = Date.now() + budgetMs
    for (let entry = stack.pop(); entry; entry = stack.pop()) {
      try {
        const end = Promise.resolve(entry.release())
        await (entry.patient ? end : within(end, deadline - Date.now()))
      } catch (error) {
        onFailure(entry.name, error)
      }
    }
  }

  return {
    add: (name, release) => void stack.push({ name, release, patient: false }),
    addPatient: (name, release) => void stack.push({ name, release, patient: true }),
    run: (onFailure) => {
      running ??= runAll(onFailure)
      return running
    },
  }
}

async function within(end: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it did not end in time')), Math.max(0, ms))
  })
  try {
    await Promise.race([end, late])
  } finally {
    clearTimeout(timer)
  }
}
