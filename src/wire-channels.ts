/** What requests and answers about channels hold: zod schemas, and the types inferred from them. */
import { z } from '@hono/zod-openapi'
import { EVENT_PRESETS, WEEKDAYS } from './channel.ts'
import { SEVERITIES } from './event.ts'
import { providerIdentifier } from './wire.ts'

const MOST_ENTRIES = 100

/** PostgreSQL holds no NUL in a text. */
const text = (most: number) =>
  z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(most)
    .regex(/^[^\0]*$/, 'must not hold a NUL character')
const secret = text(4_000)
const url = text(2_000).refine(isWebAddress, 'must be an address such as https://example.com/hook')
const list = <T extends z.ZodType>(item: T) => z.array(item).max(MOST_ENTRIES)

function isWebAddress(value: string): boolean {
  try {
    const { protocol, hostname } = new URL(value)
    return ['http:', 'https:'].includes(protocol) && hostname !== ''
  } catch {
    return false
  }
}

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:00')
const timezone = z.string().refine(isTimeZone, 'is not a time zone such as Europe/Berlin')

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return !/^[+-]/.test(name)
  } catch {
    return false
  }
}

const match = z
  .record(text(200), z.union([text(2_000), z.number(), z.boolean(), z.null()]))
  .refine((conditions) => Object.keys(conditions).length > 0, 'must name at least one value')
  .openapi({ example: { TaskType: 'vzdump', 'event.severity': 'error' } })

/** Fields of every channel. */
const rules = {
  name: text(100),
  enabled: z.boolean().default(true),
  minSeverity: z.enum(SEVERITIES).default('warning'),
  events: list(z.enum(EVENT_PRESETS))
    .default([])
    .openapi({ description: 'Any of these, or of `match`; both empty: every event' }),
  match: list(match).default([]),
  providers: list(providerIdentifier).default([]).openapi({ description: 'Empty: any' }),
  nodes: list(text(255)).default([]).openapi({ description: 'Names with * and ?; empty: any' }),
  quietHours: z
    .strictObject({
      from: timeOfDay,
      to: timeOfDay,
      timezone,
      days: z
        .array(z.enum(WEEKDAYS))
        .min(1)
        .default([...WEEKDAYS]),
    })
    .refine(({ from, to }) => from !== to, 'must not end when they begin')
    .nullable()
    .default(null),
  digest: z
    .strictObject({ at: timeOfDay, timezone, except: z.enum(SEVERITIES).nullable().default('critical') })
    .nullable()
    .default(null),
  repeatMinutes: z
    .int()
    .min(0)
    .max(43_200)
    .default(240)
    .openapi({ description: 'A stack is not told of again for so long, unless it gets worse; 0: each time' }),
  remindMinutes: z
    .int()
    .min(0)
    .max(43_200)
    .default(0)
    .openapi({ description: 'A stack that nobody acknowledged is told of again after so long; 0: never' }),
  maxReminders: z.int().min(1).max(100).default(3),
  sendResolved: z.boolean().default(true),
  groupWaitSeconds: z.int().min(0).max(3_600).default(5),
  groupIntervalSeconds: z.int().min(0).max(86_400).default(60),
}

/** A header's name (RFC 9110, 5.1) and value. */
const headers = z
  .record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'is not the name of a header'),
    z
      .string()
      .regex(/^[\t\x20-\x7e\x80-\xff]{0,4000}$/, 'must not hold line breaks or characters outside Latin-1'),
  )
  .refine((value) => Object.keys(value).length <= 50, 'has more than 50 headers')

const mailAddress = text(320).regex(
  /^([^<>\r\n]*<[^<>\s@]+@[^<>\s@]+>|[^<>\s@]+@[^<>\s@]+)$/,
  'is not an e-mail address',
)

const webhookLike = <T extends 'slack' | 'teams' | 'discord'>(type: T) =>
  z.strictObject({ type: z.literal(type), ...rules, url })

/** A channel as it is made: by type, with its secrets. */
export const ChannelInputSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('email'),
      ...rules,
      host: text(255).regex(/^[A-Za-z0-9._:[\]-]+$/, 'must be the name of a host, without a port'),
      port: z.int().min(1).max(65_535).default(587),
      security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
      username: text(255).nullable().default(null),
      secret: secret.nullable().default(null).openapi({ description: 'Password' }),
      from: mailAddress,
      recipients: z.array(mailAddress).min(1, 'must name at least one address').max(MOST_ENTRIES),
      verifyCertificate: z.boolean().default(true),
    }),
    z.strictObject({
      type: z.literal('webhook'),
      ...rules,
      url,
      method: z.enum(['POST', 'PUT', 'PATCH']).default('POST'),
      headers: headers.default({}),
      secret: secret.nullable().default(null).openapi({ description: 'Signs; whsec_… is Base64' }),
      signature: z.enum(['standard', 'hmac', 'both']).default('standard'),
      signatureHeader: z
        .string()
        .regex(/^[A-Za-z0-9-]{1,100}$/, 'is not the name of a header')
        .default('X-Tempo-Signature'),
    }),
    webhookLike('slack'),
    webhookLike('teams'),
    webhookLike('discord'),
    z.strictObject({
      type: z.literal('pagerduty'),
      ...rules,
      url: url.default('https://events.pagerduty.com/v2/enqueue'),
      secret: secret.openapi({ description: 'Integration key of Events API v2' }),
    }),
    z.strictObject({
      type: z.literal('ntfy'),
      ...rules,
      url: url.default('https://ntfy.sh'),
      topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/, 'must be 1 to 64 letters, digits, - or _'),
      secret: secret.nullable().default(null).openapi({ description: 'Access token' }),
    }),
    z.strictObject({
      type: z.literal('gotify'),
      ...rules,
      url,
      secret: secret.openapi({ description: 'Token of the application' }),
    }),
  ])
  .openapi('NewChannel')
export type ChannelInput = z.infer<typeof ChannelInputSchema>

const time = z.iso.datetime().nullable()

/** What became of the last messages of a channel. */
export const ChannelStateSchema = z
  .object({
    circuit: z
      .enum(['closed', 'open'])
      .openapi({ description: 'open: it fails, and is tried from time to time' }),
    failures: z.int(),
    failingSince: time,
    lastSentAt: time,
    lastAnswer: z.string().nullable(),
    waiting: z.int().openapi({ description: 'Events that wait, 10,000 at the most' }),
    nextTryAt: time,
  })
  .openapi('ChannelState')

/** A channel as it is shown: secrets masked, everything else as it was made. */
export const ChannelSchema = z
  .looseObject({
    id: z.uuid(),
    name: z.string(),
    type: z.string(),
    enabled: z.boolean(),
    minSeverity: z.enum(SEVERITIES),
    events: z.array(z.string()),
    match: z.array(z.record(z.string(), z.unknown())),
    providers: z.array(z.string()),
    nodes: z.array(z.string()),
    url: z.string().nullable().openapi({ description: 'Masked' }),
    headers: z.record(z.string(), z.string()).openapi({ description: 'Values masked' }),
    hasSecret: z.boolean(),
    managedBy: z.enum(['api', 'file']),
    problem: z.string().nullable().openapi({ description: 'Why it cannot be used as it is' }),
    state: ChannelStateSchema,
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi('Channel')
export type ChannelView = z.infer<typeof ChannelSchema>

/** What a receiver said. */
export const ExchangeSchema = z
  .object({
    result: z.enum(['sent', 'passing', 'permanent']),
    status: z.int().nullable(),
    request: z.string().openapi({ description: 'What was sent, secrets masked' }),
    answer: z.string(),
    durationMs: z.int(),
  })
  .openapi('Exchange')

/** A silence as it is made. */
export const SilenceInputSchema = z
  .strictObject({
    reason: text(500),
    from: z.iso.datetime({ offset: true }).optional().openapi({ description: 'Default: now' }),
    to: z.iso.datetime({ offset: true }),
    channels: list(z.uuid()).default([]).openapi({ description: 'Empty: all' }),
    providers: list(providerIdentifier).default([]),
    nodes: list(text(255)).default([]),
    vmids: list(text(255)).default([]),
    match: list(match).default([]),
  })
  .openapi('NewSilence')
export type SilenceInput = z.infer<typeof SilenceInputSchema>

export const SilenceSchema = z
  .object({
    id: z.uuid(),
    reason: z.string(),
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    channels: z.array(z.string()),
    providers: z.array(z.string()),
    nodes: z.array(z.string()),
    vmids: z.array(z.string()),
    match: z.array(z.record(z.string(), z.unknown())),
    createdBy: z.string(),
    createdAt: z.iso.datetime(),
  })
  .openapi('Silence')
