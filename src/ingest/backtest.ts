import type { Severity, StoredEvent } from '../event.ts'
import { type Catalog, createCatalog } from '../scores/catalog.ts'
import { evaluateEvent } from '../scores/evaluate.ts'
import type { ScoreFile } from '../scores/format.ts'
import { replayEvent } from './replay.ts'

/** What of an event a score decides and a back-test compares. */
export type Judgement = { severity: Severity; label: string; key: string | null }

export type BacktestChange = {
  eventId: string
  stackId: string
  provider: string
  title: string
  startDate: Date
  changes: ('severity' | 'label' | 'stack')[]
  before: Judgement
  after: Judgement
}

export type BacktestPage = {
  items: BacktestChange[]
  /** Events looked at for this page. */
  scanned: number
  /** Events whose payload is not understood any more; they are left out. */
  unreadable: number
  /** Where the next page begins; null: all is seen. */
  next: { at: Date; id: string } | null
}

export type BacktestOptions = {
  /** Reads further events, newest first. */
  scan: (after: { at: Date; id: string } | null) => Promise<{ event: StoredEvent; key: string | null }[]>
  after: { at: Date; id: string } | null
  /** Changes on one page. */
  limit: number
  now: () => number
}

/** Events and milliseconds that one page may cost, however few of them change. */
const MAX_SCANNED = 5_000
const MAX_MS = 3_000

/** The catalogue as it would be with an edited score. */
export function withScore(scores: ScoreFile[], edited: ScoreFile): Catalog {
  return createCatalog([...scores, edited])
}

/** Says which stored events the edited score would judge otherwise; changes nothing. */
export async function backtest(catalog: Catalog, options: BacktestOptions): Promise<BacktestPage> {
  const { scan, limit, now } = options
  const end = now() + MAX_MS
  const page: BacktestPage = { items: [], scanned: 0, unreadable: 0, next: options.after }
  while (page.scanned < MAX_SCANNED && now() < end) {
    const lot = await scan(page.next)
    if (lot.length === 0) return { ...page, next: null }
    for (const { event, key } of lot) {
      const change = compare(catalog, event, key)
      if (change === 'unreadable') page.unreadable++
      else if (change) page.items.push(change)
      page.scanned++
      page.next = { at: event.startDate, id: event.id }
      if (page.items.length >= limit) return page
    }
  }
  return page
}

function compare(
  catalog: Catalog,
  event: StoredEvent,
  key: string | null,
): BacktestChange | 'unreadable' | null {
  const after = judge(catalog, event)
  if (!after) return 'unreadable'
  const before = { severity: event.severity, label: event.label, key }
  const changes: BacktestChange['changes'] = []
  if (before.severity !== after.severity) changes.push('severity')
  if (before.label !== after.label) changes.push('label')
  if (before.key !== after.key) changes.push('stack')
  if (changes.length === 0) return null
  const { id, stackId, provider, title, startDate } = event
  return { eventId: id, stackId, provider, title, startDate, changes, before, after }
}

function judge(catalog: Catalog, event: StoredEvent): Judgement | null {
  try {
    const { severity, label, key } = evaluateEvent(catalog.find(event.provider)?.score, replayEvent(event))
    return { severity, label, key }
  } catch {
    return null
  }
}
