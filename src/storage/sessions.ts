/**
 * Which events of a series form a session: the rule of the roles `opens`, `continues` and `closes` as pure functions.
 * A session is a matter of the whole order of its events, so that a late one may join, split or merge sessions; the
 * outcome is the same in whatever order they arrive.
 */

export type SessionRole = 'opens' | 'continues' | 'closes'

/** Whether events of this role make up sessions. */
export function isSessionRole(role: string): role is SessionRole {
  return role === 'opens' || role === 'continues' || role === 'closes'
}

/** `at` is milliseconds since 1970; `windowMs` null: a session opened by this event has no end of its own. */
export type SessionEvent = {
  id: string
  at: number
  role: SessionRole
  windowMs: number | null
  /** The stack it is in; null: not stored yet. */
  stackId: string | null
}

/** Events that share a stack, in order. `resolved`: a problem that `closes` ended. */
export type Segment = { events: SessionEvent[]; resolved: boolean }

/** Splits events, given in the order of time, into sessions and events that stand alone. */
export function segmentEvents(events: readonly SessionEvent[]): Segment[] {
  const segments: Segment[] = []
  let open: Segment | null = null
  for (const event of events) {
    if (open && !isWithin(open.events[0]!, event)) open = null
    if (open) {
      open.events.push(event)
      if (event.role === 'closes') {
        open.resolved = true
        open = null
      }
      continue
    }
    const segment: Segment = { events: [event], resolved: false }
    segments.push(segment)
    if (event.role === 'opens') open = segment
  }
  return segments
}

function isWithin(opening: SessionEvent, event: SessionEvent): boolean {
  return opening.windowMs === null || event.at - opening.at < opening.windowMs
}

/**
 * Gives each segment a stack: the oldest, by its id, of those that its events are in now and that no segment before
 * took, else a new one. So what people know stays where it is, and a part that splits off is new.
 */
export function assignStacks(segments: readonly Segment[], newStackId: () => string): Map<Segment, string> {
  const taken = new Set<string>()
  return new Map(
    segments.map((segment) => {
      const known = segment.events.flatMap(({ stackId }) => stackId ?? []).filter((id) => !taken.has(id))
      const id = known.sort()[0] ?? newStackId()
      taken.add(id)
      return [segment, id]
    }),
  )
}

/** Time, then id: the order of events that start at the same millisecond must be the same for everyone. */
export function compareEvents(a: { at: number; id: string }, b: { at: number; id: string }): number {
  return a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}
