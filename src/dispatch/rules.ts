import { type Channel, type ChannelMatch, EVENT_PRESETS, type EventPreset, type Silence } from '../channel.ts'
import { isWithinProvider, type Metadata, type Occasion, type Severity, severityRank } from '../event.ts'
import { compileGlob, foldCase } from '../scores/glob.ts'
import { type CompiledMatch, compileMatch, matchHolds } from '../scores/match.ts'
import { createMetadataReader, type MetadataReader } from '../scores/metadata.ts'
import { PRESETS } from './presets.ts'

/** What rules look at. */
export type Subject = {
  provider: string
  title: string
  severity: Severity
  label: string
  node: string | null
  vmid: string | null
  role: string
  acked: boolean
  dismissed: boolean
}

/** What a channel's rules say of an event: what it is told as, or why it is not told. */
export type Ruling = { occasion: Occasion } | { reason: string }

export type ChannelRuler = { channel: Channel; rule: (subject: ReadSubject) => Ruling }

/** An event, and what reads its metadata with its own properties beside them, as `event.severity`. */
export type ReadSubject = { subject: Subject; reader: () => MetadataReader }

/** `metadata`, as scores see it, is asked for at most once, and only by a match: most rules have none. */
export function readSubject(subject: Subject, metadata: () => Metadata): ReadSubject {
  let read: MetadataReader | undefined
  const reader = () => {
    read ??= createMetadataReader({
      ...metadata(),
      'event.provider': subject.provider,
      'event.title': subject.title,
      'event.severity': subject.severity,
      'event.label': subject.label,
      'event.node': subject.node,
      'event.vmid': subject.vmid,
      'event.role': subject.role,
    })
    return read
  }
  return { subject, reader }
}

const holdsAny = (matches: CompiledMatch[], reader: () => MetadataReader): boolean =>
  matches.some((match) => matchHolds(match, reader()))

const compileAll = (matches: ChannelMatch[]): CompiledMatch[] => matches.map((match) => compileMatch(match))

/** The part of a channel's rules that is the same at any time; quiet hours, repeats and the like are for later. */
export function compileChannel(channel: Channel): ChannelRuler {
  const { minSeverity, events, match, providers, nodes, sendResolved } = channel.rules
  const least = severityRank(minSeverity)
  const presets = compileAll(events.flatMap((name) => PRESETS[name]))
  const resolutions = compileAll(events.includes('alert_resolved') ? PRESETS.alert_resolved : [])
  const own = compileAll(match)
  const isNode = compileNames(nodes)
  const isAny = events.length === 0 && match.length === 0

  function rule({ subject: event, reader }: ReadSubject): Ruling {
    if (!channel.enabled) return { reason: 'The channel is switched off.' }
    if (!isOf(providers, event.provider)) return { reason: `${event.provider} is none of its providers.` }
    if (!isNode(event.node)) return { reason: `${event.node ?? 'No node'} is none of its nodes.` }
    if (event.dismissed) return { reason: 'The score dismissed the event as it arrived.' }
    if (event.acked) return { reason: 'The score acknowledged the event as it arrived.' }
    const isSevere = severityRank(event.severity) >= least
    const isChosen = isAny || holdsAny(presets, reader) || holdsAny(own, reader)
    // Whoever asks for ends by name wants them all, however mild.
    if (holdsAny(resolutions, reader)) return { occasion: 'event' }
    if (isSevere && isChosen) return { occasion: 'event' }
    if (isEnd(event) && sendResolved) return { occasion: 'resolved' }
    return {
      reason: isSevere
        ? 'It is none of the chosen event types, and no match of the channel holds.'
        : `Its severity, ${event.severity}, is below ${minSeverity}.`,
    }
  }
  return { channel, rule }
}

const ALL_PRESETS = EVENT_PRESETS.map((name) => ({ name, matches: compileAll(PRESETS[name]) }))

/** ProxCenter's event types that an event is of. */
export function presetsOf({ reader }: ReadSubject): EventPreset[] {
  return ALL_PRESETS.filter(({ matches }) => holdsAny(matches, reader)).map(({ name }) => name)
}

/** The end of a trouble: closes a session, or says that all is well. */
function isEnd({ role, severity }: Pick<Subject, 'role' | 'severity'>): boolean {
  return role === 'closes' || severity === 'ok'
}

function isOf(providers: readonly string[], provider: string): boolean {
  return providers.length === 0 || providers.some((root) => isWithinProvider(provider, root))
}

/** A test for names with `*` and `?`; without any, every name and none at all will do. */
function compileNames(names: readonly string[]): (name: string | null) => boolean {
  if (names.length === 0) return () => true
  const globs = names.map((name) => compileGlob(name))
  return (name) => name !== null && globs.some((glob) => glob(foldCase(name)))
}

export type SilenceTest = { silence: Silence; holds: (channelId: string, subject: ReadSubject) => boolean }

/** Whether a silence holds for an event on a channel, its time aside. */
export function compileSilence(silence: Silence): SilenceTest {
  const { channels, providers, nodes, vmids, match } = silence
  const isNode = compileNames(nodes)
  const isGuest = compileNames(vmids)
  const matches = compileAll(match)
  return {
    silence,
    holds: (channelId, { subject, reader }) =>
      (channels.length === 0 || channels.includes(channelId)) &&
      isOf(providers, subject.provider) &&
      isNode(subject.node) &&
      isGuest(subject.vmid) &&
      (matches.length === 0 || holdsAny(matches, reader)),
  }
}
