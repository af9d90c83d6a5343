import { z } from '@hono/zod-openapi'
import { parseTimestamp } from '../adapters/timestamp.ts'
import { EVENT_TYPES, SEVERITIES } from '../event.ts'
import { providerIdentifier } from '../wire.ts'

/** Blank means the same as not there, wherever a field may be left out; texts are trimmed. */
function trimmed(value: unknown): unknown {
  return typeof value === 'string' ? value.trim() || undefined : value
}

function optional<T extends z.ZodType>(schema: T) {
  return z.preprocess(trimmed, schema.nullish()).optional()
}

/** A text of so many characters, as people and JSON Schema count them. */
function text(maxLength: number) {
  return z
    .string()
    .refine((value) => [...value].length <= maxLength, `is over ${maxLength} characters`)
    .openapi({ maxLength })
}

const timestamp = z
  .union([z.string(), z.number()])
  .refine((value) => parseTimestamp(value).ok, 'is not a date')
  .openapi({
    description: 'ISO 8601 with a zone, or Unix seconds (beyond 1e11: milliseconds)',
    example: '2026-04-29T03:14:00Z',
  })

function withoutBlanks(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).filter(([, content]) => (trimmed(content) ?? null) !== null),
  )
}

const trigger = z.preprocess(
  withoutBlanks,
  z.union([z.strictObject({ openURL: text(2_000) }), z.strictObject({ copyToClipboard: text(2_000) })]),
)

const action = z.looseObject({
  label: z.preprocess(trimmed, text(100)),
  systemIcon: optional(text(100)),
  trigger,
})

/**
 * The payload of /ingest for the OpenAPI document. Adapters check payloads by hand, because a metadata object must
 * pass through untouched and all problems are told at once; a test holds both to the same verdicts, but for the limits
 * of metadata, which are told here in words.
 */
export const PayloadSchema = z
  .looseObject({
    title: z
      .string()
      .trim()
      .min(1)
      .openapi({ description: 'Longer than 1,000 characters: cut, with a warning' }),
    providerIdentifier: optional(providerIdentifier).openapi({
      description: 'May be left out when the token is bound to exactly one',
    }),
    startDate: optional(timestamp),
    endDate: optional(timestamp),
    eventType: optional(z.enum(EVENT_TYPES)),
    externalID: optional(z.union([text(200), z.number()])),
    severity: optional(z.enum(SEVERITIES)),
    color: optional(z.string().regex(/^#[0-9a-fA-F]{6}$/)),
    groupingKey: optional(z.union([text(500), z.number()])),
    recurrenceRule: optional(text(1_000)),
    actions: optional(z.array(action).max(8)),
    metadata: optional(z.record(z.string(), z.unknown())).openapi({
      description: 'At most 256 keys and 16 levels',
    }),
  })
  .openapi('Payload')
