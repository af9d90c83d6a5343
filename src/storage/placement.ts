/**
 * Which stack an event belongs to: the rules of stacks as pure functions on the intervals of one series, that is,
 * of one provider and grouping key. Reasons in docs/adr/0002-time-and-stacks.md.
 */

/** Instants are milliseconds since 1970. `closesAt` and `windowMs` null: no end. */
export type Interval = {
  stackId: string
  openedAt: number
  closesAt: number | null
  windowMs: number | null
  /** `startDate` of the newest event in it. */
  lastEventAt: number
}

export type Placement = {
  interval: Interval
  /** `joined`: inside it already; `pulled`: its opening moved back to this event; `opened`: a new one. */
  how: 'joined' | 'pulled' | 'opened'
}

/** The end of a window that opens at `openedAt`, cut where the next stack opens. */
export function closingTime(
  openedAt: number,
  windowMs: number | null,
  nextOpensAt: number | null,
): number | null {
  const full = windowMs === null ? null : openedAt + windowMs
  if (full === null) return nextOpensAt
  return nextOpensAt === null ? full : Math.min(full, nextOpensAt)
}

/** The known stretch of a series; intervals are kept in the order of their opening and changed in place. */
export class Series {
  readonly intervals: Interval[]

  constructor(intervals: Interval[]) {
    this.intervals = intervals.sort((a, b) => a.openedAt - b.openedAt)
  }

  /**
   * Finds the stack of an event at `at`, in this order: the interval that holds it; the next one, pulled back, while
   * all its events then span less than its window; a new one, which closes where the next opens.
   * The neighbours of `at` must be among the known intervals.
   */
  place(at: number, windowMs: number | null, newStackId: () => string): Placement {
    const after = this.intervals.findIndex((interval) => interval.openedAt > at)
    const next = after === -1 ? undefined : this.intervals[after]
    const previous = this.intervals[after === -1 ? this.intervals.length - 1 : after - 1]
    if (previous && (previous.closesAt === null || at < previous.closesAt)) {
      previous.lastEventAt = Math.max(previous.lastEventAt, at)
      return { interval: previous, how: 'joined' }
    }
    if (next && (next.windowMs === null || next.lastEventAt - at < next.windowMs)) {
      next.openedAt = at
      if (next.windowMs !== null) next.closesAt = Math.min(next.closesAt ?? Infinity, at + next.windowMs)
      return { interval: next, how: 'pulled' }
    }
    const interval: Interval = {
      stackId: newStackId(),
      openedAt: at,
      closesAt: closingTime(at, windowMs, next?.openedAt ?? null),
      windowMs,
      lastEventAt: at,
    }
    this.intervals.splice(after === -1 ? this.intervals.length : after, 0, interval)
    return { interval, how: 'opened' }
  }
}
