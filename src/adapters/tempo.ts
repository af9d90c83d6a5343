/** The payload dialect of POST /ingest. What can be kept is kept with a warning; all that cannot is listed at once. */

import { invalidInput } from '../errors.ts'
import type { IncomingEvent } from '../event.ts'
import { readActions } from './tempo/actions.ts'
import { readEventType, readSeverity } from './tempo/choices.ts'
import { readEndDate, readStartDate } from './tempo/dates.ts'
import { Findings } from './tempo/findings.ts'
import { readMetadata } from './tempo/metadata.ts'
import { readProvider } from './tempo/provider.ts'
import { readColor, readExternalID, readGroupingKey, readRecurrenceRule } from './tempo/texts.ts'
import { readTitle } from './tempo/title.ts'
import { readUnknownKeys } from './tempo/unknown-keys.ts'

/** The provider that the payload names, valid or not, so that a token's binding can be checked before the rest. */
export function claimedProvider(value: Record<string, unknown>): string | null {
  const provider = value.providerIdentifier
  return typeof provider === 'string' && provider.trim() !== '' ? provider.trim() : null
}

/**
 * One event of our own dialect. `options.provider` is what a token bound to exactly one provider adds when the
 * payload leaves it out. Throws 422 with every problem; the metadata given back is the payload's own object.
 */
export function parseTempoPayload(
  value: Record<string, unknown>,
  options: { now: Date; provider: string | null },
): { event: IncomingEvent; warnings: string[] } {
  const found = new Findings()
  const meant = readUnknownKeys(value, found)
  const provider = readProvider(value.providerIdentifier, options.provider, meant, found)
  const title = readTitle(value.title, meant, found)
  const startDate = readStartDate(value.startDate, options.now, found)
  const event: IncomingEvent = {
    provider,
    title,
    startDate,
    endDate: readEndDate(value.endDate, startDate, found),
    eventType: readEventType(value.eventType, found),
    externalID: readExternalID(value.externalID, found),
    severity: readSeverity(value.severity, found),
    color: readColor(value.color, found),
    groupingKey: readGroupingKey(value.groupingKey, found),
    recurrenceRule: readRecurrenceRule(value.recurrenceRule, found),
    actions: readActions(value.actions, found),
    metadata: readMetadata(value.metadata, found),
  }
  if (found.errors.length > 0) throw invalidInput('event', found.errors)
  return { event, warnings: found.warnings }
}
