/** Notifications of every kind, made of the recorded events of Proxmox. */
import type { Notification, NotifiedItem } from '../../src/channel.ts'
import { SEVERITIES, type Severity } from '../../src/event.ts'
import { loadFixtures } from './fixtures.ts'

export const AT = new Date('2026-11-21T02:00:04.123Z')
export const MIB = 1024 * 1024
export const FAMILY = '👩‍👩‍👧‍👦'

/** What a receiver might take for its own: HTML, mentions, Markdown, directions, controls, half a character. */
export const HOSTILE = [
  `<script>alert("1")</script><img src=x onerror='alert(1)'> &amp; </pre></body>`,
  '<!channel> <!here|x> <@U123> <https://evil.example|click> @everyone @here <@123> <@&456> <#789> <:a:1>',
  '[click](https://evil.example) **bold** _italic_ ~~gone~~ `code` ```fence``` `````` ||spoiler||',
  '# head\n> quote\n- list\n1. one\n| a | b |\n---\n',
  'harmless\u202etxt.exe\u202c \u2067abc \u2069\u2069 \u200fx',
  `${FAMILY} 🇩🇪 e\u0301 👍🏽 𝄞 \ud800 \udc00`,
  '\u0000\u0007\u001b[31mred\u001b[0m\u009b1m\u007f \r\nBcc: evil@example.org\r\n\r\nbody {{x}} ${y} %s \\n \u2028\u2029',
].join('\n')

type Fixture = {
  providerIdentifier: string
  title: string
  startDate: number
  metadata: Record<string, unknown>
}

export function makeItem(changes: Partial<NotifiedItem> = {}): NotifiedItem {
  return {
    occasion: 'event',
    eventId: '01992f00-0000-7000-8000-000000000001',
    stackId: '01992f00-0000-7000-8000-0000000000aa',
    provider: 'com.proxmox',
    source: 'Proxmox',
    title: 'Backup failed',
    subtitle: null,
    severity: 'error',
    label: 'Backup failed',
    color: '#e5484d',
    node: 'pve1',
    vmid: '102',
    at: AT,
    message: 'db01: exit code 255',
    metadata: { TaskType: 'vzdump', JobId: null },
    count: 1,
    url: 'https://tempo.example.org/stacks/1?from=mail&x=(1)',
    links: [{ label: 'Open Proxmox', url: 'https://pve1.example.lan:8006/#v1:0:=qemu%2F102' }],
    ...changes,
  }
}

export function makeNotification(items: NotifiedItem[], changes: Partial<Notification> = {}): Notification {
  const bySeverity = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<
    Severity,
    number
  >
  for (const item of items) bySeverity[item.severity] += item.count
  const worst = SEVERITIES.findLast((severity) => bySeverity[severity] > 0)!
  return {
    id: '01992f00-0000-7000-8000-00000000000f',
    kind: items.length === 1 ? 'event' : 'group',
    channel: { id: 'c1', name: 'On call' },
    createdAt: AT,
    because: null,
    items: items.slice(0, 50),
    events: items.reduce((sum, { count }) => sum + count, 0),
    stacks: items.length,
    bySeverity,
    severity: worst,
    url: 'https://tempo.example.org/timeline',
    ...changes,
  }
}

/** Every recorded event, by the name of its file. */
export function recordedItems(): [name: string, NotifiedItem][] {
  return loadFixtures('pve').map(({ name, bytes }) => {
    const { title, startDate, metadata } = JSON.parse(bytes.toString()) as Fixture
    const { NodeName, VMID, severity, Message, ...rest } = metadata
    const item = makeItem({
      title: title.trim(),
      at: new Date(startDate * 1000),
      severity: severity === 'unknown' ? 'warning' : (severity as Severity),
      label: String(rest.TaskType ?? 'Test'),
      node: NodeName as string | null,
      vmid: VMID as string | null,
      message: Message as string,
      metadata,
    })
    return [name, item]
  })
}

/** Sixty stacks, whose items are those of one again and again, in all severities and on all occasions. */
function sixty(item: NotifiedItem): NotifiedItem[] {
  const occasions = ['event', 'event', 'resolved', 'acknowledged', 'reminder'] as const
  return Array.from({ length: 60 }, (_, index) => ({
    ...item,
    occasion: occasions[index % 5]!,
    severity: SEVERITIES[4 - Math.floor(index / 12)]!,
    stackId: `${item.stackId.slice(0, -2)}${String(index).padStart(2, '0')}`,
    count: 1 + (index % 3),
  }))
}

/** The notifications that one item can come in. */
export function everyKind(item: NotifiedItem): [name: string, notification: Notification][] {
  const hostile = makeItem({
    title: HOSTILE,
    subtitle: HOSTILE,
    label: HOSTILE,
    source: HOSTILE,
    node: HOSTILE,
    vmid: HOSTILE,
    message: HOSTILE,
    metadata: { Message: HOSTILE, [HOSTILE]: { deep: [HOSTILE] } },
    links: [
      { label: HOSTILE, url: 'https://example.org/a)b(c' },
      { label: 'Never', url: 'javascript:alert(1)' },
      { label: 'Nor', url: 'not an address' },
      { label: 'Long', url: `https://example.org/${'x'.repeat(5_000)}` },
      ...Array.from({ length: 30 }, (_, index) => ({
        label: `Link ${index}`,
        url: `https://example.org/${index}`,
      })),
    ],
  })
  const long = (text: string) =>
    makeNotification([{ ...item, message: text.repeat(Math.ceil(MIB / text.length)) }])
  const group = makeNotification(sixty(item))
  return [
    ['event', makeNotification([item])],
    ['resolved', makeNotification([{ ...item, occasion: 'resolved' }])],
    ['reminder', makeNotification([{ ...item, occasion: 'reminder' }])],
    [
      'nothing known',
      makeNotification([{ ...item, node: null, vmid: null, message: null, url: null, links: [] }], {
        url: null,
      }),
    ],
    ['group', group],
    ['summary', { ...group, kind: 'summary', because: 'Quiet hours are over.' }],
    ['test', makeNotification([item], { kind: 'test' })],
    ['1 MiB', long('0123456789abcde ')],
    ['1 MiB of lines', long('"quoted" \\ & <b>\n')],
    ['1 MiB of quotes', long('"\\\n')],
    ['1 MiB of emoji', long(FAMILY)],
    ['1 MiB of a word', long('x')],
    ['1 MiB of NUL', long('\u0000\n`')],
    ['hostile', makeNotification([hostile], { channel: { id: 'c1', name: HOSTILE }, because: HOSTILE })],
    [
      'hostile group',
      makeNotification(sixty(hostile), { channel: { id: 'c1', name: HOSTILE }, because: HOSTILE }),
    ],
  ]
}
