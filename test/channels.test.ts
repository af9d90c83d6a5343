/** What each channel sends, to a real receiver: within the documented limits, and harmless whatever the event says. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import type { ChannelTarget, Notification } from '../src/channel.ts'
import { createOutgoing } from '../src/notify/outgoing.ts'
import { createSend } from '../src/notify/senders.ts'
import { clean } from '../src/notify/text.ts'
import {
  AT,
  everyKind,
  FAMILY,
  HOSTILE,
  makeItem,
  makeNotification,
  recordedItems,
} from './helpers/notifications.ts'
import { type Receiver, startReceiver } from './helpers/receiver.ts'
import { assertTaken, textsIn } from './helpers/receiver-schemas.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const KEY = '0123456789abcdef0123456789abcdef'
const TYPES = ['webhook', 'slack', 'teams', 'discord', 'pagerduty', 'ntfy', 'gotify'] as const
type HttpType = (typeof TYPES)[number]

let receiver: Receiver
before(async () => {
  receiver = await startReceiver()
})
after(() => receiver.stop())

const send = createSend(createOutgoing({ allowPrivate: true }))

function targetOf(type: HttpType, changes: object = {}): ChannelTarget {
  const { url } = receiver
  const targets: Record<HttpType, ChannelTarget> = {
    webhook: {
      type: 'webhook',
      url: `${url}/hook/secret-part`,
      method: 'POST',
      headers: { Authorization: 'Bearer of-mine' },
      secret: SECRET,
      signature: 'both',
      signatureHeader: 'X-Tempo-Signature',
    },
    slack: { type: 'slack', url: `${url}/services/T000/B000/secret-part` },
    teams: { type: 'teams', url: `${url}/workflows/secret-part?sig=secret-part` },
    discord: { type: 'discord', url: `${url}/api/webhooks/1/secret-part?thread_id=7` },
    pagerduty: { type: 'pagerduty', url: `${url}/v2/enqueue`, secret: KEY },
    ntfy: { type: 'ntfy', url, topic: 'alerts', secret: 'tk_secret' },
    gotify: { type: 'gotify', url: `${url}/gotify/`, secret: 'Asecretapp' },
  }
  return { ...targets[type], ...changes } as ChannelTarget
}

/** Sends, and returns what the receiver got. */
async function deliver(type: HttpType, notification: Notification, changes: object = {}) {
  const before = receiver.requests.length
  const exchange = await send(targetOf(type, changes), notification)
  assert.deepEqual([exchange.result, exchange.status], ['sent', 200], exchange.answer)
  return { exchange, requests: receiver.requests.slice(before) }
}

/** The bodies, checked against what the receiver takes. */
async function bodies(type: HttpType, notification: Notification) {
  const { requests } = await deliver(type, notification)
  return requests.map(({ body }) => assertTaken(type, body))
}

const CUT = /… \((\d+) more characters?\)/

// biome-ignore lint/suspicious/noExplicitAny: bodies of seven shapes
type Json = any

const shownMessage: Record<HttpType, (json: Json) => string> = {
  webhook: (json) => json.data.items[0].message,
  slack: (json) =>
    json.blocks.find((block: Json) => block.elements?.[0].type === 'rich_text_preformatted').elements[0]
      .elements[0].text,
  teams: (json) => {
    const lines = json.attachments[0].content.body.filter(
      ({ inlines }: Json) => inlines[0].fontType === 'Monospace',
    )
    return lines.map(({ inlines }: Json) => inlines[0].text.replaceAll('\u00a0', ' ')).join('\n')
  },
  discord: (json) => /```\n(.*)\n?```/s.exec(json.embeds[0].description)![1]!.replaceAll('`\u200b', '`'),
  pagerduty: (json) => json.payload.custom_details.Message,
  ntfy: (json) => json.message.slice(json.message.indexOf('\n\n') + 2),
  gotify: (json) => json.message.split('\n\n').slice(1).join('\n\n').split('\n\nOpen in Tempo')[0],
}

for (const type of TYPES) {
  test(`${type} takes every recorded event in every notification`, async () => {
    for (const [name, item] of recordedItems()) {
      for (const [kind, notification] of everyKind(item)) {
        const sent = await bodies(type, notification)
        assert.ok(sent.length > 0, `${name} ${kind}`)
        for (const text of textsIn(sent)) {
          assert.ok(text.isWellFormed(), `${name} ${kind}`)
          // A webhook's reader gets the event's own texts.
          if (type !== 'webhook')
            assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/, `${name} ${kind}`)
          assert.doesNotMatch(text, /undefined|\[object|NaN|Infinity/, `${name} ${kind}`)
        }
      }
    }
  })

  test(`${type} shows the beginning of a long message, and how much is missing`, async () => {
    const message = Array.from({ length: 50_000 }, (_, line) => `line ${line} of it`).join('\n')
    const [json] = await bodies(type, makeNotification([makeItem({ message: message.repeat(3) })]))
    const shown = shownMessage[type](json)
    const left = Number(CUT.exec(shown)![1])
    const kept = shown.replace(CUT, '').trimEnd()
    const same = (text: string) => text.replace(/\s/g, ' ')
    assert.ok(kept.length > 500)
    assert.ok(same(message.repeat(3)).startsWith(same(kept)), kept.slice(-50))
    // Blanks at the end of what is kept are counted as shown.
    assert.ok(
      Math.abs(kept.length + left - message.length * 3) <= 1,
      `${kept.length} ${left} ${message.length * 3}`,
    )
    assert.match(shown, /… \(\d+ more characters\)\s*$/)
  })

  test(`${type} never cuts a character in two`, async () => {
    for (const shift of ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef']) {
      const message = shift + FAMILY.repeat(100_000)
      const [json] = await bodies(type, makeNotification([makeItem({ message })]))
      const kept = shownMessage[type](json).replace(CUT, '').trim()
      assert.ok(kept.length > 100)
      assert.equal(kept.replaceAll(FAMILY, ''), shift)
    }
  })

  test(`${type} says that a test is a test, what ended, and why it comes late`, async () => {
    const text = async (notification: Notification) => JSON.stringify(await bodies(type, notification))
    const item = makeItem()
    assert.match(
      await text(makeNotification([item], { kind: 'test' })),
      /This is a test of the channel “On call”/,
    )
    if (type === 'pagerduty') return
    assert.match(await text(makeNotification([{ ...item, occasion: 'resolved' }])), /Resolved: Backup failed/)
    assert.match(
      await text(makeNotification([{ ...item, occasion: 'acknowledged' }])),
      /Acknowledged: Backup failed/,
    )
    assert.match(
      await text(makeNotification([{ ...item, occasion: 'reminder' }])),
      /Reminder: Backup failed.*Nobody has acknowledged it yet/s,
    )
    const late = makeNotification([item, { ...item, severity: 'ok' }], {
      kind: 'summary',
      because: 'Quiet hours are over.',
    })
    assert.match(await text(late), /2 events in 2 stacks: 1 error, 1 info.*Quiet hours are over\./s)
  })

  test(`${type} tells of a group as many items as fit, and how many more there are`, async () => {
    const items = Array.from({ length: 60 }, (_, index) =>
      makeItem({ stackId: `stack-${index}`, title: `Backup ${index} failed` }),
    )
    const [json] = await bodies(type, makeNotification(items))
    const text = JSON.stringify(json)
    assert.match(text, /60 events in 60 stacks: 60 error/)
    const told = new Set(text.match(/Backup \d+ failed/g)).size
    assert.ok(told >= 15, `${told}`)
    if (type === 'webhook') assert.deepEqual([told, json.data.counts.stacks], [50, 60])
    else assert.match(text, new RegExp(`and ${60 - told} more`))
  })
}

test('nothing in an event mentions anybody, makes a link or ends its own code block', async () => {
  const notification = makeNotification([makeItem({ title: HOSTILE, message: HOSTILE, node: HOSTILE })])
  const [slack] = await bodies('slack', notification)
  assert.doesNotMatch(slack.text, /<[!@#h]/)
  for (const { type } of slack.blocks) assert.ok(['header', 'section', 'rich_text'].includes(type))
  const [discord] = await bodies('discord', notification)
  assert.deepEqual(discord.allowed_mentions, { parse: [] })
  assert.equal(discord.embeds[0].description.split('```').length, 3)
  assert.doesNotMatch(discord.embeds[0].title, /(?<!\\)[<@*_~`|[\]]/)
  const [teams] = await bodies('teams', notification)
  assert.doesNotMatch(JSON.stringify(teams), /"TextBlock"|"Fact|msteams":\{"entities/)
  for (const type of TYPES) {
    const [json] = await bodies(type, notification)
    for (const text of textsIn(json)) assert.doesNotMatch(text, /^javascript:/)
  }
})

test('directional controls of an event turn nothing else around', async () => {
  const notification = makeNotification([makeItem({ title: 'a\u202eb', message: 'c\u202ed\ne' })])
  for (const type of TYPES.filter((each) => each !== 'webhook')) {
    for (const text of textsIn(await bodies(type, notification))) {
      for (const line of text.split('\n').filter((each) => each.includes('\u202e'))) {
        assert.match(line, /\u2068[^\u2069]*\u202e[^\u2069]*\u2069/, type)
      }
    }
  }
})

test('a webhook is signed by Standard Webhooks, and a changed body is refused', async () => {
  const notification = makeNotification([makeItem({ message: 'ü 💾' })])
  const { requests } = await deliver('webhook', notification)
  const [{ body, headers, method, path }] = requests as [(typeof requests)[0]]
  const webhook = new Webhook(SECRET)
  const signed = headers as Record<string, string>
  const verified = webhook.verify(body, signed) as { data: { id: string } }
  assert.deepEqual(
    [method, path, headers['webhook-id'], verified.data.id],
    ['POST', '/hook/secret-part', notification.id, notification.id],
  )
  assert.equal(headers.authorization, 'Bearer of-mine')
  assert.throws(() => webhook.verify(body.replace('Backup', 'Backdoor'), signed))
  assert.throws(() => webhook.verify(body, { ...signed, 'webhook-id': 'other' }))
  assert.throws(() => new Webhook(Buffer.from('another key').toString('base64')).verify(body, signed))
  const key = Buffer.from(SECRET.slice(6), 'base64')
  assert.equal(headers['x-tempo-signature'], `sha256=${createHmac('sha256', key).update(body).digest('hex')}`)
})

test('a secret without whsec_ is a key as it is, and each signature can be had alone', async () => {
  const headersOf = async (changes: object) =>
    (await deliver('webhook', makeNotification([makeItem()]), changes)).requests[0]!
  const standard = await headersOf({ secret: 'plain', signature: 'standard', method: 'PUT' })
  new Webhook('plain', { format: 'raw' }).verify(standard.body, standard.headers as Record<string, string>)
  assert.deepEqual([standard.headers['x-tempo-signature'], standard.method], [undefined, 'PUT'])
  const hmac = await headersOf({
    secret: 'plain',
    signature: 'hmac',
    signatureHeader: 'X-ProxCenter-Signature',
  })
  assert.equal(
    hmac.headers['x-proxcenter-signature'],
    `sha256=${createHmac('sha256', 'plain').update(hmac.body).digest('hex')}`,
  )
  assert.equal(hmac.headers['webhook-signature'], undefined)
  const none = await headersOf({
    secret: null,
    headers: { 'Webhook-Signature': 'v1,forged', Host: 'evil', 'Content-Length': '1' },
  })
  assert.deepEqual(
    [none.headers['webhook-signature'], none.headers['x-tempo-signature']],
    [undefined, undefined],
  )
  assert.equal(none.headers.host, `127.0.0.1:${receiver.port}`)
})

test('a webhook has the whole event, and the fields of ProxCenter', async () => {
  const [, item] = recordedItems().find(([name]) => name.endsWith('vzdump-failed.json'))!
  const [json] = await bodies('webhook', makeNotification([item]))
  assert.deepEqual([json.event, json.severity, json.message], ['alert_triggered', 'error', item.title])
  assert.deepEqual(json.metadata, {
    provider: 'com.proxmox',
    source: 'Proxmox',
    node: 'pve1',
    vmid: null,
    summary: '1 event in 1 stack: 1 error',
    url: item.url,
  })
  const [first] = json.data.items
  assert.equal(first.message, item.message)
  const { Message, ...rest } = item.metadata
  assert.equal(Message, item.message)
  assert.deepEqual(first.metadata, rest)
  assert.equal(json.data.truncated, false)
  const [over] = await bodies('webhook', makeNotification([{ ...item, occasion: 'resolved' }]))
  assert.equal(over.event, 'alert_resolved')
  const [long] = await bodies(
    'webhook',
    makeNotification([{ ...item, message: 'x'.repeat(4 * 1024 * 1024) }]),
  )
  assert.equal(long.data.truncated, true)
  assert.ok(long.data.items[0].message.length > 900_000)
})

test('PagerDuty gets one request per stack, with its key, and one for all of very many', async () => {
  const items = (['event', 'reminder', 'acknowledged', 'resolved'] as const).map((occasion) =>
    makeItem({ occasion, stackId: occasion, severity: 'ok' }),
  )
  const few = await bodies('pagerduty', makeNotification(items))
  const actions = (sent: { dedup_key: string; event_action: string }[]) =>
    Object.fromEntries(sent.map(({ dedup_key, event_action }) => [dedup_key, event_action]))
  assert.deepEqual(actions(few), {
    'tempo-event': 'trigger',
    'tempo-reminder': 'trigger',
    'tempo-acknowledged': 'acknowledge',
    'tempo-resolved': 'resolve',
  })
  const first = few.find(({ dedup_key }) => dedup_key === 'tempo-event')
  assert.deepEqual(first.payload, {
    summary: 'Backup failed',
    source: 'pve1',
    severity: 'info',
    timestamp: AT.toISOString(),
    component: 'VMID 102',
    group: 'com.proxmox',
    class: 'Backup failed',
    custom_details: {
      Severity: 'Info · Backup failed',
      Source: 'Proxmox',
      Node: 'pve1',
      VMID: '102',
      Time: '2026-11-21T02:00:04Z',
      Message: 'db01: exit code 255',
    },
  })
  const many = Array.from({ length: 24 }, (_, index) => makeItem({ stackId: `${index}` }))
  assert.equal((await bodies('pagerduty', makeNotification([...many, items[0]!]))).length, 25)
  assert.deepEqual(actions(await bodies('pagerduty', makeNotification([...items, ...many]))), {
    'tempo-channel-c1': 'trigger',
    'tempo-acknowledged': 'acknowledge',
    'tempo-resolved': 'resolve',
  })
  const tried = await bodies('pagerduty', makeNotification([items[0]!], { kind: 'test' }))
  assert.deepEqual(actions(tried), { 'tempo-test-c1': 'trigger' })
})

test('ntfy and Gotify get priorities, a place to click, and their tokens', async () => {
  const one = (
    severity: 'ok' | 'info' | 'warning' | 'error' | 'critical',
    occasion: 'event' | 'resolved' = 'event',
  ) => makeNotification([makeItem({ severity, occasion })])
  const priorities = async (type: HttpType) => {
    const all: number[] = []
    for (const severity of ['critical', 'error', 'warning', 'info', 'ok'] as const) {
      all.push((await bodies(type, one(severity)))[0].priority)
    }
    return all
  }
  assert.deepEqual(await priorities('ntfy'), [5, 4, 3, 2, 2])
  assert.deepEqual(await priorities('gotify'), [10, 8, 5, 2, 2])
  const ntfy = await deliver('ntfy', one('critical', 'resolved'))
  const [{ path, headers, body }] = ntfy.requests as [(typeof ntfy.requests)[0]]
  assert.deepEqual([path, headers.authorization], ['/', 'Bearer tk_secret'])
  const { priority, tags, click, actions, title } = JSON.parse(body)
  assert.deepEqual([priority, tags, title], [2, ['white_check_mark'], 'Resolved: Backup failed'])
  assert.equal(click, 'https://tempo.example.org/stacks/1?from=mail&x=(1)')
  assert.deepEqual(
    actions.map(({ label }: { label: string }) => label),
    ['Open in Tempo', 'Open Proxmox'],
  )
  const gotify = await deliver('gotify', one('error'))
  assert.deepEqual(
    [gotify.requests[0]!.path, gotify.requests[0]!.headers['x-gotify-key']],
    ['/gotify/message', 'Asecretapp'],
  )
  assert.equal(JSON.parse(gotify.requests[0]!.body).extras['client::notification'].click.url, click)
  const discord = await deliver('discord', one('error'))
  assert.equal(discord.requests[0]!.path, '/api/webhooks/1/secret-part?thread_id=7&wait=true')
})

test('no secret is in what is kept of an exchange', async () => {
  receiver.reply(({ path, headers, body }) => ({
    status: 200,
    body: `${path} ${JSON.stringify(headers)} ${body}`,
  }))
  try {
    for (const type of TYPES) {
      const { exchange } = await deliver(type, makeNotification([makeItem()]))
      const kept = exchange.request + exchange.answer
      assert.doesNotMatch(kept, /secret|of-mine|0123456789abcdef|MfKQ9r8GKYqrTwj/, type)
      assert.match(exchange.request, /^POST http:\/\/127\.0\.0\.1:\d+\/.*\ncontent-type: application\/json/s)
      assert.match(exchange.request, /Backup failed/)
    }
  } finally {
    receiver.reply(200)
  }
})

test('what is written out of a recorded event reads as one expects', async () => {
  const [, item] = recordedItems().find(([name]) => name.endsWith('vzdump-failed-lock.json'))!
  const [discord] = await bodies('discord', makeNotification([item]))
  assert.match(discord.embeds[0].description, /^```\ncan't acquire lock/)
  const [gotify] = await bodies('gotify', makeNotification([item]))
  assert.ok(
    gotify.message.startsWith(
      `Error · vzdump · node pve1 · 2026-11-21T04:00:02Z\n\n${clean(item.message!)}\n\nOpen in Tempo: https://`,
    ),
    gotify.message,
  )
})
