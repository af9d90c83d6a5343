/** Slack's incoming webhooks, with Block Kit: https://docs.slack.dev/reference/block-kit/blocks */
import type { Notification, NotifiedItem } from '../channel.ts'
import type { Send } from './channel.ts'
import { exchange, jsonRequest } from './exchange.ts'
import { excerpt, isolate, title } from './text.ts'
import {
  detailsOf,
  factsOf,
  headlineOf,
  introOf,
  isSingle,
  itemLinks,
  type Link,
  linksOf,
  markOf,
  titleOf,
} from './words.ts'

const MOST_HEADER = 150
const MOST_FIELDS = 10
const MOST_VALUE = 300
const MOST_CONTEXT = 600
/** Of the notification on a phone; Slack asks for fewer than 4,000. */
const MOST_TEXT = 2_000
const MOST_ITEM_TITLE = 200
/** All blocks together are refused somewhere above 13,000 (`msg_blocks_too_long`), which is not documented. */
const MOST_MESSAGE = 6_000
const MOST_LIST = 9_000
/** Characters of addresses and labels. */
const MOST_LINKS = 2_500

type Element = Record<string, unknown>
export type SlackMessage = { text: string; unfurl_links: false; unfurl_media: false; blocks: Element[] }

/** The three characters that mean something: without `<` there is no mention and no link. */
function escapeText(text: string): string {
  return isolate(text).replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;' })[character] ?? '&gt;')
}

/** Nothing in it is parsed, so nobody can be mentioned. */
function plain(text: string): Element {
  return { type: 'plain_text', text, emoji: false }
}

function section(elements: Element[]): Element {
  return { type: 'rich_text_section', elements }
}

function text(value: string, bold = false): Element {
  return { type: 'text', text: value, ...(bold ? { style: { bold: true } } : {}) }
}

function link({ label, url }: Link): Element {
  return { type: 'link', url, text: title(label, 75) }
}

/** Links, because a button of an incoming webhook warns that nobody handles its click. */
function linkBlock(links: Link[]): Element[] {
  if (links.length === 0) return []
  let left = MOST_LINKS
  const kept = links.filter(({ label, url }) => {
    left -= label.length + url.length
    return left >= 0
  })
  const elements = kept.flatMap((one, index) => [...(index > 0 ? [text(' · ')] : []), link(one)])
  return [{ type: 'rich_text', elements: [section(elements)] }]
}

function single(item: NotifiedItem): Element[] {
  const facts = factsOf(item).slice(0, MOST_FIELDS)
  const fields = facts.map(({ name, value }) => plain(`${name}\n${title(value, MOST_VALUE)}`))
  const blocks: Element[] = [{ type: 'section', fields }]
  const message = excerpt(item.message ?? '', MOST_MESSAGE)
  if (message !== '') {
    blocks.push({
      type: 'rich_text',
      elements: [{ type: 'rich_text_preformatted', elements: [text(message)] }],
    })
  }
  return blocks
}

function listEntry(item: NotifiedItem): { entry: Element; size: number } {
  const name = title(titleOf(item), MOST_ITEM_TITLE)
  const details = ` — ${title(detailsOf(item), MOST_ITEM_TITLE)}`
  const own = itemLinks(item)[0]
  const first = own ? { ...link(own), text: name, style: { bold: true } } : text(name, true)
  return {
    entry: section([first, text(details)]),
    size: name.length + details.length + (own?.url.length ?? 0),
  }
}

function list({ items, stacks }: Notification): Element[] {
  const entries: Element[] = []
  let left = MOST_LIST
  for (const item of items) {
    const { entry, size } = listEntry(item)
    left -= size
    if (left < 0) break
    entries.push(entry)
  }
  const blocks: Element[] = [
    { type: 'rich_text', elements: [{ type: 'rich_text_list', style: 'bullet', elements: entries }] },
  ]
  const more = Math.max(stacks, items.length) - entries.length
  if (more > 0) blocks.push({ type: 'context', elements: [plain(`and ${more} more`)] })
  return blocks
}

export function renderSlack(notification: Notification): SlackMessage {
  const headline = `${markOf(notification)} ${headlineOf(notification)}`
  const intro = introOf(notification)
  return {
    text: title(headline, MOST_TEXT, { render: escapeText }),
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain(title(headline, MOST_HEADER)) },
      ...(intro === '' ? [] : [{ type: 'context', elements: [plain(title(intro, MOST_CONTEXT))] }]),
      ...(isSingle(notification) ? single(notification.items[0]!) : list(notification)),
      ...linkBlock(linksOf(notification)),
    ],
  }
}

export const sendSlack: Send<'slack'> = (target, notification, outgoing) =>
  exchange(target, outgoing, jsonRequest(target.url, renderSlack(notification)))
