import { effectiveMetadata } from '../adapters/proxmox.ts'
import { type ActionTemplate, bandOf, type StoredEvent, type StoredStack } from '../event.ts'
import { resolveActions } from '../scores/actions.ts'
import type { Catalog } from '../scores/catalog.ts'
import type { EventView, StackView } from '../wire.ts'

/** An event as the API gives it. Actions are resolved now, by the score now in force; the rest is as stored. */
export function eventView(event: StoredEvent, catalog: Catalog): EventView {
  const own = Array.isArray(event.payload.actions) ? (event.payload.actions as ActionTemplate[]) : []
  return {
    id: event.id,
    stackId: event.stackId,
    provider: event.provider,
    source: catalog.nameOf(event.provider),
    title: event.title,
    subtitle: event.subtitle,
    startDate: event.startDate.toISOString(),
    endDate: event.endDate?.toISOString() ?? null,
    receivedAt: event.receivedAt.toISOString(),
    eventType: event.eventType,
    severity: event.severity,
    band: bandOf(event.severity),
    label: event.label,
    color: event.color,
    externalID: event.externalID,
    metadata: event.metadata,
    facts: event.facts,
    derivedFrom: event.derivedFrom,
    tags: event.tags,
    indicator: event.indicator,
    surface: event.surface,
    progress: event.progress,
    actions: resolveActions(catalog.find(event.provider)?.score, completed(event), own),
    ackedAt: event.ackedAt?.toISOString() ?? null,
    dismissedAt: event.dismissedAt?.toISOString() ?? null,
  }
}

/** With what was found beside the metadata, as its actions see it. */
function completed(event: StoredEvent): StoredEvent {
  return event.facts
    ? { ...event, metadata: effectiveMetadata(event.metadata, { facts: event.facts }) }
    : event
}

/** A stack as the API gives it. */
export function stackView(stack: StoredStack, catalog: Catalog): StackView {
  return {
    id: stack.id,
    provider: stack.provider,
    source: catalog.nameOf(stack.provider),
    key: stack.key,
    node: stack.node,
    vmid: stack.vmid,
    title: stack.title,
    openedAt: stack.openedAt.toISOString(),
    closesAt: stack.closesAt?.toISOString() ?? null,
    firstEventAt: stack.firstEventAt.toISOString(),
    lastEventAt: stack.lastEventAt.toISOString(),
    count: stack.count,
    severity: stack.severity,
    band: bandOf(stack.severity),
    label: stack.label,
    resolved: stack.resolved,
    ackedAt: stack.ackedAt?.toISOString() ?? null,
    dismissedAt: stack.dismissedAt?.toISOString() ?? null,
    latest: eventView(stack.latest, catalog),
  }
}
