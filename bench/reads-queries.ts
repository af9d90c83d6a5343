/** What `bench/reads.ts` asks, by name; paths under /api/v1. */
import { FREQUENT, MIDDLING, PERCENT, RARE } from './reads-database.ts'

const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()

/** `middle`: also a page in the middle, after the cursor that this many days ago would give. */
export type Query = { name: string; path: string }

const filters: [name: string, query: string][] = [
  ['no filter', ''],
  ['state=all', 'state=all'],
  ['state=acked', 'state=acked'],
  ['state=dismissed', 'state=dismissed'],
  ['provider', 'provider=com.proxmox'],
  ['provider, a rarer one', 'provider=com.example'],
  ['provider, none below', 'provider=com.nobody'],
  ['node', 'node=pve-7'],
  ['node, none', 'node=nowhere'],
  ['vmid', 'vmid=777'],
  ['vmid, none', 'vmid=99999'],
  ['severity=error', 'severity=error'],
  ['severity=critical', 'severity=critical'],
  ['from, to: a day half a year ago', `from=${daysAgo(181)}&to=${daysAgo(180)}`],
  ['to: half a year ago', `to=${daysAgo(180)}`],
  ['node + severity=critical', 'node=pve-7&severity=critical'],
  ['node + vmid, none together', 'node=pve-8&vmid=777'],
  ['provider + severity=error', 'provider=com.proxmox&severity=error'],
  ['provider + node', 'provider=com.proxmox.backup&node=pve-7'],
  ['node + a day half a year ago', `node=pve-7&from=${daysAgo(181)}&to=${daysAgo(180)}`],
  ['severity + dismissed', 'severity=error&state=dismissed'],
  ['q: a word of a third', `q=${FREQUENT}`],
  ['q: a word of 1 %', `q=${PERCENT}`],
  ['q: a word of 0.1 %', `q=${MIDDLING}`],
  ['q: a word of 5 events', `q=${RARE}`],
  ['q: a word of none', 'q=qqqxyzq'],
  ['q: two words', `q=${FREQUENT}+${PERCENT}`],
  ['q: two letters, frequent', 'q=of'],
  ['q + node', `q=${FREQUENT}&node=pve-7`],
  ['q + vmid', `q=${FREQUENT}&vmid=777`],
  ['q + severity', `q=${FREQUENT}&severity=error`],
  ['q + to: half a year ago', `q=${PERCENT}&to=${daysAgo(180)}`],
]

const lists = ['timeline', 'events'] as const

export const QUERIES: Query[] = [
  ...lists.flatMap((list) =>
    filters.map(([name, query]) => ({ name: `${list}, ${name}`, path: `/${list}?${query}` })),
  ),
  { name: 'sources', path: '/sources' },
  { name: 'heatmap, a day by hour', path: '/heatmap?tz=Europe/Berlin' },
  { name: 'heatmap, a year by day', path: '/heatmap?tz=Europe/Berlin&unit=day' },
  { name: 'heatmap, a year by day, UTC+5:45', path: '/heatmap?tz=Asia/Kathmandu&unit=day' },
  {
    name: 'heatmap, a year by day, a provider',
    path: '/heatmap?tz=Europe/Berlin&unit=day&provider=com.proxmox',
  },
]

/** Lists of which a page in the middle is read too. */
export const IN_THE_MIDDLE = ['no filter', 'node', 'severity=error', 'q: a word of 1 %']
