import { backupApi, read } from '../api/client.ts'

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** The states of all guests on the last days of the viewer's zone, today included. */
export function loadCoverage(days: number) {
  const now = new Date()
  const from = new Date(now.getFullYear(), now.getMonth(), now.getDate() - (days - 1))
  return read(
    backupApi.backups.coverage.$get({
      query: { from: from.toISOString(), to: now.toISOString(), tz: ZONE },
    }),
  )
}
export type Coverage = Awaited<ReturnType<typeof loadCoverage>>
export type CoveredGuest = Coverage['guests'][number]

export function loadGuests() {
  return read(backupApi.guests.$get()).then(({ items }) => items)
}
export type Guest = Awaited<ReturnType<typeof loadGuests>>[number]

export function loadExpectations() {
  return read(backupApi.expectations.$get())
}
export type Expectations = Awaited<ReturnType<typeof loadExpectations>>

const PAGE = 60

/** Backups of one guest, the latest first. */
export function loadHistory(cluster: string, vmid: string, cursor: string | null) {
  return read(
    backupApi.backups.$get({
      query: { cluster, vmid, limit: String(PAGE) as never, ...(cursor && { cursor: cursor as never }) },
    }),
  )
}
export type Backup = Awaited<ReturnType<typeof loadHistory>>['items'][number]

/** What is to be shown of a guest that may have no name. */
export function guestLabel({ name, vmid }: { name: string | null; vmid: string }): string {
  return name ? `${name} (${vmid})` : vmid
}
