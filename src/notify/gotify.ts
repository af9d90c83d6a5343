/** Gotify's messages: https://gotify.net/api-docs#/message/createMessage */
import type { Notification } from '../channel.ts'
import type { Severity } from '../event.ts'
import type { Send } from './channel.ts'
import { exchange, jsonRequest } from './exchange.ts'
import { bytes, excerpt, listOf, title } from './text.ts'
import { detailsOf, headlineOf, introOf, isCalm, isSingle, linksOf, titleOf } from './words.ts'

/** No limit is documented; on MySQL a message is a TEXT, of 64 KiB. */
const MOST_BYTES = 32 * 1024
const MOST_TITLE = 500
const MOST_LINE = 600

/** From 8 on the app makes a sound whatever it is set to; below 4 it makes none. */
const PRIORITIES: Record<Severity, number> = { critical: 10, error: 8, warning: 5, info: 2, ok: 2 }
const CALM_PRIORITY = 2

export type GotifyMessage = {
  title: string
  message: string
  priority: number
  extras: Record<string, unknown>
}

function messageOf(notification: Notification): string {
  const { items, stacks } = notification
  const links = linksOf(notification).map(({ label, url }) => `${title(label, MOST_LINE)}: ${url}`)
  const address = listOf(links.slice(0, 5), MOST_BYTES / 4, 0, bytes)
  const intro = title(introOf(notification), MOST_LINE)
  let body: string[]
  if (isSingle(notification)) {
    const [first] = items
    const message = excerpt(first!.message ?? '', MOST_BYTES / 2, { size: bytes })
    body = [title(detailsOf(first!), MOST_LINE), message]
  } else {
    const lines = items.map(
      (item) => `• ${title(titleOf(item), MOST_LINE)} — ${title(detailsOf(item), MOST_LINE)}`,
    )
    body = [listOf(lines, MOST_BYTES / 2, Math.max(stacks, items.length), bytes)]
  }
  return [intro, ...body, address].filter((part) => part !== '').join('\n\n')
}

export function renderGotify(notification: Notification): GotifyMessage {
  const url = linksOf(notification)[0]?.url
  return {
    title: title(headlineOf(notification), MOST_TITLE),
    message: messageOf(notification),
    priority: isCalm(notification) ? CALM_PRIORITY : PRIORITIES[notification.severity],
    extras: {
      'client::display': { contentType: 'text/plain' },
      ...(url === undefined ? {} : { 'client::notification': { click: { url } } }),
    },
  }
}

/** The server's address may have a path of its own, and a slash at its end. */
function messageUrl(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed) return url
  parsed.pathname = `${parsed.pathname.replace(/\/+$/, '')}/message`
  return parsed.href
}

export const sendGotify: Send<'gotify'> = (target, notification, outgoing) => {
  const request = jsonRequest(messageUrl(target.url), renderGotify(notification), {
    'x-gotify-key': target.secret,
  })
  return exchange(target, outgoing, request)
}
