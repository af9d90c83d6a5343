import { effectiveMetadata } from '../adapters/proxmox.ts'
import { parseTempoPayload } from '../adapters/tempo.ts'
import type { IncomingEvent, StoredEvent } from '../event.ts'

/** A stored event as scores saw it: its payload, read again as of the time of its arrival, with what was found. */
export function replayEvent({ payload, metadata, facts, provider, receivedAt }: StoredEvent): IncomingEvent {
  const { event } = parseTempoPayload({ ...payload, metadata }, { now: receivedAt, provider })
  return { ...event, metadata: effectiveMetadata(event.metadata, { facts: facts ?? {} }) }
}
