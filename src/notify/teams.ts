/**
 * Microsoft Teams by a webhook of Workflows, with an Adaptive Card 1.4:
 * https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
 */
import type { Notification, NotifiedItem } from '../channel.ts'
import { bandOf } from '../event.ts'
import type { OutgoingAnswer, Send } from './channel.ts'
import { exchange, jsonRequest } from './exchange.ts'
import { bytes, excerpt, title } from './text.ts'
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

/** 28 KB are documented, but cards above 21 KB have been refused. */
const MOST_BYTES = 20_000
/** Teams shows so many actions, and drops the rest. */
const MOST_ACTIONS = 6
const MOST_ITEM_TITLE = 200
const MOST_TITLE = 500
const MOST_VALUE = 500
const MOST_MESSAGE = 6_000
const MOST_LINES = 60

type Element = Record<string, unknown>
export type TeamsMessage = {
  type: 'message'
  attachments: [{ contentType: string; contentUrl: null; content: Element & { body: Element[] } }]
}

const COLORS = { info: 'Accent', warning: 'Warning', error: 'Attention', critical: 'Attention' } as const

/** A run of text; other than a TextBlock or a Fact, its text is not read as Markdown. */
function run(text: string, more: Element = {}): Element {
  return { type: 'TextRun', text, ...more }
}

function paragraph(inlines: Element[], more: Element = {}): Element {
  return { type: 'RichTextBlock', inlines, ...more }
}

function openUrl({ label, url }: Link): Element {
  return { type: 'Action.OpenUrl', title: title(label, 60), url }
}

/** A line each, because line feeds within a run are shown as blanks; blanks are kept so that tables stay tables. */
function messageLines(message: string, most: number): Element[] {
  if (message === '') return []
  const lines = excerpt(limitLines(message), most).split('\n')
  return lines.map((line, index) => {
    const text = line.replace(/ {2,}|\t|^ /g, (blanks) =>
      '\u00a0'.repeat(blanks === '\t' ? 4 : blanks.length),
    )
    return paragraph(
      [run(text || '\u00a0', { fontType: 'Monospace', size: 'Small' })],
      index > 0 ? { spacing: 'None' } : {},
    )
  })
}

/** So many lines at most; the rest goes behind the last, where it is cut off. */
function limitLines(message: string): string {
  let at = -1
  for (let line = 0; line < MOST_LINES; line++) {
    at = message.indexOf('\n', at + 1)
    if (at < 0) return message
  }
  return message.slice(0, at) + message.slice(at).replaceAll('\n', ' ')
}

function single(item: NotifiedItem, mostMessage: number): Element[] {
  const color = COLORS[bandOf(item.severity)]
  const facts = factsOf(item).map(({ name, value }) =>
    paragraph(
      [
        run(`${name}: `, { isSubtle: true }),
        run(title(value, MOST_VALUE), name === 'Severity' ? { color, weight: 'Bolder' } : {}),
      ],
      { spacing: 'None' },
    ),
  )
  return [...facts, ...messageLines(item.message ?? '', mostMessage)]
}

function listEntry(item: NotifiedItem): Element {
  const [link] = itemLinks(item)
  const color = COLORS[bandOf(item.severity)]
  const name = run(title(titleOf(item), MOST_ITEM_TITLE), {
    weight: 'Bolder',
    color,
    ...(link ? { selectAction: openUrl(link) } : {}),
  })
  return paragraph([name, run(` — ${title(detailsOf(item), MOST_ITEM_TITLE)}`, { isSubtle: true })], {
    spacing: 'Small',
  })
}

function card(body: Element[], links: Link[]): TeamsMessage {
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    msteams: { width: 'Full' },
    body,
    ...(links.length > 0 ? { actions: links.slice(0, MOST_ACTIONS).map(openUrl) } : {}),
  }
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  }
}

function fits(message: TeamsMessage): boolean {
  return bytes(JSON.stringify(message)) <= MOST_BYTES
}

export function renderTeams(notification: Notification): TeamsMessage {
  const { items, stacks } = notification
  const headline = title(`${markOf(notification)} ${headlineOf(notification)}`, MOST_TITLE)
  const intro = title(introOf(notification), MOST_TITLE)
  const head = [
    paragraph([run(headline, { weight: 'Bolder', size: 'Large' })]),
    ...(intro === '' ? [] : [paragraph([run(intro, { isSubtle: true })])]),
  ]
  const links = linksOf(notification)
  if (isSingle(notification)) {
    for (let most = MOST_MESSAGE; ; most = Math.floor(most * 0.7)) {
      const message = card([...head, ...single(items[0]!, most)], links)
      if (fits(message) || most < 100) return message
    }
  }
  const entries = items.map(listEntry)
  const all = Math.max(stacks, items.length)
  for (let kept = entries.length; ; kept--) {
    const more = kept < all ? [paragraph([run(`and ${all - kept} more`, { italic: true })])] : []
    const message = card([...head, ...entries.slice(0, kept), ...more], links)
    if (kept === 0 || fits(message)) return message
  }
}

/** The connectors of old answered 200 and said in words what went wrong. */
function meant({ status, body }: OutgoingAnswer): number {
  return Number(/returned HTTP error (\d{3})/.exec(body)?.[1] ?? status)
}

export const sendTeams: Send<'teams'> = (target, notification, outgoing) =>
  exchange(target, outgoing, jsonRequest(target.url, renderTeams(notification)), meant)
