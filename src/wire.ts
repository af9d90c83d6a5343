/** What requests and answers hold: zod schemas, and the types inferred from them. */
import { z } from '@hono/zod-openapi'
import {
  ACTION_TYPES,
  BANDS,
  EVENT_TYPES,
  isProviderIdentifier,
  PROVIDER_PATTERN,
  SEVERITIES,
  SURFACES,
} from './event.ts'

/** A provider identifier in a request or on the command line. */
export const providerIdentifier = z
  .string()
  .refine(
    isProviderIdentifier,
    'must look like com.proxmox: lower-case letters and digits, joined by . _ or -',
  )
  .openapi({ type: 'string', pattern: PROVIDER_PATTERN.source, example: 'com.proxmox' })

const timestamp = z.iso.datetime().openapi({ example: '2026-04-29T03:14:00.000Z' })
const id = z.uuid().openapi({ example: '019ddc5e-7c00-7000-8000-000000000000' })
const severity = z.enum(SEVERITIES)
const band = z.enum(BANDS)

export const ActionSchema = z
  .object({
    label: z.string(),
    icon: z.string().nullable(),
    type: z.enum(ACTION_TYPES),
    value: z.string().nullable().openapi({ description: 'Resolved text; null when disabled' }),
    enabled: z.boolean(),
    missing: z.array(z.string()).openapi({ description: 'Placeholders that did not resolve' }),
  })
  .openapi('Action')
/** An action of a stored event, resolved when read. */
export type Action = z.infer<typeof ActionSchema>

export const SourceSchema = z.object({ displayName: z.string(), color: z.string() }).openapi('SourceName')

export const IndicatorSchema = z
  .object({ emoji: z.string().nullable(), color: z.string().nullable() })
  .openapi('Indicator')

export const ProgressSchema = z
  .object({
    total: z.number().nullable(),
    complete: z.number().nullable(),
    status: z.string().nullable(),
    finished: z.boolean(),
    timeoutSeconds: z.number().nullable(),
  })
  .openapi('Progress')

export const EventSchema = z
  .object({
    id,
    stackId: id,
    provider: z.string(),
    source: SourceSchema,
    title: z.string(),
    subtitle: z.string().nullable(),
    startDate: timestamp,
    endDate: timestamp.nullable(),
    receivedAt: timestamp,
    eventType: z.enum(EVENT_TYPES),
    severity,
    band,
    label: z.string(),
    color: z.string(),
    externalID: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    facts: z.record(z.string(), z.string()).nullable().openapi({
      description: 'What was found beside the metadata, such as a node named in the title',
    }),
    derivedFrom: id.nullable().openapi({ description: 'The event that this one was taken from' }),
    tags: z.array(z.string()),
    indicator: IndicatorSchema.nullable(),
    surface: z.enum(SURFACES),
    progress: ProgressSchema.nullable().openapi({
      description: 'How far a run is, when the score follows runs',
    }),
    actions: z.array(ActionSchema),
    ackedAt: timestamp.nullable(),
    dismissedAt: timestamp.nullable(),
  })
  .openapi('Event')
/** An event as the API gives it. */
export type EventView = z.infer<typeof EventSchema>

export const StackSchema = z
  .object({
    id,
    provider: z.string(),
    source: SourceSchema,
    key: z.string().nullable().openapi({ description: 'Grouping key; null for an event that stands alone' }),
    node: z.string().nullable(),
    vmid: z.string().nullable(),
    title: z.string(),
    openedAt: timestamp,
    closesAt: timestamp.nullable().openapi({ description: 'End of the half-open window; null: no end' }),
    firstEventAt: timestamp,
    lastEventAt: timestamp,
    count: z.int().positive(),
    severity,
    band,
    label: z.string(),
    resolved: z.boolean(),
    ackedAt: timestamp.nullable(),
    dismissedAt: timestamp.nullable(),
    latest: EventSchema,
  })
  .openapi('Stack')
/** A stack as the API gives it: one row of the timeline. */
export type StackView = z.infer<typeof StackSchema>

export const ProblemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    line: z.int().optional(),
    column: z.int().optional(),
    excerpt: z.string().optional(),
    hint: z.string().optional(),
    quarantineId: z.uuid().optional().openapi({ description: 'Where the refused body is kept for repair' }),
    limit: z.int().optional().openapi({ description: 'Bytes that a body may have' }),
  })
  .openapi('Problem')

export const AcceptedSchema = z
  .object({
    id,
    stackId: id,
    provider: z.string(),
    title: z.string(),
    startDate: timestamp,
    severity,
    band,
    label: z.string(),
    created: z.boolean().openapi({ description: 'False when an event with this externalID was updated' }),
    warnings: z.array(z.string()),
  })
  .openapi('Accepted')
/** The answer to an event that is stored and synced. */
export type Accepted = z.infer<typeof AcceptedSchema>

export const SpooledSchema = z
  .object({
    id: id.openapi({
      description: 'Of the event that it will be; one with a known externalID keeps the id of the stored one',
    }),
    spooled: z.literal(true),
    warnings: z.array(z.string()),
  })
  .openapi('Spooled')
/** The answer to an event that is synced to disk and will be stored when the database is back. */
export type Spooled = z.infer<typeof SpooledSchema>
