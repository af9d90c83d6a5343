import { v7 as uuidv7 } from 'uuid'
import type { IncomingEvent, JudgedEvent, Metadata } from '../event.ts'
import type { Catalog } from '../scores/catalog.ts'
import { evaluateEvent } from '../scores/evaluate.ts'

/** What belongs to an event beside its content. */
export type Arrival = {
  receivedAt: Date
  payload: Metadata
  warnings: string[]
  idempotency: { tokenId: string; key: string } | null
}

/** Lets the provider's score judge an event and makes it ready to be stored. */
export function judgeEvent(catalog: Catalog, event: IncomingEvent, arrival: Arrival): JudgedEvent {
  const found = catalog.find(event.provider)
  const verdict = evaluateEvent(found?.score, event)
  const { metadata: _metadata, ...rest } = arrival.payload
  // As they were understood: trimmed, with the one trigger that holds a value.
  const payload = event.actions.length > 0 ? { ...rest, actions: event.actions } : rest
  return {
    id: uuidv7(),
    provider: event.provider,
    externalID: event.externalID,
    title: verdict.title,
    subtitle: verdict.subtitle,
    startDate: event.startDate,
    endDate: event.endDate,
    receivedAt: arrival.receivedAt,
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
    payload,
    warnings: arrival.warnings,
    idempotency: arrival.idempotency,
  }
}
