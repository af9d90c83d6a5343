import { hash } from 'node:crypto'
import type { Notification } from '../adapters/proxcenter.ts'

/** Raised when other content counts: keys of before then match nothing. */
const VERSION = 'proxmox 1'

/**
 * Under which key a notification of Proxmox is answered once: it may come by two targets, or from two nodes, and carries
 * no id of its own. Only the very same content at the same second is the same notification. Clusters that a token names
 * are told apart.
 */
export function fingerprintOf(
  { title, message, severity, timestamp, fields }: Record<string, unknown>,
  defaults: Readonly<Record<string, string>> = {},
): string {
  const sorted = Object.entries((fields ?? {}) as object).sort(([a], [b]) => (a < b ? -1 : 1))
  const content = JSON.stringify([defaults.Cluster ?? '', title, message, severity, timestamp, sorted])
  return `${VERSION} ${hash('sha256', content, 'hex')}`
}

const PROXCENTER_VERSION = 'proxcenter 1'

/**
 * The same for a notification of ProxCenter: the very same content with the same id of its sender, or without one, of
 * the same second. Two that send the same ids are told apart by the clusters that their tokens name.
 */
export function proxcenterFingerprint(
  { id, content, startDate }: Notification,
  defaults: Readonly<Record<string, string>> = {},
): string {
  const when = id ?? Math.floor(startDate.getTime() / 1_000)
  const text = JSON.stringify([defaults.Cluster ?? '', when, content])
  return `${PROXCENTER_VERSION} ${hash('sha256', text, 'hex')}`
}
