/**
 * Any receiver of JSON, signed as Standard Webhooks (https://www.standardwebhooks.com) or with an HMAC of the body; its
 * first fields are those of ProxCenter.
 */
import { createHmac } from 'node:crypto'
import type { Notification, NotifiedItem } from '../channel.ts'
import type { Metadata } from '../event.ts'
import type { OutgoingRequest, Send, TargetOf } from './channel.ts'
import { exchange, jsonRequest } from './exchange.ts'
import { bytes, clean, countCharacters, shorten } from './text.ts'
import { countsOf, headlineOf, introOf, isSingle, timeOf } from './words.ts'

/** No limit is documented; that is what most receivers take. */
const MOST_BYTES = 1024 * 1024
/** What a connection or our own signature says is not to be said otherwise. */
const RESERVED =
  /^(host|connection|content-length|transfer-encoding|keep-alive|upgrade|te|trailer|expect|webhook-(id|timestamp|signature))$/i
/** Steps of the search for the longest texts that fit, once some fit; each halves the error. */
const STEPS = 6
/** Characters of a text that are kept rather than the whole of others. */
const LEAST = 100

type Json = Record<string, unknown>

/** Texts as they are, of at most so many characters; `cut` is told when something was left out. */
type Cutter = (text: string) => string

function cutter(most: number, lengths: Map<string, number>, cut: () => void): Cutter {
  return (text) => {
    if (text.length <= most) return text
    cut()
    // Some MiB are counted once, not for each try of how much fits.
    const all = lengths.get(text) ?? countCharacters(text)
    lengths.set(text, all)
    const head = text.slice(0, most)
    return shorten(head, most, { render: (whole) => whole, more: all - countCharacters(head) })
  }
}

function metadataOf(metadata: Metadata, message: string | null, cut: Cutter): Json {
  const entries = Object.entries(metadata).flatMap(([key, value]) => {
    // The same text twice would halve what fits.
    if (typeof value === 'string' && value === message) return []
    if (typeof value === 'string') return [[cut(key), cut(value)]]
    const json = JSON.stringify(value) ?? 'null'
    const kept = cut(json)
    return [[cut(key), kept === json ? value : kept]]
  })
  return Object.fromEntries(entries)
}

function itemOf(item: NotifiedItem, cut: Cutter): Json {
  const { metadata, message, title, subtitle, label, source, node, vmid, at, links, ...rest } = item
  const text = (value: string | null) => (value === null ? null : cut(value))
  return {
    ...rest,
    title: cut(title),
    subtitle: text(subtitle),
    label: cut(label),
    source: cut(source),
    node: text(node),
    vmid: text(vmid),
    at: timeOf(at),
    message: text(message),
    links: links.map((link) => ({ label: cut(link.label), url: link.url })),
    metadata: metadataOf(metadata, message, cut),
  }
}

/** ProxCenter's name of what happened: that of the worst, and rather `backup_failed` than just an alert. */
function eventOf({ kind, items }: Notification): string {
  if (kind === 'test') return 'test'
  if (items.every(({ occasion }) => occasion === 'resolved')) return 'alert_resolved'
  return items[0]?.eventTypes?.find((name) => !name.startsWith('alert_')) ?? 'alert_triggered'
}

function build(
  notification: Notification,
  most: number,
  mostItems: number,
  lengths: Map<string, number>,
): Json {
  const { id, kind, channel, because, severity, events, stacks, bySeverity, items, url, createdAt } =
    notification
  let truncated = items.length > mostItems
  const cut = cutter(most, lengths, () => {
    truncated = true
  })
  const [first] = items as [NotifiedItem]
  const listed = items.slice(0, mostItems).map((item) => itemOf(item, cut))
  const about = isSingle(notification)
    ? {
        provider: first.provider,
        source: cut(first.source),
        node: first.node && cut(first.node),
        vmid: first.vmid && cut(first.vmid),
      }
    : {}
  const parts = [headlineOf(notification), introOf(notification)].filter((part) => part !== '')
  return {
    event: eventOf(notification),
    severity,
    message: cut(parts.join(' — ')),
    metadata: { ...about, summary: countsOf(notification), url: isSingle(notification) ? first.url : url },
    type: 'tempo.notification',
    timestamp: createdAt.toISOString(),
    data: {
      id,
      kind,
      channel: { id: channel.id, name: cut(channel.name) },
      because: because === null ? null : cut(clean(because)),
      severity,
      counts: { events, stacks, bySeverity },
      url,
      items: listed,
      // After the items: they decide it.
      truncated,
    },
  }
}

/** A half character within metadata is no JSON that every receiver takes. */
function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value
}

/** The JSON of the body, of at most 1 MiB: long texts are cut at their ends until it fits. */
export function renderWebhook(notification: Notification): string {
  const lengths = new Map<string, number>()
  const fitting = (most: number, items = notification.items.length) => {
    const json = JSON.stringify(build(notification, most, items, lengths), wellFormed)
    return bytes(json) <= MOST_BYTES ? json : null
  }
  // 50 texts of 4 MiB each are not written out only to see that they are too much.
  const whole = sizeOf(notification) <= MOST_BYTES ? fitting(Number.POSITIVE_INFINITY) : null
  if (whole !== null) return whole
  let [low, high] = [0, MOST_BYTES]
  let best: string | null = null
  for (let steps = STEPS; steps > 0 && high > LEAST; ) {
    const middle = Math.floor((low + high) / 2)
    const json = fitting(middle)
    if (json === null) high = middle
    else {
      best = json
      low = middle
    }
    if (best !== null) steps--
  }
  for (let items = notification.items.length; best === null && items > 0; items >>= 1) {
    best = fitting(LEAST, items)
  }
  return best ?? fitting(LEAST, 0)!
}

function sizeOf({ items }: Notification): number {
  return items.reduce((sum, { message }) => sum + (message?.length ?? 0), 0)
}

/** The key of a secret: base64 behind `whsec_`, else its own bytes. */
function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret)
}

/** Headers that prove who sent a body, and when; none without a secret. `now`: milliseconds of the try. */
export function signWebhook(
  target: TargetOf<'webhook'>,
  id: string,
  body: string,
  now: number,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000))
  const headers: Record<string, string> = { 'webhook-id': id, 'webhook-timestamp': timestamp }
  if (target.secret === null) return headers
  const hmac = (text: string) => createHmac('sha256', keyOf(target.secret!)).update(text)
  if (target.signature !== 'hmac') {
    headers['webhook-signature'] = `v1,${hmac(`${id}.${timestamp}.${body}`).digest('base64')}`
  }
  if (target.signature !== 'standard') {
    headers[target.signatureHeader.toLowerCase()] = `sha256=${hmac(body).digest('hex')}`
  }
  return headers
}

/** The whole request; the channel's own headers give way to those of the signature. */
export function webhookRequest(
  target: TargetOf<'webhook'>,
  notification: Notification,
  now: number,
): OutgoingRequest {
  const body = renderWebhook(notification)
  const own = Object.entries(target.headers)
    .filter(([name]) => !RESERVED.test(name))
    .map(([name, value]) => [name.toLowerCase(), value])
  const headers = { ...Object.fromEntries(own), ...signWebhook(target, notification.id, body, now) }
  return jsonRequest(target.url, body, headers, target.method)
}

export const sendWebhook: Send<'webhook'> = (target, notification, outgoing) =>
  exchange(target, outgoing, webhookRequest(target, notification, Date.now()))
