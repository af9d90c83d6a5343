/** Which of Proxmox's products speaks, as a provider identifier. */
import { isWithinProvider } from '../../event.ts'
import { isBackupServerKind, kindOfType, readTitle } from './kinds.ts'
import { isAbsent, presentText } from './value.ts'

export const PROXMOX_VE = 'com.proxmox'
export const PROXMOX_BACKUP_SERVER = 'com.proxmox.backup'

/** Every provider of this family: `com.proxmox`, `com.proxmox.backup` and all below. */
export function isProxmox(provider: string): boolean {
  return isWithinProvider(provider, PROXMOX_VE)
}

export type Notification = { title: string; message: string; fields: Readonly<Record<string, unknown>> }

/**
 * The provider of a notification, which never names one itself. A token that is bound to Proxmox decides; without one
 * the content does: a datastore, a media pool or a kind that only Proxmox Backup Server has. A test and a mail look
 * the same on both, and count as Proxmox VE.
 */
export function providerOf(notification: Notification, bound: string | null): string {
  if (bound !== null && isProxmox(bound)) return bound
  return isFromBackupServer(notification) ? PROXMOX_BACKUP_SERVER : PROXMOX_VE
}

function isFromBackupServer({ title, message, fields }: Notification): boolean {
  if (!isAbsent(fields.datastore) || !isAbsent(fields['media-pool'])) return true
  const type = presentText(fields.type)
  const kind = type === null ? (readTitle(title)?.kind ?? null) : kindOfType(type)
  if (isBackupServerKind(kind)) return true
  return kind === 'package-updates' && message.trimStart().startsWith('Proxmox Backup Server has ')
}
