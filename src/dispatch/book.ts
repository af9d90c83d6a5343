import { effectiveMetadata } from '../adapters/proxmox.ts'
import type { Vault } from '../auth/vault.ts'
import type { Channel, Silence, StoredChannel } from '../channel.ts'
import type { JudgedEvent, Metadata, StoredEvent } from '../event.ts'
import {
  type ChannelRuler,
  compileChannel,
  compileSilence,
  type ReadSubject,
  readSubject,
  type SilenceTest,
} from './rules.ts'
import { channelOf, type OpenedChannel, openChannel } from './settings.ts'

/** A channel as it is stored, and as it could be opened. */
export type KnownChannel = { stored: StoredChannel; opened: OpenedChannel }

export type ChannelBookDeps = {
  listChannels: () => Promise<StoredChannel[]>
  listSilences: () => Promise<Silence[]>
  vault: Pick<Vault, 'open'>
}

/** All channels and silences, in memory. */
export type ChannelBook = {
  /** Reads them anew. */
  reload: () => Promise<void>
  all: () => readonly KnownChannel[]
  /** Those that work, by id. */
  channels: () => ReadonlyMap<string, Channel>
  silences: () => readonly SilenceTest[]
  rulers: () => readonly ChannelRuler[]
  /** The event with the channels that it is told to; the same when there are none. */
  address: (event: JudgedEvent) => JudgedEvent
}

export function createChannelBook({ listChannels, listSilences, vault }: ChannelBookDeps): ChannelBook {
  let all: KnownChannel[] = []
  let channels = new Map<string, Channel>()
  let rulers: ChannelRuler[] = []
  let silences: SilenceTest[] = []
  let loading: Promise<void> | null = null

  async function load(): Promise<void> {
    const [stored, found] = await Promise.all([listChannels(), listSilences()])
    all = stored.map((one) => ({ stored: one, opened: openChannel(one, vault) }))
    const working = all.flatMap(({ stored, opened }) =>
      'input' in opened ? [channelOf(opened.input, stored)] : [],
    )
    channels = new Map(working.map((channel) => [channel.id, channel]))
    // What a channel without its secrets is to be told waits for them.
    const waiting = all.flatMap(({ stored, opened }) =>
      'problem' in opened && opened.rules ? [channelOf(opened.rules, stored)] : [],
    )
    rulers = [...working, ...waiting].filter(({ enabled }) => enabled).map(compileChannel)
    silences = found.map(compileSilence)
  }

  /** A load that is under way may be older than the change that this call is about. */
  async function reload(): Promise<void> {
    const running = loading
    if (running) {
      await running.catch(() => {})
      if (loading && loading !== running) return loading
    }
    const mine = load().finally(() => {
      if (loading === mine) loading = null
    })
    loading = mine
    return mine
  }

  return {
    reload,
    all: () => all,
    channels: () => channels,
    silences: () => silences,
    rulers: () => rulers,
    address: (event) => (rulers.length === 0 ? event : address(event, rulers)),
  }
}

/** What is taken from a report is told only where the report itself is not. */
function address(event: JudgedEvent, rulers: readonly ChannelRuler[]): JudgedEvent {
  const tell: NonNullable<JudgedEvent['tell']> = []
  const untold: ChannelRuler[] = []
  const subject = subjectOf(event)
  for (const ruler of rulers) {
    const ruling = ruler.rule(subject)
    if ('occasion' in ruling) tell.push({ channelId: ruler.channel.id, occasion: ruling.occasion })
    else untold.push(ruler)
  }
  if (!event.derived) return tell.length > 0 ? { ...event, tell } : event
  const derived = untold.length === 0 ? event.derived : event.derived.map((one) => address(one, untold))
  return { ...event, tell, derived }
}

/** An event as rules see it. */
function subjectOf(event: JudgedEvent): ReadSubject {
  return readSubject(event, () => metadataOf(event))
}

function metadataOf({ facts, metadata }: Pick<JudgedEvent, 'facts' | 'metadata'>): Metadata {
  return facts ? effectiveMetadata(metadata, { facts }) : metadata
}

/** A stored event as rules see it now; `role` is what it did to its stack. */
export function subjectOfStored(event: StoredEvent, role: string | null): ReadSubject {
  return readSubject({ ...event, role: role ?? 'repeats', acked: false, dismissed: false }, () =>
    metadataOf(event),
  )
}
