/** What receivers take, as their documentation says it, in JSON Schema; and what no schema can say. */
import assert from 'node:assert/strict'
import { Ajv, type AnySchema } from 'ajv'

const text = (maxLength: number, minLength = 1) => ({ type: 'string', minLength, maxLength })
const url = (maxLength: number) => ({ type: 'string', pattern: '^https?://[^ ]+$', maxLength })
const object = (properties: Record<string, unknown>, optional: string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
})
const array = (items: unknown, maxItems: number, minItems = 1) => ({
  type: 'array',
  items,
  minItems,
  maxItems,
})
const instant = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' }

// https://docs.slack.dev/reference/block-kit/blocks
const plainText = (most: number) =>
  object({ type: { const: 'plain_text' }, text: text(most), emoji: { const: false } })
const style = object({ bold: { type: 'boolean' } })
const richElement = {
  oneOf: [
    object({ type: { const: 'text' }, text: text(13_000), style }, ['style']),
    object({ type: { const: 'link' }, url: url(3_000), text: text(3_000), style }, ['style']),
  ],
}
const richSection = object({ type: { const: 'rich_text_section' }, elements: array(richElement, 100) })
const slack = object({
  text: text(4_000),
  unfurl_links: { const: false },
  unfurl_media: { const: false },
  blocks: array(
    {
      oneOf: [
        object({ type: { const: 'header' }, text: plainText(150) }),
        object({ type: { const: 'section' }, fields: array(plainText(2_000), 10) }),
        object({ type: { const: 'context' }, elements: array(plainText(3_000), 10) }),
        object({
          type: { const: 'rich_text' },
          elements: array(
            {
              oneOf: [
                richSection,
                object({ type: { const: 'rich_text_preformatted' }, elements: array(richElement, 1) }),
                object({
                  type: { const: 'rich_text_list' },
                  style: { const: 'bullet' },
                  elements: array(richSection, 50),
                }),
              ],
            },
            10,
          ),
        }),
      ],
    },
    50,
  ),
})

// https://discord.com/developers/docs/resources/message#embed-object-embed-limits
const discord = object({
  embeds: array(
    object(
      {
        title: text(256),
        url: url(2_048),
        description: text(4_096, 0),
        color: { type: 'integer', minimum: 0, maximum: 0xffffff },
        timestamp: instant,
        fields: array(object({ name: text(256), value: text(1_024), inline: { type: 'boolean' } }), 25, 0),
      },
      ['url'],
    ),
    10,
  ),
  allowed_mentions: object({ parse: array({}, 0, 0) }),
})

// https://adaptivecards.io/explorer, of 1.4
const openUrl = object({ type: { const: 'Action.OpenUrl' }, title: text(100), url: url(2_000) })
const textRun = object(
  {
    type: { const: 'TextRun' },
    text: text(20_000),
    weight: { enum: ['Default', 'Lighter', 'Bolder'] },
    size: { enum: ['Default', 'Small', 'Medium', 'Large', 'ExtraLarge'] },
    color: { enum: ['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention'] },
    fontType: { enum: ['Default', 'Monospace'] },
    isSubtle: { type: 'boolean' },
    italic: { type: 'boolean' },
    selectAction: openUrl,
  },
  ['weight', 'size', 'color', 'fontType', 'isSubtle', 'italic', 'selectAction'],
)
const teams = object({
  type: { const: 'message' },
  attachments: array(
    object({
      contentType: { const: 'application/vnd.microsoft.card.adaptive' },
      contentUrl: { const: null },
      content: object(
        {
          $schema: { const: 'http://adaptivecards.io/schemas/adaptive-card.json' },
          type: { const: 'AdaptiveCard' },
          version: { enum: ['1.4', '1.5'] },
          msteams: object({ width: { const: 'Full' } }),
          body: array(
            object(
              {
                type: { const: 'RichTextBlock' },
                inlines: array(textRun, 10),
                spacing: { enum: ['None', 'Small', 'Default'] },
              },
              ['spacing'],
            ),
            200,
          ),
          actions: array(openUrl, 6),
        },
        ['actions'],
      ),
    }),
    1,
  ),
})

// https://developer.pagerduty.com/docs/events-api-v2/trigger-events/, and PD-CEF
const key = { routing_key: { type: 'string', minLength: 32, maxLength: 32 }, dedup_key: text(255) }
const pagerduty = {
  oneOf: [
    object({ ...key, event_action: { enum: ['acknowledge', 'resolve'] } }),
    object(
      {
        ...key,
        event_action: { const: 'trigger' },
        client: { const: 'Tempo' },
        client_url: url(2_000),
        links: array(object({ href: url(2_000), text: text(255) }), 50, 0),
        payload: object(
          {
            summary: text(1_024),
            source: text(1_024),
            severity: { enum: ['critical', 'error', 'warning', 'info'] },
            timestamp: instant,
            component: text(1_024),
            group: text(1_024),
            class: text(1_024),
            custom_details: { type: 'object' },
          },
          ['component'],
        ),
      },
      ['client_url'],
    ),
  ],
}

// https://docs.ntfy.sh/publish/#publish-as-json
const ntfy = object(
  {
    topic: { type: 'string', pattern: '^[-_A-Za-z0-9]{1,64}$' },
    title: text(1_000),
    message: text(4_096),
    priority: { type: 'integer', minimum: 1, maximum: 5 },
    tags: array(text(50), 10),
    click: url(2_000),
    actions: array(object({ action: { const: 'view' }, label: text(200), url: url(2_000) }), 3, 0),
  },
  ['click'],
)

// https://gotify.net/docs/msgextras
const gotify = object({
  title: text(500),
  message: text(65_535),
  priority: { type: 'integer', minimum: 0, maximum: 10 },
  extras: object(
    {
      'client::display': object({ contentType: { const: 'text/plain' } }),
      'client::notification': object({ click: object({ url: url(2_000) }) }),
    },
    ['client::notification'],
  ),
})

const nullable = { type: ['string', 'null'] }
const severity = { enum: ['ok', 'info', 'warning', 'error', 'critical'] }
// The first four are ProxCenter's: "a JSON object containing the event type, severity, message, and metadata".
const webhook = object({
  event: { enum: ['alert_triggered', 'alert_resolved', 'test'] },
  severity,
  message: text(2_000_000),
  metadata: { type: 'object' },
  type: { const: 'tempo.notification' },
  timestamp: instant,
  data: object({
    id: text(36),
    kind: { enum: ['event', 'group', 'summary', 'test'] },
    channel: object({ id: text(100), name: text(10_000) }),
    because: nullable,
    severity,
    counts: { type: 'object', required: ['events', 'stacks', 'bySeverity'] },
    url: nullable,
    truncated: { type: 'boolean' },
    items: array(
      {
        type: 'object',
        required: [
          'occasion',
          'eventId',
          'stackId',
          'provider',
          'title',
          'severity',
          'label',
          'at',
          'message',
          'metadata',
          'links',
        ],
      },
      50,
    ),
  }),
})

const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true })
const SCHEMAS = { slack, discord, teams, pagerduty, ntfy, gotify, webhook } as Record<string, AnySchema>
const validators = Object.fromEntries(
  Object.entries(SCHEMAS).map(([name, schema]) => [name, ajv.compile(schema)] as const),
)

const utf8 = (value: string) => Buffer.byteLength(value)

/** Every text within a JSON value. */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (value === null || typeof value !== 'object') return []
  return Object.values(value).flatMap(textsIn)
}

// biome-ignore lint/suspicious/noExplicitAny: foreign JSON, just validated
const SIZES: Record<string, (body: string, json: any) => void> = {
  slack: (_, { blocks }) => {
    const size = textsIn(blocks).reduce((sum, each) => sum + each.length, 0)
    assert.ok(size < 13_000, `msg_blocks_too_long: ${size}`)
  },
  discord: (_, { embeds }) => {
    const counted = textsIn(
      embeds.map(({ title, description, fields }: never) => [title, description, fields]),
    )
    assert.ok(counted.reduce((sum, each) => sum + each.length, 0) <= 6_000)
  },
  teams: (body) => assert.ok(utf8(body) <= 25 * 1024, `${utf8(body)}`),
  pagerduty: (body) => assert.ok(utf8(body) <= 512_000),
  ntfy: (body, { message, title, tags }) => {
    assert.ok(utf8(message) <= 4_096 && utf8(title) <= 1_024 && utf8(tags.join()) <= 512)
    assert.ok(utf8(body) <= 8_192, `${utf8(body)}`)
  },
  gotify: (_, { message }) => assert.ok(utf8(message) <= 65_535),
  webhook: (body) => assert.ok(utf8(body) <= 1024 * 1024),
}

/** Fails when the receiver of this type would not take this body. Returns it as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: foreign JSON, just validated
export function assertTaken(type: string, body: string): any {
  const json = JSON.parse(body)
  const validate = validators[type]!
  assert.ok(validate(json), `${ajv.errorsText(validate.errors).slice(0, 2_000)}\n${body.slice(0, 2_000)}`)
  SIZES[type]!(body, json)
  return json
}
