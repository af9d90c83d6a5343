import { randomInt, randomUUID } from 'node:crypto'

/** The counter starts below: what is above is left for the other ids of the millisecond. */
const START_BELOW = 0x800
const COUNTER_MAX = 0xfff

let lastMs = 0
let counter = 0

/**
 * A UUIDv7 (RFC 9562) of the time `now`, in milliseconds. Those of one process sort in the order of their making: within
 * a millisecond by a counter of 12 bits that starts at random, and takes the next millisecond when it is used up (6.2,
 * method 1). Node draws the randomness of `randomUUID` for many at once, which makes one a good deal cheaper than
 * drawing it for each.
 */
export function newId(now = Date.now()): string {
  if (now > lastMs) {
    lastMs = now
    counter = randomInt(START_BELOW)
  } else if (counter < COUNTER_MAX) {
    counter++
  } else {
    lastMs++
    counter = randomInt(START_BELOW)
  }
  const time = lastMs.toString(16).padStart(12, '0')
  const order = counter.toString(16).padStart(3, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-${randomUUID().slice(19)}`
}
