/** ntfy, published as JSON: https://docs.ntfy.sh/publish/#publish-as-json */
import type { Notification } from '../channel.ts'
import type { Severity } from '../event.ts'
import type { Send, TargetOf } from './channel.ts'
import { exchange, jsonRequest } from './exchange.ts'
import { bytes, clean, excerpt, isolate, jsonBytes, listOf, title } from './text.ts'
import { detailsOf, headlineOf, introOf, isCalm, isOver, isSingle, linksOf, titleOf } from './words.ts'

/** Longer ones become an attachment. */
const MOST_MESSAGE_BYTES = 4_096
/** The server reads twice its limit of a message; both with its defaults. */
const MOST_JSON_BYTES = 8_000
/** 1 KB, since 2.28; nobody sees more than a line or two anyway. */
const MOST_TITLE_BYTES = 500
const MOST_ACTIONS = 3
const MOST_LABEL = 60
const MOST_LINE = 300

const PRIORITIES: Record<Severity, number> = { critical: 5, error: 4, warning: 3, info: 2, ok: 2 }
/** Short codes of the emojis that ntfy puts before the title. */
const TAGS: Record<Severity, string> = {
  critical: 'rotating_light',
  error: 'x',
  warning: 'warning',
  info: 'information_source',
  ok: 'white_check_mark',
}
/** Of somebody's end of it: there is nothing to do. */
const CALM_PRIORITY = 2

export type NtfyMessage = {
  topic: string
  title: string
  message: string
  priority: number
  tags: string[]
  click?: string
  actions: { action: 'view'; label: string; url: string }[]
}

function shortLinks(notification: Notification, most: number) {
  let left = most
  const links = linksOf(notification).slice(0, MOST_ACTIONS)
  return links.filter(({ url }) => {
    const fits = jsonBytes(url) <= left
    if (fits) left -= jsonBytes(url)
    return fits
  })
}

function messageOf(notification: Notification, most: number, size: (text: string) => number): string {
  const { items, stacks } = notification
  const [first] = items
  const intro = isolate(title(introOf(notification), MOST_LINE))
  const head = isSingle(notification) ? [intro, isolate(title(detailsOf(first!), MOST_LINE))] : [intro]
  const before = head
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('')
  if (!isSingle(notification)) {
    const lines = items.map(
      (item) => `• ${title(titleOf(item), MOST_LINE)} — ${title(detailsOf(item), MOST_LINE)}`,
    )
    return before + listOf(lines, most - size(before), Math.max(stacks, items.length), size)
  }
  const message = clean((first!.message ?? '').slice(0, most)) === '' ? '' : first!.message!
  return (
    before + (message === '' ? '' : `\n${excerpt(message, most - size(before) - 4, { size })}`)
  ).trimEnd()
}

export function renderNtfy(target: TargetOf<'ntfy'>, notification: Notification): NtfyMessage {
  const links = shortLinks(notification, 1_500)
  const click = links[0]?.url
  const tag = isOver(notification) ? 'white_check_mark' : TAGS[notification.severity]
  const message: NtfyMessage = {
    topic: target.topic,
    title: title(headlineOf(notification), MOST_TITLE_BYTES, { size: jsonBytes }),
    message: '',
    priority: isCalm(notification) ? CALM_PRIORITY : PRIORITIES[notification.severity],
    tags: [tag],
    ...(click === undefined ? {} : { click }),
    actions: links.map(({ label, url }) => ({ action: 'view', label: title(label, MOST_LABEL), url })),
  }
  const beside = bytes(JSON.stringify(message))
  // One measure for both limits: what the whole document has too much counts for the message.
  const excess = MOST_JSON_BYTES - beside - MOST_MESSAGE_BYTES
  const size = (text: string) => Math.max(bytes(text), jsonBytes(text) - excess)
  return { ...message, message: messageOf(notification, MOST_MESSAGE_BYTES, size) }
}

export const sendNtfy: Send<'ntfy'> = (target, notification, outgoing) => {
  const headers: Record<string, string> =
    target.secret === null ? {} : { authorization: `Bearer ${target.secret}` }
  return exchange(target, outgoing, jsonRequest(target.url, renderNtfy(target, notification), headers))
}
