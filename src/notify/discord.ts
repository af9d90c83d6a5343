/** Discord's webhooks: https://discord.com/developers/docs/resources/message#embed-object-embed-limits */
import type { Notification, NotifiedItem } from '../channel.ts'
import type { Send } from './channel.ts'
import { exchange, jsonRequest } from './exchange.ts'
import { excerpt, isolate, listOf, title } from './text.ts'
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

const MOST_TITLE = 256
const MOST_DESCRIPTION = 4_096
const MOST_NAME = 256
const MOST_VALUE = 1_024
const MOST_FIELDS = 25
const MOST_ALL = 6_000
const MOST_ITEM_TITLE = 200
const MOST_INTRO = 600
/** Of the message, so that title, fields and links fit beside it. */
const MOST_MESSAGE = 3_000

type Field = { name: string; value: string; inline: boolean }
export type DiscordEmbed = {
  title: string
  url?: string
  description: string
  color: number
  timestamp: string
  fields: Field[]
}
export type DiscordMessage = { embeds: [DiscordEmbed]; allowed_mentions: { parse: [] } }

/** Markdown, mentions, custom emojis and time stamps as they are written; a word that is an address stays one. */
function escapeMarkdown(text: string): string {
  return isolate(text)
    .replace(/[\\*_~`|<>#[\]()@]/g, '\\$&')
    .replace(/^(\s*)([-+]|\d+\.)(?=\s)/gm, '$1\\$2')
}

/** A code block, which nothing in the text can end: between its backticks stands a character without width. */
function codeBlock(text: string): string {
  return `\`\`\`\n${isolate(text).replace(/`(?=`)/g, '`\u200b')}\n`
}

const FENCE = '```'

function code(message: string, most: number): string {
  const beginning = excerpt(message, most - FENCE.length - 1, { render: codeBlock })
  if (beginning === codeBlock('')) return ''
  return beginning.endsWith('\n') ? `${beginning}${FENCE}` : `${beginning}\n${FENCE}`
}

function linkTo({ label, url }: Link): string {
  const address = url.replace(
    /[()<>\\*_~|`]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `[${title(label, 100, { render: escapeMarkdown })}](${address})`
}

/** One line of links; those that do not fit are left out, the last first. */
function linkLine(links: Link[], most: number): string {
  let line = ''
  for (const link of links) {
    const longer = line === '' ? linkTo(link) : `${line} · ${linkTo(link)}`
    if (longer.length > most) break
    line = longer
  }
  return line
}

function listLine(item: NotifiedItem): string {
  const name = title(titleOf(item), MOST_ITEM_TITLE, { render: escapeMarkdown })
  const link = itemLinks(item)[0]
  const details = title(detailsOf(item), MOST_ITEM_TITLE, { render: escapeMarkdown })
  return `- **${name}** — ${details}${link ? ` · ${linkTo({ label: 'open', url: link.url })}` : ''}`
}

function colorOf(item: NotifiedItem): number {
  return /^#[0-9a-f]{6}$/i.test(item.color) ? Number.parseInt(item.color.slice(1), 16) : 0x888888
}

function describe(notification: Notification): string {
  const { items, stacks } = notification
  const intro = title(introOf(notification), MOST_INTRO, { render: escapeMarkdown })
  const links = linkLine(linksOf(notification), MOST_VALUE)
  const most = MOST_DESCRIPTION - intro.length - links.length - 4
  const body = isSingle(notification)
    ? code(items[0]!.message ?? '', Math.min(most, MOST_MESSAGE))
    : listOf(items.map(listLine), most, Math.max(stacks, items.length))
  return [intro, body, links].filter((part) => part !== '').join('\n')
}

function lengthOf({ title, description, fields }: DiscordEmbed): number {
  return (
    title.length +
    description.length +
    fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0)
  )
}

export function renderDiscord(notification: Notification): DiscordMessage {
  const { items, createdAt } = notification
  const [first] = items as [NotifiedItem]
  const isOne = isSingle(notification)
  const facts = isOne ? factsOf(first).slice(0, MOST_FIELDS) : []
  const url = linksOf(notification)[0]?.url
  const embed: DiscordEmbed = {
    title: title(`${markOf(notification)} ${headlineOf(notification)}`, MOST_TITLE, {
      render: escapeMarkdown,
    }),
    ...(url === undefined ? {} : { url }),
    description: describe(notification),
    color: colorOf(first),
    timestamp: (isOne ? first.at : createdAt).toISOString(),
    fields: facts.map(({ name, value }) => ({
      name: name.slice(0, MOST_NAME),
      value: title(value, MOST_VALUE, { render: escapeMarkdown }),
      inline: true,
    })),
  }
  while (lengthOf(embed) > MOST_ALL) embed.fields.pop()
  return { embeds: [embed], allowed_mentions: { parse: [] } }
}

/** With `wait`, Discord answers only when the message is there, and says so when it is not. */
function waiting(url: string): string {
  const parsed = URL.parse(url)
  parsed?.searchParams.set('wait', 'true')
  return parsed?.href ?? url
}

export const sendDiscord: Send<'discord'> = (target, notification, outgoing) =>
  exchange(target, outgoing, jsonRequest(waiting(target.url), renderDiscord(notification)))
