/** PagerDuty's Events API v2: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ */
import type { Exchange, Notification, NotifiedItem } from '../channel.ts'
import { bandOf } from '../event.ts'
import type { Send, TargetOf } from './channel.ts'
import { exchange, jsonRequest } from './exchange.ts'
import { excerpt, jsonBytes, title } from './text.ts'
import { countsOf, factsOf, headlineOf, introOf, itemLinks, type Link, linksOf, titleOf } from './words.ts'

const MOST_SUMMARY = 1_024
const MOST_FIELD = 255
/** A request may have 512 KB; nobody reads that much on call. */
const MOST_MESSAGE_BYTES = 256 * 1024
const MOST_LINKS = 20
/** More stacks at once become one incident. */
const MOST_STACKS = 25
/** Requests at a time. */
const PARALLEL = 5

type Details = Record<string, string | number | string[]>
export type PagerdutyEvent = {
  routing_key: string
  dedup_key: string
} & (
  | { event_action: 'acknowledge' | 'resolve' }
  | {
      event_action: 'trigger'
      client: 'Tempo'
      client_url?: string
      links: { href: string; text: string }[]
      payload: {
        summary: string
        source: string
        severity: 'info' | 'warning' | 'error' | 'critical'
        timestamp: string
        component?: string
        group: string
        class: string
        custom_details: Details
      }
    }
)

const field = (text: string) => title(text, MOST_FIELD)

function addressesOf(links: Link[]) {
  const [first] = links
  return {
    ...(first ? { client_url: first.url } : {}),
    links: links.slice(0, MOST_LINKS).map(({ label, url }) => ({ href: url, text: field(label) })),
  }
}

function trigger(
  target: TargetOf<'pagerduty'>,
  notification: Notification,
  item: NotifiedItem,
): PagerdutyEvent {
  const isTest = notification.kind === 'test'
  const details: Details = Object.fromEntries(factsOf(item).map(({ name, value }) => [name, field(value)]))
  const intro = introOf(notification)
  if (intro !== '') details.Note = title(intro, MOST_SUMMARY)
  const message = excerpt(item.message ?? '', MOST_MESSAGE_BYTES, { size: jsonBytes })
  if (message !== '') details.Message = message
  return {
    routing_key: target.secret,
    dedup_key: isTest ? `tempo-test-${notification.channel.id}` : `tempo-${item.stackId}`,
    event_action: 'trigger',
    client: 'Tempo',
    ...addressesOf(itemLinks(item)),
    payload: {
      summary: title(isTest ? headlineOf(notification) : titleOf(item), MOST_SUMMARY),
      source: field(item.node || item.source || item.provider),
      severity: isTest ? 'info' : bandOf(item.severity),
      timestamp: item.at.toISOString(),
      ...(item.vmid ? { component: field(`VMID ${item.vmid}`) } : {}),
      group: field(item.provider),
      class: field(item.label),
      custom_details: details,
    },
  }
}

/** One incident for what would be too many. */
function overview(target: TargetOf<'pagerduty'>, notification: Notification): PagerdutyEvent {
  const { channel, items, severity, createdAt, stacks } = notification
  const titles = items.map((item) => title(titleOf(item), MOST_SUMMARY))
  const more = Math.max(0, stacks - items.length)
  return {
    routing_key: target.secret,
    dedup_key: `tempo-channel-${channel.id}`,
    event_action: 'trigger',
    client: 'Tempo',
    ...addressesOf(linksOf(notification)),
    payload: {
      summary: title(countsOf(notification), MOST_SUMMARY),
      source: 'Tempo',
      severity: bandOf(severity),
      timestamp: createdAt.toISOString(),
      group: field(channel.name),
      class: notification.kind,
      custom_details: {
        Note: title(introOf(notification), MOST_SUMMARY),
        Stacks: [...titles, ...(more > 0 ? [`and ${more} more`] : [])],
      },
    },
  }
}

/**
 * A request per stack; of more than 25 stacks one for all troubles together, while each that is over or acknowledged
 * keeps its own: no other request ends its incident.
 */
export function renderPagerduty(target: TargetOf<'pagerduty'>, notification: Notification): PagerdutyEvent[] {
  const isTrouble = ({ occasion }: NotifiedItem) => occasion === 'event' || occasion === 'reminder'
  const { items, stacks } = notification
  const single = (item: NotifiedItem): PagerdutyEvent =>
    isTrouble(item)
      ? trigger(target, notification, item)
      : {
          routing_key: target.secret,
          dedup_key: `tempo-${item.stackId}`,
          event_action: item.occasion === 'resolved' ? 'resolve' : 'acknowledge',
        }
  if (stacks <= MOST_STACKS || !items.some(isTrouble)) return items.map(single)
  return [overview(target, notification), ...items.filter((item) => !isTrouble(item)).map(single)]
}

/** Of several tries: one that may pass is tried again, which repeats the others harmlessly, by their keys. */
function combine(exchanges: Exchange[], asked: number): Exchange {
  const told =
    exchanges.find(({ result }) => result === 'passing') ??
    exchanges.find(({ result }) => result === 'permanent') ??
    exchanges[0]!
  if (asked === 1) return told
  const sent = exchanges.filter(({ result }) => result === 'sent').length
  const waits = exchanges.flatMap(({ retryAfterMs }) => retryAfterMs ?? [])
  return {
    ...told,
    answer: `${sent} of ${asked} accepted.\n${told.answer}`,
    retryAfterMs: waits.length > 0 ? Math.max(...waits) : null,
  }
}

export const sendPagerduty: Send<'pagerduty'> = async (target, notification, outgoing) => {
  const requests = renderPagerduty(target, notification).map((event) => jsonRequest(target.url, event))
  const exchanges: Exchange[] = []
  for (let at = 0; at < requests.length; at += PARALLEL) {
    const lot = requests.slice(at, at + PARALLEL).map((request) => exchange(target, outgoing, request))
    exchanges.push(...(await Promise.all(lot)))
    // What does not answer now does not answer the rest either.
    if (exchanges.some(({ result }) => result === 'passing')) break
  }
  return combine(exchanges, requests.length)
}
