/** What a process remembers of the series that it wrote to, to place events before it has asked the database. */
import type { Database } from './database.ts'
import { type Interval, Series } from './placement.ts'
import { type Moment, seriesName, writableEnd } from './series.ts'

/** Series that are remembered at the most; those last written to, of which half as many are at least. Some 300 bytes each. */
const MOST_SERIES = 20_000

/** The newest interval of each series by the series' name. Another server may have changed it meanwhile. */
export type Newest = Map<string, Interval>

/** Those written to since, and before, half of the bound was full. */
type Memory = { young: Newest; old: Newest }

const memories = new WeakMap<Database, Memory>()

function memoryOf(db: Database): Memory {
  const known = memories.get(db) ?? { young: new Map(), old: new Map() }
  memories.set(db, known)
  return known
}

/** The newest intervals of the series of all moments; null unless each is remembered and opens before its moments. */
export function recall(db: Database, moments: Moment[]): Newest | null {
  const { young, old } = memoryOf(db)
  const found: Newest = new Map()
  for (const { provider, key, at } of moments) {
    const name = seriesName(provider, key)
    const interval = young.get(name) ?? old.get(name)
    if (!interval || at.getTime() < interval.openedAt) return null
    found.set(name, interval)
  }
  return found
}

/** What is known already is changed in place: thousands of new objects a second that last are dear to collect. */
export function remember(db: Database, newest: Newest): void {
  const memory = memoryOf(db)
  for (const [name, interval] of newest) {
    const known = memory.young.get(name)
    if (known) Object.assign(known, interval)
    else memory.young.set(name, { ...interval })
  }
  if (memory.young.size < MOST_SERIES / 2) return
  memory.old = memory.young
  memory.young = new Map()
}

export function forget(db: Database, names: Iterable<string>): void {
  const { young, old } = memoryOf(db)
  for (const name of names) {
    young.delete(name)
    old.delete(name)
  }
}

/** Series to place events in, made of their newest intervals; those stay as they are. */
export function seriesOf(newest: Newest): Map<string, Series> {
  return new Map(Array.from(newest, ([name, interval]) => [name, new Series([{ ...interval }])]))
}

/** The newest intervals of series that are known from one of their moments on, or from their newest interval on. */
export function newestOf(series: Map<string, Series>): Newest {
  const newest: Newest = new Map()
  for (const [name, { intervals }] of series) {
    const last = intervals.at(-1)
    if (last) newest.set(name, { ...last, closesAt: writableEnd(last.closesAt)?.getTime() ?? null })
  }
  return newest
}

/** Those of the series in which nothing opens after the last of their moments, as it was read for these. */
export function knownToTheirEnd(series: Map<string, Series>, moments: Moment[]): Map<string, Series> {
  const latest = new Map<string, number>()
  for (const { provider, key, at } of moments) {
    const name = seriesName(provider, key)
    latest.set(name, Math.max(latest.get(name) ?? at.getTime(), at.getTime()))
  }
  return new Map(
    [...series].filter(([name, { intervals }]) =>
      intervals.every(({ openedAt }) => openedAt <= latest.get(name)!),
    ),
  )
}

/**
 * SQLSTATEs that say that what is remembered is no longer so: serialization_failure (`require_undisturbed`), and
 * exclusion_violation, of an interval that was thought to be free.
 */
const STALE = new Set(['40001', '23P01'])

export function isStale(error: unknown): boolean {
  return STALE.has(String((error as { code?: unknown } | null)?.code))
}
