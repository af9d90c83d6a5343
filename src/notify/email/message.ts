/** A notification as an e-mail: subject, plain text, and HTML for light and dark screens. Pure. */
import type { Notification, NotifiedItem } from '../../channel.ts'
import { bytes, escapeHtml, excerpt, isolate, listOf, title } from '../text.ts'
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
} from '../words.ts'

/** A subject is one line of at most 998 characters (RFC 5322, 2.1.1); programs show far fewer. */
const MOST_SUBJECT = 200
const MOST_LINE = 500
/** No limit is documented for text; many servers take 10 MB. */
const MOST_TEXT = 256 * 1024
/** Some programs clip HTML at 102 KB, and hide the rest behind a link. */
const MOST_HTML = 60 * 1024

const GREY = '#808080'
const FONT = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif'
const MONO = 'font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace'

export type Mail = { subject: string; text: string; html: string }

function colorOf(item: NotifiedItem): string {
  return /^#[0-9a-f]{6}$/i.test(item.color) ? item.color : GREY
}

/** Escaped, and kept from turning around what stands beside it. */
function safe(text: string): string {
  return escapeHtml(isolate(text))
}

function line(text: string): string {
  return title(text, MOST_LINE, { render: safe })
}

function textOf(notification: Notification): string {
  const { items, stacks } = notification
  const [first] = items as [NotifiedItem]
  const links = linksOf(notification).map(({ label, url }) => `${title(label, MOST_LINE)}: ${url}`)
  const parts = [title(headlineOf(notification), MOST_LINE), title(introOf(notification), MOST_LINE)]
  if (isSingle(notification)) {
    const facts = factsOf(first).map(
      ({ name, value }) => `${`${name}:`.padEnd(10)} ${title(value, MOST_LINE)}`,
    )
    parts.push(facts.join('\n'), excerpt(first.message ?? '', MOST_TEXT))
  } else {
    const entries = items.map((item) => {
      const [link] = itemLinks(item)
      return `* ${title(titleOf(item), MOST_LINE)}\n  ${title(detailsOf(item), MOST_LINE)}${link ? `\n  ${link.url}` : ''}`
    })
    parts.push(listOf(entries, MOST_TEXT, Math.max(stacks, items.length)))
  }
  parts.push(links.join('\n'), footer(notification))
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function footer({ channel }: Notification): string {
  return `-- \nSent by Tempo, channel “${title(channel.name, MOST_LINE)}”.`
}

function anchor({ label, url }: Link, style = ''): string {
  return `<a href="${escapeHtml(url)}" style="${style}">${line(label)}</a>`
}

function buttons(links: Link[]): string {
  if (links.length === 0) return ''
  const style = `display:inline-block;margin:0 8px 8px 0;padding:8px 14px;border:1px solid ${GREY};border-radius:6px;color:inherit;text-decoration:none`
  return `<p style="margin:16px 0 0">${links.map((link) => anchor(link, style)).join('')}</p>`
}

function singleHtml(item: NotifiedItem): string {
  const rows = factsOf(item).map(
    ({ name, value }) =>
      `<tr><td style="padding:2px 12px 2px 0;opacity:.75;vertical-align:top">${line(name)}</td>` +
      `<td style="padding:2px 0"><bdi>${line(value)}</bdi></td></tr>`,
  )
  const message = excerpt(item.message ?? '', MOST_HTML, { render: safe, size: bytes })
  const pre = `<pre style="${MONO};font-size:13px;white-space:pre-wrap;overflow-wrap:anywhere;margin:16px 0 0;padding:12px;border:1px solid ${GREY};border-radius:6px">${message}</pre>`
  return `<table role="presentation" style="border-collapse:collapse;margin:12px 0 0">${rows.join('')}</table>${message === '' ? '' : pre}`
}

function entryHtml(item: NotifiedItem): string {
  const [link] = itemLinks(item)
  const name = link ? anchor({ label: titleOf(item), url: link.url }, 'color:inherit') : line(titleOf(item))
  return (
    `<div style="margin:10px 0;padding:0 0 0 10px;border-left:4px solid ${colorOf(item)}">` +
    `<bdi><strong>${name}</strong></bdi><br><span style="opacity:.75"><bdi>${line(detailsOf(item))}</bdi></span></div>`
  )
}

function htmlOf(notification: Notification): string {
  const { items, stacks, channel } = notification
  const [first] = items as [NotifiedItem]
  const intro = title(introOf(notification), MOST_LINE, { render: safe })
  const body = isSingle(notification)
    ? singleHtml(first)
    : listOf(items.map(entryHtml), MOST_HTML, Math.max(stacks, items.length), bytes)
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">',
    `<title>${line(headlineOf(notification))}</title></head>`,
    `<body style="margin:0;padding:16px;${FONT};font-size:15px;line-height:1.45"><div style="max-width:720px">`,
    `<h1 style="font-size:18px;margin:0;padding:0 0 0 10px;border-left:6px solid ${colorOf(first)}"><bdi>${line(headlineOf(notification))}</bdi></h1>`,
    intro === '' ? '' : `<p style="margin:12px 0 0">${intro}</p>`,
    body,
    buttons(linksOf(notification)),
    `<p style="margin:24px 0 0;opacity:.75;font-size:12px">Sent by Tempo, channel “<bdi>${line(channel.name)}</bdi>”.</p>`,
    '</div></body></html>',
  ].join('\n')
}

/** Subject on one line, and both bodies with the same content; the message is cut, the severity is in words. */
export function renderEmail(notification: Notification): Mail {
  const headline = headlineOf(notification)
  return {
    subject: title(`${markOf(notification)} ${headline}`, MOST_SUBJECT),
    text: textOf(notification),
    html: htmlOf(notification),
  }
}
