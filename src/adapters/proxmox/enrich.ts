/** What a notification of Proxmox says beyond its fields, which are few: its title and message hold the rest. */
import { type IncomingEvent, isWithinProvider, type Metadata } from '../../event.ts'
import { readBackupServerMessage } from './backup-server.ts'
import { guestsOnFailedNode } from './fencing.ts'
import {
  isBackupServerKind,
  isTest,
  kindOfType,
  type Outcome,
  type ProxmoxKind,
  readTitle,
  type TitleFacts,
} from './kinds.ts'
import { isProxmox, PROXMOX_BACKUP_SERVER } from './product.ts'
import { parseVzdumpReport, type VzdumpReport } from './report.ts'
import { readSubject } from './system-mail.ts'
import type { GuestStatus } from './table.ts'
import { isAbsent, presentText } from './value.ts'

/** A guest that a notification is about; of its backup there is a status, of a replication or fencing none. */
export type GuestFact = { vmid: number; name: string | null; status: GuestStatus | null }

/** What was found; null or empty where nothing was. The event itself stays as it came. */
export type Enrichment = {
  kind: ProxmoxKind | null
  /** The title without the blanks that the templates of Proxmox leave around it. */
  title: string
  outcome: Outcome | null
  /** Why it failed, in the words of the sender. */
  reason: string | null
  /** Errors as the message counts them; of a vzdump report the guests without a backup. */
  errorCount: number | null
  fqdn: string | null
  guests: GuestFact[]
  /** Of a vzdump notification only. */
  report: VzdumpReport | null
  /**
   * Values for metadata that the event lacks: NodeName, VMID, TaskType, JobId, GuestName, FQDN, Datastore, MediaPool,
   * ServerUrl, Outcome, ErrorCount. Never one that it has.
   */
  facts: Readonly<Record<string, string>>
}

/** Reads one event of `com.proxmox` or below, whatever dialect it came in; of any other provider nothing is found. */
export function enrichProxmox(event: IncomingEvent): Enrichment {
  const title = event.title.trim()
  if (!isProxmox(event.provider)) return nothing(title)
  const { metadata } = event
  const message = typeof metadata.Message === 'string' ? metadata.Message : ''
  const said = readTitle(title)
  const kind = findKind(event, title, message, said)
  const titled = said?.kind === kind ? said : null
  const report = kind === 'vzdump' ? parseVzdumpReport({ title, message, sentAt: event.startDate }) : null
  const fromServer = isBackupServerKind(kind) || isWithinProvider(event.provider, PROXMOX_BACKUP_SERVER)
  const backup = fromServer && kind && kind !== 'system-mail' ? readBackupServerMessage(kind, message) : null
  const jobId = presentText(metadata.JobId) ?? titled?.jobId ?? backup?.jobId ?? null
  const guests = findGuests(kind, message, report, jobId)
  const fqdn = titled?.fqdn ?? backup?.fqdn ?? null
  const subject = kind === 'system-mail' ? readSubject(title) : null
  const sole = kind === 'fencing' ? null : soleGuest(guests, report)
  const outcome = outcomeOf(kind, titled, report)
  const errorCount = report ? countFailed(report) : (backup?.errorCount ?? null)
  const facts = missingFrom(metadata, {
    NodeName: titled?.node ?? subject?.node ?? fqdn?.split('.')[0] ?? null,
    VMID: sole && String(sole.vmid),
    GuestName: sole?.name || null,
    TaskType: kind,
    JobId: jobId,
    FQDN: fqdn,
    Datastore: backup?.datastore ?? titled?.datastore ?? null,
    MediaPool: backup?.mediaPool ?? null,
    ServerUrl: backup?.serverUrl ?? null,
    Outcome: outcome,
    ErrorCount: errorCount === null ? null : String(errorCount),
  })
  const reason = report?.reason ?? backup?.reason ?? (kind === 'replication' ? errorOf(message) : null)
  return { kind, title, outcome, reason, errorCount, fqdn, guests, report, facts }
}

/** The metadata that scores, templates and grouping should see: a copy with the facts where it holds nothing. */
export function effectiveMetadata(metadata: Metadata, { facts }: Pick<Enrichment, 'facts'>): Metadata {
  const missing = Object.keys(facts).filter((name) => isAbsent(own(metadata, name)))
  if (missing.length === 0) return metadata
  // Entries, because an assignment would not keep a key `__proto__`.
  return { ...metadata, ...Object.fromEntries(missing.map((name) => [name, facts[name]])) }
}

function nothing(title: string): Enrichment {
  const none = { kind: null, outcome: null, reason: null, errorCount: null, fqdn: null, report: null }
  return { ...none, title, guests: [], facts: {} }
}

/** The field `type` goes before all; then the severity, which only mail leaves unknown; then the title. */
function findKind(
  { metadata }: IncomingEvent,
  title: string,
  message: string,
  said: TitleFacts | null,
): ProxmoxKind | null {
  const type = presentText(metadata.TaskType)
  if (type !== null) return kindOfType(type)
  if (presentText(metadata.severity)?.toLowerCase() === 'unknown') return 'system-mail'
  if (isTest(title, message)) return 'test'
  return said?.kind ?? (readSubject(title) ? 'system-mail' : null)
}

function findGuests(
  kind: ProxmoxKind | null,
  message: string,
  report: VzdumpReport | null,
  jobId: string | null,
): GuestFact[] {
  if (report) return report.guests.map(({ vmid, name, status }) => ({ vmid, name, status }))
  if (kind === 'fencing') {
    return guestsOnFailedNode(message).map((vmid) => ({ vmid, name: null, status: null }))
  }
  const vmid = kind === 'replication' ? /^([1-9]\d{0,9})-\d+$/.exec(jobId ?? '')?.[1] : undefined
  return vmid === undefined ? [] : [{ vmid: Number(vmid), name: null, status: null }]
}

/** The guest that the whole notification is about; a row without a readable VMID might be another one. */
function soleGuest(guests: readonly GuestFact[], report: VzdumpReport | null): GuestFact | null {
  const [guest] = guests
  if (guest === undefined || guests.length > 1) return null
  const readable = guest.status === 'unparsed' ? 1 : 0
  return (report?.unparsed.length ?? 0) > readable ? null : guest
}

/** A single guest without a backup goes before a title that says successful. */
function outcomeOf(
  kind: ProxmoxKind | null,
  titled: TitleFacts | null,
  report: VzdumpReport | null,
): Outcome | null {
  if (kind === 'replication' || kind === 'acme') return 'failed'
  if (report && countFailed(report) > 0) return 'failed'
  if (titled?.outcome) return titled.outcome
  return report && report.guests.length > 0 && report.unparsed.length === 0 ? 'ok' : null
}

function countFailed({ guests }: VzdumpReport): number {
  return guests.filter(({ status }) => status === 'failed' || status === 'aborted').length
}

/** What stands below the line `Error:` of a replication. */
function errorOf(message: string): string | null {
  const mark = '\nError:\n'
  const text = message.replaceAll('\r\n', '\n')
  const at = text.indexOf(mark)
  return at === -1 ? null : text.slice(at + mark.length).trim() || null
}

function missingFrom(metadata: Metadata, found: Record<string, string | null>): Record<string, string> {
  const missing: Record<string, string> = {}
  for (const name of Object.keys(found)) {
    const value = found[name] ?? ''
    if (!isAbsent(value) && isAbsent(own(metadata, name))) missing[name] = value
  }
  return missing
}

function own(metadata: Metadata, name: string): unknown {
  return Object.hasOwn(metadata, name) ? metadata[name] : undefined
}
