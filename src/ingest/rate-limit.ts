import { tooManyRequests } from '../errors.ts'

/** Counts one request of a token; throws tooManyRequests above its limit. */
export type RateLimit = (tokenId: string) => void

type Bucket = { tokens: number; at: number }

/** A token bucket per token: `perMinute` at once, refilled evenly over a minute; 0 switches it off. `now` in ms. */
export function createRateLimit(perMinute: number, now: () => number): RateLimit {
  if (perMinute === 0) return () => {}
  const buckets = new Map<string, Bucket>()
  const perMs = perMinute / 60_000
  return (tokenId) => {
    const at = now()
    const bucket = buckets.get(tokenId) ?? { tokens: perMinute, at }
    bucket.tokens = Math.min(perMinute, bucket.tokens + (at - bucket.at) * perMs)
    bucket.at = at
    buckets.set(tokenId, bucket)
    if (bucket.tokens < 1) throw tooManyRequests(Math.ceil((1 - bucket.tokens) / perMs / 1_000))
    bucket.tokens -= 1
  }
}
