import { hash } from 'node:crypto'

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
