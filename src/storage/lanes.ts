/**
 * A lane holds the rows of a list that share state and severity, in the order of the list. Every filter on state and
 * severity is a few whole lanes, so that an index that begins with what else is asked for and the lane gives a page
 * without reading what is not on it, however few rows pass (docs/adr/0008-reads.md).
 */
import { type Severity, severityRank } from '../event.ts'
import type { State } from './filters.ts'

/** Lanes of one state, one for each severity. */
const WIDTH = 5
const OPEN = 0
const RESOLVED = 5
const ACKED = 10
const DISMISSED = 15

/** The lane of a row of `stacks`; indexes are on this very expression. `of` is the table's alias with its dot. */
export function stackLane(of: '' | 's.'): string {
  return `(CASE WHEN ${of}dismissed_at IS NOT NULL THEN ${DISMISSED} WHEN ${of}acked_at IS NOT NULL THEN ${ACKED} WHEN ${of}resolved THEN ${RESOLVED} ELSE ${OPEN} END + ${of}severity)`
}

/** The lane of a row of `events`, which have no state of being resolved. */
export function eventLane(of: '' | 'e.'): string {
  return `(CASE WHEN ${of}dismissed_at IS NOT NULL THEN ${DISMISSED} WHEN ${of}acked_at IS NOT NULL THEN ${ACKED} ELSE ${OPEN} END + ${of}severity)`
}

/** Stacks that nobody has dealt with yet and that did not end by themselves are on the lanes below, in order of severity. */
export const OPEN_LANES_END = OPEN + WIDTH

const STATE_LANES: Record<State, number[]> = {
  active: [OPEN, RESOLVED, ACKED],
  acked: [ACKED],
  dismissed: [DISMISSED],
  all: [OPEN, RESOLVED, ACKED, DISMISSED],
}

/** The lanes that a filter on state and severity (at least) leaves, of the stacks or of the events. */
export function lanesOf(
  list: 'stacks' | 'events',
  { state, severity }: { state: State; severity?: Severity | undefined },
): number[] {
  const firsts = STATE_LANES[state].filter((first) => list === 'stacks' || first !== RESOLVED)
  const least = severity ? severityRank(severity) : 0
  return firsts.flatMap((first) => Array.from({ length: WIDTH - least }, (_, n) => first + least + n))
}
