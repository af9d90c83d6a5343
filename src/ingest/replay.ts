import { parseTempoPayload } from '../adapters/tempo.ts'
import type { IncomingEvent, StoredEvent } from '../event.ts'

/** A stored event as it was before a score judged it: its payload, read again as of the time of its arrival. */
export function replayEvent({ payload, metadata, provider, receivedAt }: StoredEvent): IncomingEvent {
  return parseTempoPayload({ ...payload, metadata }, { now: receivedAt, provider }).event
}
