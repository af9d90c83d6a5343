import type { Channel, Notification } from '../channel.ts'

/** What the Send Test button sends. */
export function trialNotification(
  channel: Pick<Channel, 'id' | 'name'>,
  id: string,
  now: Date,
  url: string | null,
): Notification {
  const item = {
    occasion: 'event' as const,
    eventId: id,
    stackId: id,
    provider: 'tempo',
    source: 'Tempo',
    title: `Test of the channel ${channel.name}`,
    subtitle: null,
    severity: 'info' as const,
    label: 'Test',
    color: '#7A5AF8',
    node: null,
    vmid: null,
    at: now,
    message: 'If you can read this, notifications of this channel arrive. Nothing has happened.',
    metadata: {},
    count: 1,
    url,
    links: [],
  }
  return {
    id,
    kind: 'test',
    channel: { id: channel.id, name: channel.name },
    createdAt: now,
    because: null,
    items: [item],
    events: 1,
    stacks: 1,
    bySeverity: { ok: 0, info: 1, warning: 0, error: 0, critical: 0 },
    severity: 'info',
    url,
  }
}
