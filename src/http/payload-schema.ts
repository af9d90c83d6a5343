import { z } from '@hono/zod-openapi'
import { EVENT_TYPES, providerIdentifier, SEVERITIES } from '../event.ts'

const timestamp = z.union([z.string(), z.number()]).openapi({
  description: 'ISO 8601 with a zone, or Unix seconds (beyond 1e11: milliseconds)',
  example: '2026-04-29T03:14:00Z',
})
const trigger = z.union([
  z.strictObject({ openURL: z.string() }),
  z.strictObject({ copyToClipboard: z.string() }),
])

/**
 * The payload of /ingest for the OpenAPI document. Adapters check payloads by hand, because a metadata object must
 * pass through untouched and all problems are told at once; a test holds both to the same verdicts.
 */
export const PayloadSchema = z
  .looseObject({
    title: z
      .string()
      .trim()
      .min(1)
      .openapi({ description: 'Longer than 1,000 characters: cut, with a warning' }),
    providerIdentifier: providerIdentifier
      .nullish()
      .openapi({ description: 'May be left out when the token is bound to exactly one' }),
    startDate: timestamp.nullish(),
    endDate: timestamp.nullish(),
    eventType: z.enum(EVENT_TYPES).nullish(),
    externalID: z.union([z.string().trim().max(200), z.number()]).nullish(),
    severity: z.enum(SEVERITIES).nullish(),
    color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/)
      .nullish(),
    groupingKey: z.union([z.string().trim().max(500), z.number()]).nullish(),
    recurrenceRule: z.string().trim().max(1_000).nullish(),
    actions: z
      .array(
        z.looseObject({
          label: z.string().trim().min(1).max(100),
          systemIcon: z.string().nullish(),
          trigger,
        }),
      )
      .max(8)
      .nullish(),
    metadata: z
      .record(z.string(), z.unknown())
      .nullish()
      .openapi({ description: 'At most 256 keys and 16 levels' }),
  })
  .openapi('Payload')
