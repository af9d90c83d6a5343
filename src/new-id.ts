import { randomBytes, randomInt } from 'node:crypto'

/** The counter starts below: what is above is left for the other ids of the millisecond. */
const START_BELOW = 0x800
const COUNTER_MAX = 0xfff
/** Stands before the counter, as a digit of its own. */
const VERSION = 0x7000
/** Of each id, behind the digit of the variant. */
const RANDOM_DIGITS = 15
/** Ids whose random digits are drawn at once, which makes an id a good deal cheaper than drawing them for each. */
const IDS_AT_ONCE = 256

let lastMs = 0
let counter = COUNTER_MAX
/** The time of these ids, up to the version. */
let time = ''
let digits = ''
let used = 0

/**
 * A UUIDv7 (RFC 9562) of the time `now`, in milliseconds. Those of one process sort in the order of their making: within
 * a millisecond by a counter of 12 bits that starts at random, and takes the next millisecond when it is used up (6.2,
 * method 1). 60 bits are random.
 */
export function newId(now = Date.now()): string {
  if (now > lastMs || counter === COUNTER_MAX) {
    lastMs = Math.max(now, lastMs + 1)
    counter = randomInt(START_BELOW)
    const hex = lastMs.toString(16).padStart(12, '0')
    time = `${hex.slice(0, 8)}-${hex.slice(8)}`
  } else counter++
  if (used === digits.length) {
    digits = randomBytes((IDS_AT_ONCE * RANDOM_DIGITS) / 2).toString('hex')
    used = 0
  }
  const at = used
  used += RANDOM_DIGITS
  return `${time}-${(VERSION + counter).toString(16)}-8${digits.slice(at, at + 3)}-${digits.slice(at + 3, used)}`
}
