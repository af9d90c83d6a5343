const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Pauses after each try; the last one is repeated. */
const PAUSES = [
  10 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  30 * MINUTE,
  HOUR,
]
/** A message that was tried for so long is given up. */
const GIVE_UP_MS = 24 * HOUR
/** Share of a pause that chance adds or takes, so that channels which failed together do not try together. */
const JITTER = 0.2

/**
 * When to try again after `tries` that failed, or null when that is to end. A receiver's own wish counts when it is
 * later (RFC 9110, 10.2.3 Retry-After), up to the end of the day.
 *
 * @param chance from 0 to 1
 */
export function nextTry(
  { createdAt, tries }: { createdAt: Date; tries: number },
  retryAfterMs: number | null,
  now: Date,
  chance: number,
): Date | null {
  const end = createdAt.getTime() + GIVE_UP_MS
  if (now.getTime() >= end) return null
  const pause = PAUSES[Math.min(tries, PAUSES.length) - 1]! * (1 + JITTER * (2 * chance - 1))
  // The last try is made at the end, however long the pause.
  return new Date(Math.min(now.getTime() + Math.max(pause, retryAfterMs ?? 0), end))
}
