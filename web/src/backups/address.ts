/** Addresses of the backups' views: what is looked at stands in the address, so that a link shows the same. */
import type { CellState } from './states.ts'

export const SPANS = [14, 30, 90] as const
export type Span = (typeof SPANS)[number]

/** `wanted` empty: all guests; `trouble`: those whose latest day is known not to be good. */
export type GridFilter = { days: Span; words: string; wanted: '' | 'trouble' | 'parked' }

export function readGridFilter(search: string): GridFilter {
  const query = new URLSearchParams(search)
  const wanted = query.get('show')
  return {
    days: SPANS.find((days) => String(days) === query.get('days')) ?? 30,
    words: query.get('q') ?? '',
    wanted: wanted === 'trouble' || wanted === 'parked' ? wanted : '',
  }
}

export function writeGridFilter({ days, words, wanted }: GridFilter): string {
  const query = new URLSearchParams()
  if (days !== 30) query.set('days', String(days))
  if (words) query.set('q', words)
  if (wanted) query.set('show', wanted)
  const text = query.toString()
  return text && `?${text}`
}

/** Where a guest's own page is; a guest of no cluster stands under `-`. */
export function guestPath(cluster: string, vmid: string): string {
  return `/backups/${encodeURIComponent(cluster || '-')}/${encodeURIComponent(vmid)}`
}

/** The cluster and VMID of {@link guestPath}. */
export function readGuestPath(params: { cluster?: string; vmid?: string }) {
  const cluster = decoded(params.cluster ?? '-')
  return { cluster: cluster === '-' ? '' : cluster, vmid: decoded(params.vmid ?? '') }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export type GridGuest = {
  cluster: string
  vmid: string
  name: string | null
  days: CellState[]
  parked: unknown
}

/** Whether a guest belongs to what the filter asks for. */
export function isWanted(guest: GridGuest, { words, wanted }: GridFilter): boolean {
  if (wanted === 'parked' && !guest.parked) return false
  if (wanted === 'trouble' && !isInTrouble(guest)) return false
  const text = `${guest.name ?? ''} ${guest.vmid} ${guest.cluster}`.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

/** The latest day of which anything is known was not good; parked guests need no backup. */
export function isInTrouble({ days, parked }: GridGuest): boolean {
  const latest = days.findLast((state) => state !== 'unknown')
  return !parked && latest !== undefined && latest !== 'ok'
}
