import { hash } from 'node:crypto'
import type { Tx } from './database.ts'
import { type Interval, Series } from './placement.ts'

/** One name for a provider and a key; providers hold no spaces, so no two series share a name. */
export function seriesName(provider: string, key: string): string {
  return `${provider} ${key}`
}

/**
 * SQL: true in a transaction that has taken locks by {@link lockNames}. Whoever writes asks for it: after a BEGIN that was
 * refused each statement is a transaction of its own, and the locks are gone.
 */
export const LOCKED = `current_setting('tempo.locked', true) = 'on'`

/**
 * Takes an advisory lock for each name until the transaction ends, in one order everywhere so that no two writers
 * wait for each other. What is read by a later statement is then not being changed by another server. The statement
 * goes out before those that are made after this call. With a `channel`, the commit wakes who listens on it.
 */
export function lockNames(tx: Tx, names: string[], channel?: string): Promise<unknown> {
  const keys = [...new Set(names.map(lockKey))].sort()
  return tx`
    SELECT count(pg_advisory_xact_lock(key::bigint)), set_config('tempo.locked', 'on', true) ${channel ? tx`, pg_notify(${channel}, '')` : tx``}
    FROM json_array_elements_text(${JSON.stringify(keys)}::json) AS key`.execute()
}

function lockKey(name: string): string {
  return Buffer.from(hash('sha256', name), 'hex').readBigInt64BE().toString()
}

type WindowRow = {
  stack_id: string
  provider: string
  key: string
  opened_at: Date
  closes_at: Date | null
  window_ms: string | null
  /** Null where it decides nothing: of the interval before the only moment of its series. */
  last_event_at: Date | null
}

export type Moment = { provider: string; key: string; at: Date }

/**
 * Reads, for each moment, the interval that opens at or before it and the one that opens next, and returns the series
 * by name. Rows are compared as a whole, which only the index in this very order can do: for equal providers and keys
 * PostgreSQL takes the one of the exclusion constraint, and reads all intervals that a key ever had.
 */
export async function findNeighbours(tx: Tx, moments: Moment[]): Promise<Map<string, Series>> {
  if (moments.length === 0) return new Map()
  const intervals = new Map<string, Map<string, Interval>>()
  const shared = new Set<string>()
  for (const { provider, key } of moments) {
    const name = seriesName(provider, key)
    if (intervals.has(name)) shared.add(name)
    else intervals.set(name, new Map())
  }
  const wanted = moments.map(({ provider, key, at }) => ({
    provider,
    key,
    at,
    shared: shared.has(seriesName(provider, key)),
  }))
  const rows = await tx<WindowRow[]>`
    SELECT w.stack_id, w.provider, w.key, w.opened_at, w.closes_at, w.window_ms,
           CASE WHEN w.is_next OR q.shared THEN (SELECT s.last_event_at FROM stacks s WHERE s.id = w.stack_id) END AS last_event_at
    FROM json_to_recordset(${JSON.stringify(wanted)}::json) AS q(provider text, key text, at timestamptz, shared boolean)
    CROSS JOIN LATERAL (
      (SELECT w.*, false AS is_next FROM stack_windows w
       WHERE (w.provider, w.key, w.opened_at) <= (q.provider, q.key, q.at)
       ORDER BY w.provider DESC, w.key DESC, w.opened_at DESC LIMIT 1)
      UNION ALL
      (SELECT w.*, true FROM stack_windows w
       WHERE (w.provider, w.key, w.opened_at) > (q.provider, q.key, q.at)
       ORDER BY w.provider, w.key, w.opened_at LIMIT 1)
    ) w
    WHERE w.provider = q.provider AND w.key = q.key`
  for (const row of rows) {
    const known = intervals.get(seriesName(row.provider, row.key))
    if (known && (row.last_event_at !== null || !known.has(row.stack_id)))
      known.set(row.stack_id, intervalOf(row))
  }
  return new Map([...intervals].map(([name, known]) => [name, new Series([...known.values()])]))
}

function intervalOf(row: WindowRow): Interval {
  return {
    stackId: row.stack_id,
    openedAt: row.opened_at.getTime(),
    closesAt: row.closes_at?.getTime() ?? null,
    windowMs: row.window_ms === null ? null : Number(row.window_ms),
    lastEventAt: (row.last_event_at ?? row.opened_at).getTime(),
  }
}

/** Writes new intervals and those whose ends moved. */
export type WindowRowToWrite = { stackId: string; provider: string; key: string; interval: Interval }

/** The JSON form in which statements take intervals. */
export function windowParameter(rows: Iterable<WindowRowToWrite>): string {
  return JSON.stringify(
    Array.from(rows, ({ stackId, provider, key, interval }) => ({
      stackId,
      provider,
      key,
      openedAt: new Date(interval.openedAt),
      closesAt: writableEnd(interval.closesAt),
      windowMs: interval.windowMs,
    })),
  )
}

/** 10000-01-01, behind which neither ISO 8601 nor an event can be. */
const END_OF_TIME = 253_402_300_800_000

/** The end of an interval as the database takes it; one behind the last possible event is none. */
export function writableEnd(closesAt: number | null): Date | null {
  return closesAt === null || closesAt >= END_OF_TIME ? null : new Date(closesAt)
}
