/** A node whose backup job runs each night, told to a real database with a clock that the test sets. */
import { v7 as uuidv7 } from 'uuid'
import { dialectOf } from '../../src/ingest/dialects.ts'
import { judgeEvent } from '../../src/ingest/judge.ts'
import type { Watcher } from '../../src/ingest/watcher.ts'
import type { Log } from '../../src/log.ts'
import { type Catalog, createCatalog } from '../../src/scores/catalog.ts'
import { BUNDLED_DIR, loadFolder } from '../../src/scores/load.ts'
import { openWatcher } from '../../src/start-watching.ts'
import type { Database } from '../../src/storage/database.ts'
import { storeEvents } from '../../src/storage/store-events.ts'
import { renderVzdump, type SentGuest } from './vzdump.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** 02:00 in Berlin on a day of 2026; the clocks change on 29 March and 25 October. */
export function night(date: string): number {
  const isSummer = date >= '2026-03-29' && date < '2026-10-25'
  return Date.parse(`${date}T0${isSummer ? 0 : 1}:00:00Z`)
}

/** So many dates from `first` on. */
export function dates(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.parse(`${first}T12:00:00Z`) + index * DAY).toISOString().slice(0, 10),
  )
}

export type Run = {
  startedAt: number
  guests: readonly SentGuest[]
  node?: string
  jobId?: string | null
  cluster?: string
  totalSeconds?: number
}

/** When the node sends the report of a run, in milliseconds. */
export function endOf({ startedAt, guests, totalSeconds }: Run): number {
  return startedAt + (totalSeconds ?? guests.reduce((sum, { seconds }) => sum + seconds, 0)) * 1000
}

/** The native body that a node sends at the end of a run. */
export function bodyOf(run: Run): Record<string, unknown> {
  const { guests, node = 'pve-01', jobId = 'backup-nightly', totalSeconds } = run
  const { title, message } = renderVzdump({
    fqdn: `${node}.example.lan`,
    guests,
    ...(totalSeconds !== undefined && { totalSeconds }),
  })
  const severity = guests.every(({ state }) => state === 'ok') ? 'info' : 'error'
  const fields = { hostname: node, type: 'vzdump', ...(jobId && { 'job-id': jobId }) }
  return { title, message, severity, timestamp: Math.floor(endOf(run) / 1000), fields }
}

export async function bundledCatalog(): Promise<Catalog> {
  const { scores } = await loadFolder(BUNDLED_DIR, 'bundled')
  return createCatalog(scores.map(({ score }) => score))
}

export type Nights = {
  clock: { now: number }
  /** Stores the report of a run, whatever the clock says. */
  report: (...runs: Run[]) => Promise<void>
  /** A server's watcher, as after its start. */
  watcher: () => Watcher
  /** The server was away, and is back. */
  comeBack: () => void
  /** What the watch has said, in the order of time. */
  said: () => Promise<Said[]>
}

export type Said = {
  at: string
  title: string
  severity: number
  stackId: string
  resolved: boolean
  state: string
  externalId: string
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} }

export async function startNights(db: Database): Promise<Nights> {
  const catalog = await bundledCatalog()
  const clock = { now: 0 }
  const now = () => new Date(clock.now)
  let span: { id: string; from: Date } | null = null
  const attending = () => (span ??= { id: uuidv7(), from: now() })

  async function report(...runs: Run[]): Promise<void> {
    const events = runs.map((run) => {
      const body = bodyOf(run)
      const parsed = dialectOf('/ingest/proxmox').parse(body, { now: now(), provider: null })
      return judgeEvent(catalog, parsed.event, {
        receivedAt: now(),
        payload: parsed.payload ?? body,
        warnings: [],
        idempotency: null,
        cluster: run.cluster ?? 'lab',
      })
    })
    await storeEvents(db, events)
  }

  return {
    clock,
    report,
    watcher: () =>
      openWatcher({
        db,
        catalog: () => catalog,
        write: (event) => storeEvents(db, [event]),
        now,
        log: SILENT,
        attending,
      }),
    comeBack: () => {
      span = null
    },
    said: () =>
      db.read<Said[]>`
        SELECT to_char(e.start_date AT TIME ZONE 'UTC', 'MM-DD HH24:MI') AS at, e.title, e.severity,
               e.stack_id AS "stackId", s.resolved, e.metadata->>'state' AS state, e.external_id AS "externalId"
        FROM events e JOIN stacks s ON s.id = e.stack_id
        WHERE e.provider = 'tempo.watch' ORDER BY e.start_date, e.id`,
  }
}
