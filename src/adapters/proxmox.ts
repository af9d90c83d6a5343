/**
 * The native dialect of Proxmox VE and Proxmox Backup Server, and what can be read from their notifications in any
 * dialect. Nothing else knows the folder of this name.
 */
import { invalidInput, TempoError } from '../errors.ts'
import type { IncomingEvent, Metadata } from '../event.ts'
import { findUnrendered, NATIVE_HINT, nativePath, translateNative } from './proxmox/native.ts'
import { PROXMOX_VE, providerOf } from './proxmox/product.ts'
import { type Recognised, recogniseFields } from './proxmox/recognise.ts'
import { isAbsent } from './proxmox/value.ts'

export { type Enrichment, effectiveMetadata, enrichProxmox, type GuestFact } from './proxmox/enrich.ts'
export { kindOfType, type Outcome, PROXMOX_KINDS, type ProxmoxKind, readTitle } from './proxmox/kinds.ts'
export { NATIVE_TEMPLATE } from './proxmox/native.ts'
export { isProxmox } from './proxmox/product.ts'
export { parseVzdumpReport, type VzdumpGuest, type VzdumpReport } from './proxmox/report.ts'
export type { GuestStatus } from './proxmox/table.ts'

/**
 * `provider` is that of a token bound to exactly one. `defaults` are metadata that the token adds where an event has
 * none, such as `ServerUrl` and `Cluster`.
 */
export type ParseOptions = {
  now: Date
  provider: string | null
  defaults?: Readonly<Record<string, string>> | undefined
}

export type Parsed = { event: IncomingEvent; warnings: string[] }

type Body = Record<string, unknown>

/** Our own dialect, into which the native one is translated, so that both make the same event. */
export type TempoDialect = {
  claimedProvider: (value: Body) => string | null
  parse: (value: Body, options: { now: Date; provider: string | null }) => Parsed
}

export type ProxmoxDialect = {
  claimedProvider: (value: Body) => string | null
  /** False for a payload of our own dialect. */
  isNative: (value: Body) => boolean
  parse: (value: Body, options: ParseOptions) => Parsed
  /** The fields of a notification whose way here has none, for the dialect of Gotify. */
  recognise: (title: string, message: string) => Recognised
}

/** The dialect of `POST /ingest/proxmox`: the native body, or by mistake a payload of our own dialect. */
export function createProxmoxDialect(tempo: TempoDialect): ProxmoxDialect {
  return {
    claimedProvider: tempo.claimedProvider,
    isNative: (value) => !isTempoPayload(value),
    parse: (value, options) => {
      const parse = isTempoPayload(value) ? parseOwn : parseNative
      return withDefaults(parse(tempo, value, options), options)
    },
    recognise: recogniseFields,
  }
}

/** It names a provider, or has the keys of our own dialect and none of the native one. */
function isTempoPayload(value: Body): boolean {
  if (!isAbsent(value.providerIdentifier)) return true
  const has = (key: string): boolean => Object.hasOwn(value, key)
  return (has('metadata') || has('startDate')) && !['message', 'severity', 'timestamp', 'fields'].some(has)
}

function parseOwn(tempo: TempoDialect, value: Body, { now, provider }: ParseOptions): Parsed {
  return tempo.parse(value, { now, provider: provider ?? PROXMOX_VE })
}

function parseNative(tempo: TempoDialect, value: Body, { now, provider }: ParseOptions): Parsed {
  const unrendered = findUnrendered(value)
  if (unrendered.length > 0) throw invalidInput('notification', unrendered, NATIVE_HINT)
  const { payload, fields, warnings } = translateNative(value)
  const [title, message] = [payload.title, value.message].map((text) =>
    typeof text === 'string' ? text : '',
  )
  const product = providerOf({ title: title!, message: message!, fields }, provider)
  try {
    const parsed = tempo.parse({ ...payload, providerIdentifier: product }, { now, provider: null })
    return { event: parsed.event, warnings: [...warnings, ...parsed.warnings.map(inNativeWords)] }
  } catch (error) {
    if (!(error instanceof TempoError)) throw error
    const errors = error.errors.map(({ path, message: text }) => ({ path: nativePath(path), message: text }))
    throw invalidInput('notification', errors, NATIVE_HINT)
  }
}

/** A warning begins with the path of what it is about. */
function inNativeWords(warning: string): string {
  const path = /^(?:startDate|metadata[\w.]*)/.exec(warning)?.[0]
  return path === undefined ? warning : `${nativePath(path)}${warning.slice(path.length)}`
}

function withDefaults({ event, warnings }: Parsed, { defaults }: ParseOptions): Parsed {
  const metadata: Metadata = event.metadata
  const missing = Object.entries(defaults ?? {}).filter(
    ([name, value]) => !isAbsent(value) && (!Object.hasOwn(metadata, name) || isAbsent(metadata[name])),
  )
  if (missing.length === 0) return { event, warnings }
  const completed = Object.fromEntries([...Object.entries(metadata), ...missing])
  return { event: { ...event, metadata: completed }, warnings }
}
