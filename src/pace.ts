export type Pace = {
  /** Nothing is under way, and the last work has been rested from. */
  isDue: () => boolean
  /** Does the work; a failure is the caller's, and rested from as well. */
  run: (work: () => Promise<void>) => Promise<void>
}

/**
 * Keeps work that grows with a site from taking more than a part of the time: what took a second is followed by a rest
 * of `rest` seconds. `clock` gives milliseconds that never go back.
 */
export function createPace(rest: number, clock: () => number = () => performance.now()): Pace {
  let isBusy = false
  let restedAt = Number.NEGATIVE_INFINITY
  return {
    isDue: () => !isBusy && clock() >= restedAt,
    run: async (work) => {
      isBusy = true
      const begun = clock()
      try {
        await work()
      } finally {
        const ended = clock()
        restedAt = ended + rest * (ended - begun)
        isBusy = false
      }
    },
  }
}
