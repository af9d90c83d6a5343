/**
 * Lists of what holds certain words, first page first. The index of words gives its matches in no order, and the list
 * in order does not know the words. So both are asked in turn, in growing steps, and whichever has a whole page first
 * is done: the beginning of the list, row by row, which suits frequent words and filters that leave little; and the matches
 * of the newest stretch of time, then of longer ones, which suits rare words. What a page costs depends on how
 * frequent its words are, not on how many events there are (docs/adr/0008-reads.md).
 */
import type { Tx } from './database.ts'
import { eventConditions, type Fragment, stackConditions } from './filters.ts'
import {
  CROWDS,
  type Ends,
  inTurn,
  type Known,
  type Looked,
  type Search,
  STEPS,
  type Step,
  type Window,
} from './search-steps.ts'
import { comparePlaces, type Place, spanning, walkEvents, walkStacks } from './walk.ts'
import { asIds, isStackMatching, matchesIn, matchingEvents, matchingStacks } from './word-index.ts'

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
    return { ...keep(places, matching, count, limit), places: places.length, events: places.length }
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
export function searchStacks(tx: Tx, search: Search): Promise<Place[]> {
  const { to } = search.filter
  return to ? searchUpTo(tx, search, to) : searchEnded(tx, search, null)
}

/**
 * The same of those that begin before `to`. The first of them, which span it, are looked through themselves; how many of them
 * match tells where to find the rest, which end before it.
 */
async function searchUpTo(tx: Tx, search: Search, to: Date): Promise<Place[]> {
  const { filter, limit, newest, further } = search
  const spans = (await matchingSpans(tx, search, to, to, null))!
  const found = merge(limit, spans.rows)
  if (found.length === limit) return found
  const rest: Search = {
    ...search,
    filter: { ...filter, to: undefined },
    limit: limit - found.length,
    newest: newest && newest < to ? newest : to,
    further: tx`${further} AND s.last_event_at < ${to}`,
  }
  return [...found, ...(await searchEnded(tx, rest, { ...spans, found: found.length }))]
}

/** The same of those that the filter's end of time leaves as they are. */
async function searchEnded(tx: Tx, search: Search, known: Known | null): Promise<Place[]> {
  const { filter, index, limit, further } = search
  const { words, ...rest } = filter
  const [ends] = await tx<Ends[]>`
    SELECT (SELECT max(last_event_at) FROM stacks) AS newest, ${oldestAndNear(tx, search)}`
  const ask = async (window: Window | null) => {
    const matches = matchesIn(tx, words, index, window && { ...window, from: window.from - HOUR_MS })
    const rows = await tx<Place[]>`
      WITH m AS MATERIALIZED (
        SELECT DISTINCT e.stack_id FROM (${matches}) m JOIN events e ON e.id = m.id)
      SELECT s.id, s.last_event_at AS "sortAt" FROM m JOIN stacks s ON s.id = m.stack_id
      WHERE ${stackConditions(tx, rest)} ${since(tx, tx`s.last_event_at`, search)} ${further}
        ${window ? tx`AND s.last_event_at >= ${new Date(window.from)}` : tx``}
      ORDER BY s.last_event_at DESC, s.id DESC LIMIT ${limit}`
    if (!window) return { rows, complete: true }
    if (rows.length < limit && !window.isLast) return { rows, complete: false }
    const least = rows.length < limit ? new Date(window.from) : rows.at(-1)!.sortAt
    const older = await matchingSpans(tx, search, new Date(window.from - HOUR_MS), least, MOST_STACKS)
    return older ? { rows: merge(limit, rows, older.rows), complete: true } : { rows, complete: false }
  }
  return inTurn(search, ends!, (count) => lookThrough(tx, search, count), ask, known)
}

/** The first `count` stacks of the list; null when their events are too many to look through. */
async function lookThrough(tx: Tx, search: Search, count: number): Promise<Looked | null> {
  const { words: _, ...rest } = search.filter
  const places = await walkStacks(tx, rest, count, search.further)
  const among = await stacksAmong(tx, search, idsOf(places))
  if (!among) return null
  const step = keep(places, among.matching, count, search.limit)
  return { ...step, places: places.length, events: among.events }
}

function oldestAndNear(tx: Tx, search: Search): Fragment {
  const { stretch } = search.steps ?? STEPS
  return tx`
    (SELECT min(start_date) FROM events) AS oldest,
    (SELECT e.start_date FROM events e WHERE true ${since(tx, tx`e.start_date`, search)}
     ORDER BY e.start_date DESC OFFSET ${CROWDS * stretch} LIMIT 1) AS near`
}

const idsOf = (places: Place[]) => places.map(({ id }) => id)

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
    WHERE id IN (${asIds(tx, ids)})`
  const { events } = sum!
  if (events > MOST_EVENTS) return null
  return { matching: await matchingStacks(tx, filter.words, index, ids), events }
}

/**
 * Stacks that begin before `at`, end at `least` or later, and match, the first of them; null when there are more than `most`
 * of one length, or they hold too many events. With `most`, only by an event before `at`: those after it are found already.
 * Without, they are looked through however many they are, up to the last of the page.
 */
async function matchingSpans(
  tx: Tx,
  search: Search,
  at: Date,
  least: Date,
  most: number | null,
): Promise<Omit<Looked, 'complete'> | null> {
  const { words, ...rest } = search.filter
  const { newest, further, index, limit } = search
  const narrowed = tx`${newest ? tx`AND s.last_event_at <= ${newest}` : tx``} ${further}`
  const isFew = most === null ? tx`true` : tx`n.stacks < ${most} AND n.events <= ${MOST_EVENTS}`
  const found = await tx<(Place & { stacks: number; events: number; isFew: boolean })[]>`
    WITH p AS MATERIALIZED (${spanning(tx, rest, at, least, most, narrowed)}),
    n AS MATERIALIZED (SELECT count(*)::int AS stacks, coalesce(sum(event_count), 0)::int AS events FROM p)
    SELECT m.id, m.sort_at AS "sortAt", n.stacks, n.events, ${isFew} AS "isFew" FROM n LEFT JOIN LATERAL (
      SELECT o.id, o.sort_at FROM (SELECT p.id, p.sort_at FROM p ORDER BY p.sort_at DESC, p.id DESC OFFSET 0) o
      WHERE ${isFew} AND ${isStackMatching(tx, words, index, tx`o.id`, most === null ? null : at)}
      LIMIT ${limit}) m ON true`
  const { stacks: places, events, isFew: isDone } = found[0]!
  return isDone ? { rows: found.filter(({ id }) => id !== null), places, events } : null
}

/** Rows at or before the newest that the page can have; their end is part of the filter. */
function since(tx: Tx, column: Fragment, { newest, filter }: Search): Fragment {
  return tx`${newest ? tx`AND ${column} <= ${newest}` : tx``} ${filter.to ? tx`AND ${column} < ${filter.to}` : tx``}`
}
