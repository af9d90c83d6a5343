/** In which order a list and the index of words are asked for a page of matches; search.ts asks them. */
import type { Filter, Fragment } from './filters.ts'
import type { Place } from './walk.ts'
import type { WordIndex } from './word-index.ts'

export type Search = {
  filter: Filter & { words: string[] }
  index: WordIndex
  limit: number
  /** The newest instant that a row of the page can have; null: any. */
  newest: Date | null
  /** Narrows table `s`, or `e`, more. */
  further: Fragment
  /** Tests make the first steps small. */
  steps?: Steps
}

/** Rows that are looked through at first, and events of all in the shortest stretch of time. */
export type Steps = { look: number; stretch: number }
export const STEPS: Steps = { look: 200, stretch: 1_000 }
/** Rows that are looked through at the most. */
const LOOK_MOST = 12_800
/** How much more is looked through the next time, and how much longer the next stretch is, at least and at most. */
const LOOK_FACTOR = { least: 1.5, most: 8 }
const STRETCH_FACTOR = { least: 1.5, most: 32 }
/** As many times the rows of the first look are looked through before the index is asked, if that should do. */
const LOOK_AGAIN = 3
/** The same for a first look that is told how many of the rows match. */
const LOOK_KNOWING = 2
/** How many times the rows of a page the next step should hold, by what the one before held. */
const MARGIN = 2
/** The same for a first look that is told how many of the rows match. */
const KNOWING_MARGIN = 1.5
/** As many times the shortest stretch tell how long it is: events come in crowds. */
export const CROWDS = 8

/** `complete`: nothing that comes before their last is missing, and they fill the page or there are no more. */
export type Step = { rows: Place[]; complete: boolean }
/** With the number of rows, and of events, that were looked through. */
export type Looked = Step & { places: number; events: number }
/** What was looked through of another part of the list, and held `found` matches. */
export type Known = Pick<Looked, 'places' | 'events'> & { found: number }

/** The newest and the oldest instant of all, and that of an event some way down the list; null: there are not so many. */
export type Ends = { newest: Date | null; near: Date | null; oldest: Date | null }

/** A stretch of time. `isLast`: the filter's time begins with it. */
export type Window = { from: number; to: number; isLast: boolean }

/**
 * Looks through the beginning of the list, and once more when that should do; what it finds tells how far back a page
 * goes. Then asks for such a stretch of time, and for longer ones, in the end for all of time, which is null. Looking goes
 * on only where the filter leaves out much that the index finds. What is known of the `other` rows of the list makes the first
 * look as long as should do, or leaves it out.
 */
export async function inTurn(
  { filter, limit, newest, steps = STEPS }: Search,
  ends: Ends,
  look: (count: number) => Promise<Looked | null>,
  ask: (window: Window | null) => Promise<Step>,
  other: Known | null = null,
): Promise<Place[]> {
  if (ends.newest === null) return []
  const to = Math.min(...[ends.newest, newest, filter.to].flatMap((at) => at?.getTime() ?? []))
  const oldest = ends.oldest?.getTime() ?? to
  const least = filter.from?.getTime() ?? Number.NEGATIVE_INFINITY
  // Of events that a clock far off has put into the future there are few.
  const present = Math.max(Math.min(to, Date.now()), ends.near?.getTime() ?? 0)
  const isNarrow = Boolean(filter.vmid || filter.node || filter.provider || filter.severity)
  let length = ends.near ? (present - ends.near.getTime() + 1) / CROWDS : Number.POSITIVE_INFINITY
  // Of few rows nothing follows for others.
  const known = other && other.places >= steps.look ? other : null
  const likely = known && (KNOWING_MARGIN * limit * known.places) / Math.max(known.found, 0.5)
  const isFar = likely !== null && likely > LOOK_KNOWING * steps.look
  let count = isFar ? steps.look : Math.max(Math.ceil(likely ?? 0), steps.look)
  const lookOn = async (): Promise<Looked | null> => {
    const looked = await look(count)
    count = Math.ceil(count * factor(MARGIN * limit, looked?.rows.length ?? 0, LOOK_FACTOR))
    return looked
  }
  const begun = isFar ? null : await lookOn()
  if (begun?.complete) return begun.rows
  length *= firstStretch(steps, limit, begun ? { events: begun.events, found: begun.rows.length } : known)
  if (begun && count <= LOOK_AGAIN * steps.look) {
    const looked = await lookOn()
    if (looked?.complete) return looked.rows
  }
  for (;;) {
    const from = Math.max(present - length, least)
    if (from <= oldest) return (await ask(null)).rows
    const { rows, complete } = await ask({ from, to, isLast: from === least })
    if (complete) return rows
    if (from === least) return (await ask(null)).rows
    length *= factor(MARGIN * limit, rows.length, STRETCH_FACTOR)
    const looked = isNarrow && count <= LOOK_MOST ? await lookOn() : null
    if (looked?.complete) return looked.rows
  }
}

/** How many times the shortest stretch should hold a page, by the part of the events that matched in what was looked at. */
function firstStretch(
  { look, stretch }: Steps,
  limit: number,
  looked: Pick<Known, 'events' | 'found'> | null,
): number {
  const needed = ((looked?.events ?? look) * MARGIN * limit) / Math.max(looked?.found ?? 0, 1)
  return Math.min(Math.max(needed / stretch, 1), STRETCH_FACTOR.most)
}

/** How much larger the next step should be to hold `wanted` rows, when this one held so many. */
function factor(wanted: number, found: number, { least, most }: { least: number; most: number }): number {
  return Math.min(Math.max(wanted / Math.max(found, 1), least), most)
}
