import { effectiveMetadata, enrichProxmox } from '../adapters/proxmox.ts'
import type { IncomingEvent, JudgedEvent, Metadata } from '../event.ts'
import { newId } from '../new-id.ts'
import type { Catalog } from '../scores/catalog.ts'
import { type Evaluation, evaluateEvent } from '../scores/evaluate.ts'
import { findEpisode } from './episode.ts'
import { readReport } from './read-report.ts'

/** What belongs to an event beside its content. */
export type Arrival = {
  /** That was answered already; else one is made. */
  id?: string
  /** It comes from the spool. */
  replay?: boolean
  receivedAt: Date
  payload: Metadata
  warnings: string[]
  idempotency: { tokenId: string; key: string } | null
  /** Metadata that the token adds where it is missing. */
  defaults?: Readonly<Record<string, string>> | undefined
  /** Names the cluster of a report when nothing else does. */
  cluster?: string
}

/** An event as scores see it: with what its token adds, and what can be found in it. */
export function completeEvent(
  event: IncomingEvent,
  defaults: Readonly<Record<string, string>> = {},
): { event: IncomingEvent; facts: Record<string, string>; enrichment: ReturnType<typeof enrichProxmox> } {
  const metadata = effectiveMetadata(event.metadata, { facts: defaults })
  const enrichment = enrichProxmox({ ...event, metadata })
  const added = Object.entries(defaults).filter(([name]) => metadata[name] !== event.metadata[name])
  return {
    event: { ...event, metadata: { ...metadata, ...enrichment.facts } },
    facts: { ...Object.fromEntries(added), ...enrichment.facts },
    enrichment,
  }
}

/** Lets the provider's score judge an event and makes it ready to be stored, with what is taken from it. */
export function judgeEvent(catalog: Catalog, event: IncomingEvent, arrival: Arrival): JudgedEvent {
  const complete = completeEvent(event, arrival.defaults)
  const verdict = evaluateEvent(catalog.find(event.provider)?.score, complete.event)
  const { metadata: _metadata, ...rest } = arrival.payload
  // As they were understood: trimmed, with the one trigger that holds a value.
  const payload = event.actions.length > 0 ? { ...rest, actions: event.actions } : rest
  const id = arrival.id ?? newId()
  const judged: JudgedEvent = {
    ...judgedParts(event, verdict),
    id,
    receivedAt: arrival.receivedAt,
    facts: Object.keys(complete.facts).length > 0 ? complete.facts : null,
    derivedFrom: null,
    payload,
    warnings: arrival.warnings,
    idempotency: arrival.idempotency,
    replay: arrival.replay ?? false,
    ...findEpisode(complete.event, verdict),
  }
  const read = readReport(complete.event, complete.enrichment, id, arrival.cluster ?? '')
  if (!read) return judged
  const derived = read.events.map((one): JudgedEvent => {
    const outcome = evaluateEvent(catalog.find(one.event.provider)?.score, one.event)
    return {
      ...judgedParts(one.event, outcome),
      id: one.id,
      receivedAt: arrival.receivedAt,
      facts: null,
      derivedFrom: id,
      payload: { title: one.event.title, startDate: one.event.startDate.toISOString() },
      warnings: [],
      idempotency: null,
      replay: false,
    }
  })
  return { ...judged, derived, report: read.report }
}

function judgedParts(event: IncomingEvent, verdict: Evaluation) {
  return {
    provider: event.provider,
    externalID: event.externalID,
    title: verdict.title,
    subtitle: verdict.subtitle,
    startDate: event.startDate,
    endDate: event.endDate,
    eventType: event.eventType,
    severity: verdict.severity,
    label: verdict.label,
    color: verdict.color,
    node: verdict.node,
    vmid: verdict.vmid,
    key: verdict.key,
    windowMs: verdict.windowMs,
    role: verdict.role,
    currentState: verdict.stackColor === 'current-state',
    closedSeverity: verdict.closedSeverity,
    stackTitle: verdict.stackTitle,
    indicator: verdict.indicator,
    tags: verdict.tags,
    surface: verdict.surface,
    progress: verdict.progress,
    acked: verdict.acked,
    dismissed: verdict.dismissed,
    metadata: event.metadata,
  }
}
