/**
 * Lists of what holds certain words, first page first. The index of words gives its matches in no order, and the list
 * in order does not know the words. So both are asked in turn, in growing steps, and whichever has a whole page first
 * is done: the beginning of the list, row by row, which suits frequent words and filters that leave little; and the matches
 * of the newest stretch of time, then of longer ones, which suits rare words. What a page costs depends on how
 * frequent its words are, not on how many events there are (docs/adr/0008-reads.md).
 */
import type { Tx } from './database.ts'
import { eventConditions, type Filter, type Fragment, stackConditions } from './filters.ts'
import { comparePlaces, type Place, spanning, walkEvents, walkStacks } from './walk.ts'
import { isStackMatching, matchesIn, matchingEvents, matchingStacks, type WordIndex } from './word-index.ts'

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
const STEPS: Steps = { look: 200, stretch: 1_000 }
/** Rows that are looked through at the most. */
const LOOK_MOST = 12_800
/** How much more is looked through the next time, and how much longer the next stretch is, at least and at most. */
const LOOK_FACTOR = { least: 1.5, most: 8 }
const STRETCH_FACTOR = { least: 1.5, most: 32 }
/** As many times the rows of the first look are looked through before the index is asked, if that should do. */
const LOOK_AGAIN = 3
/** How many times the rows of a page the next step should hold, by what the one before held. */
const MARGIN = 2
/** As many times the shortest stretch tell how long it is: events come in crowds. */
const CROWDS = 8

const HOUR_MS = 3_600_000
/** What is looked through at once: stacks, and their events. */
const MOST_STACKS = 2_000
const MOST_EVENTS = 40_000

/** The first events that match, newest start first. */
export async function searchEvents(tx: Tx, search: Search): Promise<Place[]> {
  const { filter, index, limit, further } = search
  const { words, ...rest } = filter
  const look = async (count: number) => {
    const places = await walkEvents(tx, rest, count, further)
    const matching = await matchingEvents(tx, words, index, idsOf(places))
    return { ...keep(places, matching, count, limit), events: places.length }
  }
  const [ends] = await tx<Ends[]>`
    SELECT (SELECT max(start_date) FROM events) AS newest, ${oldestAndNear(tx, search)}`
  const ask = async (window: Window | null) => {
    const matches = matchesIn(tx, words, index, window)
    const rows = await tx<Place[]>`
      SELECT e.id, e.start_date AS "sortAt" FROM (${matches}) m JOIN events e ON e.id = m.id
      WHERE ${eventConditions(tx, rest)} ${since(tx, tx`e.start_date`, search)} ${further}
        ${window ? tx`AND e.start_date >= ${new Date(window.from)}` : tx``}
      ORDER BY e.start_date DESC, e.id DESC LIMIT ${limit}`
    return { rows, complete: rows.length >= limit || window === null || window.isLast }
  }
  return inTurn(search, ends!, look, ask)
}

/** The first stacks of which an event matches, newest last event first. */
export async function searchStacks(tx: Tx, search: Search): Promise<Place[]> {
  const { filter, index, limit, further } = search
  const { words, ...rest } = filter
  const { to } = filter
  const look = async (count: number) => {
    const places = await walkStacks(tx, rest, count, further)
    const among = await stacksAmong(tx, search, idsOf(places))
    return among && { ...keep(places, among.matching, count, limit), events: among.events }
  }
  const [ends] = await tx<Ends[]>`
    SELECT (SELECT max(last_event_at) FROM stacks) AS newest, ${oldestAndNear(tx, search)}`
  const behind = async () => (to ? ((await matchingSpans(tx, search, to, to, null)) ?? []) : [])
  const ask = async (window: Window | null) => {
    const matches = matchesIn(tx, words, index, window && { ...window, from: window.from - HOUR_MS })
    const rows = await tx<Place[]>`
      WITH m AS MATERIALIZED (
        SELECT DISTINCT e.stack_id FROM (${matches}) m JOIN events e ON e.id = m.id)
      SELECT s.id, s.last_event_at AS "sortAt" FROM m JOIN stacks s ON s.id = m.stack_id
      WHERE ${stackConditions(tx, rest)} ${since(tx, tx`s.last_event_at`, search)} ${further}
        ${window ? tx`AND s.last_event_at >= ${new Date(window.from)}` : tx``}
      ORDER BY s.last_event_at DESC, s.id DESC LIMIT ${limit}`
    if (!window) return { rows: merge(limit, await behind(), rows), complete: true }
    if (rows.length < limit && !window.isLast) return { rows, complete: false }
    const least = rows.length < limit ? new Date(window.from) : rows.at(-1)!.sortAt
    const older = await matchingSpans(tx, search, new Date(window.from - HOUR_MS), least, MOST_STACKS)
    if (older === null) return { rows, complete: false }
    return { rows: merge(limit, await behind(), rows, older), complete: true }
  }
  return inTurn(search, ends!, look, ask)
}

function oldestAndNear(tx: Tx, search: Search): Fragment {
  const { stretch } = search.steps ?? STEPS
  return tx`
    (SELECT min(start_date) FROM events) AS oldest,
    (SELECT e.start_date FROM events e WHERE true ${since(tx, tx`e.start_date`, search)}
     ORDER BY e.start_date DESC OFFSET ${CROWDS * stretch} LIMIT 1) AS near`
}

const idsOf = (places: Place[]) => places.map(({ id }) => id)

/** `complete`: nothing that comes before their last is missing, and they fill the page or there are no more. */
type Step = { rows: Place[]; complete: boolean }
/** With the number of events that were looked through. */
type Looked = Step & { events: number }

/** What matches among the first `count` places. */
function keep(places: Place[], matching: Set<string>, count: number, limit: number): Step {
  const rows = places.filter(({ id }) => matching.has(id)).slice(0, limit)
  return { rows, complete: rows.length >= limit || places.length < count }
}

/** The first places of several lists, which may share some. */
function merge(limit: number, ...lists: Place[][]): Place[] {
  const byId = new Map(lists.flat().map((place) => [place.id, place]))
  return [...byId.values()].sort(comparePlaces).slice(0, limit)
}

/** Which of the stacks match, and the number of their events; null when these are too many to look through. */
async function stacksAmong(
  tx: Tx,
  { filter, index }: Search,
  ids: string[],
): Promise<{ matching: Set<string>; events: number } | null> {
  const [sum] = await tx<{ events: number }[]>`
    SELECT coalesce(sum(event_count), 0)::int AS events FROM stacks
    WHERE id IN (SELECT value::uuid FROM json_array_elements_text(${JSON.stringify(ids)}::json))`
  const { events } = sum!
  if (events > MOST_EVENTS) return null
  return { matching: await matchingStacks(tx, filter.words, index, ids), events }
}

/**
 * Stacks that begin before `at`, end at `least` or later, and match; null when there are more than `most` of one length,
 * or they hold too many events. With `most`, only by an event before `at`: those after it are found already. Without, they
 * are looked through however many they are.
 */
async function matchingSpans(
  tx: Tx,
  search: Search,
  at: Date,
  least: Date,
  most: number | null,
): Promise<Place[] | null> {
  const { words, ...rest } = search.filter
  const { newest, further, index } = search
  const narrowed = tx`${newest ? tx`AND s.last_event_at <= ${newest}` : tx``} ${further}`
  const isFew = most === null ? tx`true` : tx`n.stacks < ${most} AND n.events <= ${MOST_EVENTS}`
  const rows = await tx<(Place | { id: null })[]>`
    WITH p AS MATERIALIZED (${spanning(tx, rest, at, least, most, narrowed)}),
    n AS MATERIALIZED (SELECT count(*) AS stacks, sum(event_count) AS events FROM p)
    SELECT p.id, p.sort_at AS "sortAt" FROM p CROSS JOIN n
    WHERE ${isFew} AND ${isStackMatching(tx, words, index, tx`p.id`, most === null ? null : at)}
    UNION ALL SELECT NULL, NULL FROM n WHERE NOT (${isFew})`
  return rows.some(({ id }) => id === null) ? null : (rows as Place[])
}

/** The newest and the oldest instant of all, and that of an event some way down the list; null: there are not so many. */
type Ends = { newest: Date | null; near: Date | null; oldest: Date | null }

/** A stretch of time. `isLast`: the filter's time begins with it. */
type Window = { from: number; to: number; isLast: boolean }

/**
 * Looks through the beginning of the list, and once more when that should do; what it finds tells how far back a page
 * goes. Then asks for such a stretch of time, and for longer ones, in the end for all of time, which is null. Looking goes
 * on only where the filter leaves out much that the index finds.
 */
async function inTurn(
  { filter, limit, newest, steps = STEPS }: Search,
  ends: Ends,
  look: (count: number) => Promise<Looked | null>,
  ask: (window: Window | null) => Promise<Step>,
): Promise<Place[]> {
  if (ends.newest === null) return []
  const to = Math.min(...[ends.newest, newest, filter.to].flatMap((at) => at?.getTime() ?? []))
  const oldest = ends.oldest?.getTime() ?? to
  const least = filter.from?.getTime() ?? Number.NEGATIVE_INFINITY
  // Of events that a clock far off has put into the future there are few.
  const present = Math.max(Math.min(to, Date.now()), ends.near?.getTime() ?? 0)
  const isNarrow = Boolean(filter.vmid || filter.node || filter.provider || filter.severity)
  let length = ends.near ? (present - ends.near.getTime() + 1) / CROWDS : Number.POSITIVE_INFINITY
  let count = steps.look
  const lookOn = async (): Promise<Looked | null> => {
    const looked = await look(count)
    count = Math.ceil(count * factor(MARGIN * limit, looked?.rows.length ?? 0, LOOK_FACTOR))
    return looked
  }
  const begun = await lookOn()
  if (begun?.complete) return begun.rows
  length *= firstStretch(steps, limit, begun)
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

/** How many times the shortest stretch should hold a page, by the part of the events that matched in the first look. */
function firstStretch({ look, stretch }: Steps, limit: number, looked: Looked | null): number {
  const needed = ((looked?.events ?? look) * MARGIN * limit) / Math.max(looked?.rows.length ?? 0, 0.5)
  return Math.min(Math.max(needed / stretch, 1), STRETCH_FACTOR.most)
}

/** How much larger the next step should be to hold `wanted` rows, when this one held so many. */
function factor(wanted: number, found: number, { least, most }: { least: number; most: number }): number {
  return Math.min(Math.max(wanted / Math.max(found, 1), least), most)
}

/** Rows at or before the newest that the page can have; their end is part of the filter. */
function since(tx: Tx, column: Fragment, { newest, filter }: Search): Fragment {
  return tx`${newest ? tx`AND ${column} <= ${newest}` : tx``} ${filter.to ? tx`AND ${column} < ${filter.to}` : tx``}`
}
