import type { Expiry, Scope } from './due-events.ts'
import type { Trim } from './trim-texts.ts'

/** What goes, or is cut, at which age. Ages in milliseconds; null: kept for ever, but for other bounds. */
export type RetentionPlan = {
  expiries: { ageMs: number; scopes: Scope[] }[]
  trims: { ageMs: number; bytes: number; scopes: Scope[] }[]
  deliveriesMs: number | null
  quarantineMs: number | null
}

/** The instant that has the age now. */
export function ago(now: Date, ageMs: number): Date {
  return new Date(now.getTime() - ageMs)
}

/** In the order of the plan. */
export function expiriesAt({ expiries }: RetentionPlan, now: Date): Expiry[] {
  return expiries.map(({ ageMs, scopes }) => ({ before: ago(now, ageMs), scopes }))
}

/** In the order of the plan. */
export function trimsAt({ trims }: RetentionPlan, now: Date): Trim[] {
  return trims.map(({ ageMs, ...trim }) => ({ ...trim, before: ago(now, ageMs) }))
}
