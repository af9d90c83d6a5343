/** Events for the tests of this folder. */
import type { IncomingEvent } from '../event.ts'
import { createMetadataReader } from './metadata.ts'
import { type Values, valuesOf } from './template.ts'

export function sampleEvent(changes: Partial<IncomingEvent> = {}): IncomingEvent {
  return {
    provider: 'com.example',
    title: 'A title',
    startDate: new Date('2026-04-29T03:14:00Z'),
    endDate: null,
    eventType: 'alert',
    externalID: null,
    severity: null,
    color: null,
    groupingKey: null,
    recurrenceRule: null,
    actions: [],
    metadata: {},
    ...changes,
  }
}

/** What rules and templates read of an event with this metadata. */
export function read(metadata: IncomingEvent['metadata']): {
  metadata: ReturnType<typeof createMetadataReader>
  values: Values
} {
  const reader = createMetadataReader(metadata)
  return { metadata: reader, values: valuesOf(sampleEvent({ metadata }), reader) }
}
