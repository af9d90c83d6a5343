import { z } from '@hono/zod-openapi'
import { parseTimestamp } from '../adapters/timestamp.ts'
import { invalidInput } from '../errors.ts'
import { PROVIDER_PATTERN, SEVERITIES } from '../event.ts'
import { type Filter, STATES, searchWords } from '../storage/filters.ts'
import { ProblemSchema } from '../wire.ts'

const MAX_WORDS = 10

/** An instant: ISO 8601 with a zone, or Unix seconds. */
export const instant = z
  .string()
  .transform((text, context) => {
    const parsed = parseTimestamp(text)
    if (parsed.ok) return parsed.date
    context.addIssue({ code: 'custom', message: parsed.message })
    return z.NEVER
  })
  .openapi({ type: 'string', format: 'date-time', example: '2026-04-29T00:00:00Z' })

export const limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(200)
  .default(50)
  .openapi({ type: 'integer', minimum: 1, maximum: 200, default: 50 })

/** PostgreSQL holds no NUL in a text. */
const NO_NUL = /^[^\0]*$/
export const storable = () => z.string().regex(NO_NUL, 'must not hold a NUL character')

export const idParam = z.object({ id: z.uuid('is not an id') })

/** What every list of stacks or events can be narrowed by. */
export const filterShape = {
  provider: z
    .string()
    .regex(PROVIDER_PATTERN, 'must look like com.proxmox')
    .optional()
    .openapi({ description: 'This provider and everything below it', example: 'com.proxmox' }),
  node: storable().min(1).max(255).optional(),
  vmid: storable().min(1).max(255).optional(),
  severity: z.enum(SEVERITIES).optional().openapi({ description: 'At least this severity' }),
  q: storable()
    .max(200)
    .transform(searchWords)
    .refine((words) => words.length <= MAX_WORDS, `has more than ${MAX_WORDS} words`)
    .optional()
    .openapi({ type: 'string', description: 'Words in title and message; "in quotes" as one' }),
  from: instant.optional(),
  to: instant.optional(),
  state: z.enum(STATES).default('active').openapi({ description: 'active: not dismissed' }),
}

const filterSchema = z.object(filterShape)

/** The storage's filter of a validated query. */
export function filterOf({ q, ...rest }: z.infer<typeof filterSchema>): Filter {
  return { ...rest, words: q }
}

export const pageShape = { limit, cursor: z.string().max(6_000).optional() }

/** A JSON answer of a route, for the OpenAPI document. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

/**
 * A body that the handler reads itself, for the places of its faults: a schema in zod would be checked, and the body
 * consumed, before.
 */
export function rawJson(description: string) {
  return {
    required: true,
    description,
    content: { 'application/json': { schema: { type: 'object' as const } } },
  }
}

/** Problems that any route with a token can answer with. */
export const problems = {
  401: {
    description: 'No token, or not a good one',
    content: { 'application/problem+json': { schema: ProblemSchema } },
  },
  403: {
    description: 'The token lacks the scope',
    content: { 'application/problem+json': { schema: ProblemSchema } },
  },
  422: {
    description: 'Not a valid request',
    content: { 'application/problem+json': { schema: ProblemSchema } },
  },
}

export const notFoundProblem = {
  404: {
    description: 'Nothing under this id',
    content: { 'application/problem+json': { schema: ProblemSchema } },
  },
}

/** Refuses what is no IANA name, fixed offsets among them. */
export function requireTimeZone(tz: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: tz })
    if (!/^[+-]/.test(tz)) return
  } catch {
    // Answered below with all other names that are none.
  }
  throw notATimeZone()
}

export function notATimeZone(): Error {
  return invalidInput('request', [{ path: 'tz', message: 'is not a time zone such as Europe/Berlin' }])
}
