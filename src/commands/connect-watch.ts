import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../access.ts'
import { type Arrival, type Awaited, hintsOnSilence, readArrival } from '../connect/arrival.ts'
import { fatal } from '../errors.ts'
import type { Database } from '../storage/database.ts'
import { findNewestDelivery, listDeliveriesSince } from '../storage/follow-deliveries.ts'
import { findQuarantined } from '../storage/quarantine.ts'
import { findEvent } from '../storage/timeline.ts'

export type WatchOptions = {
  awaited: Awaited
  product: 'pve' | 'pbs'
  timeoutMs: number
  signal: AbortSignal
  say: (text: string) => void
}

export type WatchEnd = 'arrived' | 'timeout' | 'interrupted'

const LOOK_EVERY_MS = 500
/** Silence after which people want to know what may be wrong. */
const QUIET_MS = 30_000
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000 } as const

/** Milliseconds of a waiting time such as `30s`, `10m`, `1h`. */
export function parseTimeout(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([smh])$/.exec(text) ?? []
  if (unit === undefined) throw fatal('bad_timeout', '--timeout: give a time such as 30s, 10m or 1h.')
  return Number(count) * UNITS[unit as keyof typeof UNITS]
}

/**
 * Follows what comes with a token, or with none that is known, and says each thing once, until the Test has arrived.
 * Made before the lines are shown, since what comes after that counts.
 */
export async function prepareWatch(db: Database): Promise<(options: WatchOptions) => Promise<WatchEnd>> {
  const since = await findNewestDelivery(db)
  return (options) => watch(db, since, options)
}

async function watch(db: Database, since: string | null, options: WatchOptions): Promise<WatchEnd> {
  const { awaited, product, timeoutMs, signal, say } = options
  const begun = performance.now()
  const quietMs = Math.min(QUIET_MS, timeoutMs / 2)
  const seen = new Set<string>()
  const said = new Set<string>()
  let isHinted = false
  const sayOnce = (text: string) => {
    if (!said.has(text)) say(text)
    said.add(text)
  }
  while (!signal.aborted) {
    for (const delivery of await listDeliveriesSince(db, since, awaited.tokenId)) {
      if (seen.has(delivery.id)) continue
      const arrival = await lookUp(db, delivery)
      // It is looked at again once it is stored.
      if (arrival.event || delivery.status >= 300) seen.add(delivery.id)
      const finding = readArrival(arrival, awaited)
      if (finding) sayOnce(finding.text)
      if (finding?.isDone) return 'arrived'
    }
    const elapsed = performance.now() - begun
    if (elapsed >= timeoutMs) return 'timeout'
    if (elapsed >= quietMs && !isHinted && said.size === 0) {
      isHinted = true
      say(['Nothing has come yet. What may be the matter:', ...hintsOnSilence(awaited, product)].join('\n- '))
    }
    await sleep(Math.min(LOOK_EVERY_MS, timeoutMs), undefined, { signal }).catch(() => {})
  }
  return 'interrupted'
}

async function lookUp(db: Database, delivery: Delivery): Promise<Arrival> {
  const [event, refused] = await Promise.all([
    delivery.eventId === null ? null : findEvent(db, delivery.eventId),
    delivery.quarantineId === null ? null : findQuarantined(db, delivery.quarantineId),
  ])
  return {
    delivery,
    event: event && {
      title: event.title,
      metadata: event.metadata,
      isTest: (event.metadata.TaskType || event.facts?.TaskType) === 'test',
    },
    problem: refused?.problem ?? null,
  }
}

/** Looks whether this server answers under the address that the node is given; null when it does. */
export async function checkAddress(base: string): Promise<string | null> {
  const url = `${base}/health`
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(3_000) })
    const place = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && place !== null) {
      const target = new URL(place, url).href.replace(/\/health\/?$/, '')
      return `${base} redirects to ${target}. Proxmox would follow without the body, and call it a success: give that address with --url.`
    }
    const body = (await response.json().catch(() => null)) as { version?: unknown; status?: unknown } | null
    if (typeof body?.version === 'string' && body.status !== undefined) return null
    return `${url} answers ${response.status}, and not as this server does: see whether the address lacks a path.`
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } }
    return `${base} cannot be reached from here (${cause?.code ?? name}). Is the server running? The node may still reach it.`
  }
}
