/** What a notification says in words, the same for every receiver; unescaped and uncut. */
import type { Notification, NotifiedItem, Occasion } from '../channel.ts'
import { BANDS, bandOf, type Severity } from '../event.ts'
import { oneLine } from './text.ts'

const MARKS: Record<Severity, string> = { critical: '🔴', error: '🟠', warning: '🟡', info: '🔵', ok: '🟢' }
const OCCASION_WORDS: Record<Occasion, string> = {
  event: '',
  resolved: 'Resolved',
  acknowledged: 'Acknowledged',
  reminder: 'Reminder',
}
/** Longer addresses are cut off by some receiver or other, and half an address leads nowhere. */
const MAX_URL_LENGTH = 2_000
/** Longer ones are cut where they are shown; nobody reads on. */
const MAX_TITLE_LENGTH = 4_096

export type Fact = { name: string; value: string }
export type Link = { label: string; url: string }

/** A coloured dot for receivers without colours; a tick when it is over. */
export function markOf(notification: Notification): string {
  return isOver(notification) ? '✅' : MARKS[notification.severity]
}

/** True when all that is told is the end of something. */
export function isOver(notification: Notification): boolean {
  return notification.items.every(({ occasion }) => occasion === 'resolved')
}

/** True when nothing in it asks for anybody: it is over, or somebody is at it. */
export function isCalm(notification: Notification): boolean {
  return notification.items.every(({ occasion }) => occasion === 'resolved' || occasion === 'acknowledged')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `Error`, or `Error · Backup failed` when the label says more. */
export function severityOf(item: NotifiedItem): string {
  const band = bandOf(item.severity)
  const label = oneLine(item.label)
  return label === '' || label.toLowerCase() === band ? capital(band) : `${capital(band)} · ${label}`
}

/** The title, with the occasion before it when it is not a new event. */
export function titleOf(item: NotifiedItem): string {
  const words = OCCASION_WORDS[item.occasion]
  const title = oneLine(item.title.slice(0, MAX_TITLE_LENGTH).toWellFormed()) || 'Event without a title'
  return words === '' ? title : `${words}: ${title}`
}

/** `node pve1 · VMID 100`; empty when neither is known. */
export function placeOf(item: NotifiedItem): string {
  const parts = [item.node && `node ${oneLine(item.node)}`, item.vmid && `VMID ${oneLine(item.vmid)}`]
  return parts.filter(Boolean).join(' · ')
}

/** Instant in UTC, to the second. */
export function timeOf(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z')
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** `12 events in 5 stacks: 1 critical, 3 error, 8 info`. */
export function countsOf({ events, stacks, bySeverity }: Notification): string {
  const bands = BANDS.toReversed().map((band) => {
    const count = band === 'info' ? bySeverity.info + bySeverity.ok : bySeverity[band]
    return count > 0 ? [`${count} ${band}`] : []
  })
  const parts = bands.flat()
  return `${plural(events, 'event')} in ${plural(stacks, 'stack')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`
}

/** The one line that says it all. */
export function headlineOf(notification: Notification): string {
  const { kind, items } = notification
  if (kind === 'test') return `Test: ${titleOf(items[0]!)}`
  return isSingle(notification) ? titleOf(items[0]!) : countsOf(notification)
}

/** True when it tells of one stack, whose message is then shown; else it is a list. */
export function isSingle({ kind, items, stacks }: Notification): boolean {
  return kind === 'event' || kind === 'test' || (items.length === 1 && stacks === 1)
}

/** Sentences to begin with: that it is a test, why it comes late. */
export function introOf(notification: Notification): string {
  const { kind, channel, because, items } = notification
  const sentences: string[] = []
  if (kind === 'test') {
    const name = oneLine(channel.name)
    sentences.push(
      `This is a test of the channel “${name}”: nothing has happened, and nothing is to be done.`,
    )
  }
  if (because) sentences.push(oneLine(because))
  if (isSingle(notification) && items[0]!.occasion === 'reminder')
    sentences.push('Nobody has acknowledged it yet.')
  return sentences.join(' ')
}

/** What is known of an item beside its title and message. */
export function factsOf(item: NotifiedItem): Fact[] {
  const facts: [string, string | null][] = [
    ['Severity', severityOf(item)],
    ['Details', item.subtitle],
    ['Source', oneLine(item.source) || item.provider],
    ['Node', item.node],
    ['VMID', item.vmid],
    ['Time', timeOf(item.at)],
    ['Events', item.count > 1 ? String(item.count) : null],
  ]
  return facts.flatMap(([name, value]) => (value ? [{ name, value: oneLine(value) }] : []))
}

/** Severity, place and time of an item, for a list: `Error · node pve1 · VMID 100 · 2026-11-21T02:00:04Z`. */
export function detailsOf(item: NotifiedItem): string {
  const count = item.count > 1 ? plural(item.count, 'event') : ''
  return [severityOf(item), placeOf(item), timeOf(item.at), count].filter(Boolean).join(' · ')
}

/** The address when it may be clicked: http or https, and not too long. */
export function clickable(url: string | null): string | null {
  const parsed = url === null ? null : URL.parse(url)
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.href.length > MAX_URL_LENGTH) return null
  return parsed.href
}

/** Where to look further: Tempo first, then the stack's own actions; of several stacks, the timeline. */
export function linksOf(notification: Notification): Link[] {
  if (!isSingle(notification)) return toLinks([{ label: 'Open the timeline', url: notification.url }])
  return itemLinks(notification.items[0]!)
}

export function itemLinks(item: NotifiedItem): Link[] {
  return toLinks([{ label: 'Open in Tempo', url: item.url }, ...item.links])
}

function toLinks(links: { label: string; url: string | null }[]): Link[] {
  return links.flatMap(({ label, url }) => {
    const href = clickable(url)
    return href === null ? [] : [{ label: oneLine(label) || href, url: href }]
  })
}
