/** Channels and rows for the tests of this folder. */
import type { Channel, ChannelRules, Silence } from '../channel.ts'
import { readChannel } from './changes.ts'
import type { Told } from './compose.ts'
import { channelOf } from './settings.ts'
import type { Due } from './sort.ts'

export const NOW = new Date('2026-11-20T12:00:00Z')
const ID = '01a20094-cacb-71ab-8754-600508a23a76'

export const minutes = (count: number): Date => new Date(NOW.getTime() + count * 60_000)

/** A channel as it is made, with its defaults. */
export function sampleChannel(
  rules: Partial<ChannelRules & { enabled: boolean }> = {},
  more: object = {},
): Channel {
  const input = readChannel({
    name: 'ops',
    type: 'slack',
    url: 'https://example.com/hook',
    ...rules,
    ...more,
  })
  return channelOf(input, { id: ID, managedBy: 'api', createdAt: NOW, updatedAt: NOW })
}

export function sampleSilence(changes: Partial<Silence> = {}): Silence {
  return {
    id: ID,
    reason: 'maintenance',
    from: minutes(-60),
    to: minutes(60),
    channels: [],
    providers: [],
    nodes: [],
    vmids: [],
    match: [],
    createdBy: 'test',
    createdAt: minutes(-60),
    ...changes,
  }
}

let count = 0

/** An error of a stack that the channel knows nothing of, and that has just come. */
export function sampleRow(changes: Partial<Due & Told> = {}): Due & Told {
  const cause = `cause-${++count}`
  return {
    cause,
    eventId: `event of ${cause}`,
    stackId: 'stack',
    occasion: 'event',
    severity: 3,
    createdAt: NOW,
    reason: null,
    exists: true,
    provider: 'com.proxmox',
    title: 'vzdump backup failed',
    label: 'Error',
    node: 'pve1',
    vmid: '100',
    role: 'repeats',
    metadata: {},
    toldAt: null,
    toldSeverity: null,
    isOpen: false,
    isAcked: false,
    isDismissed: false,
    ...changes,
  }
}
