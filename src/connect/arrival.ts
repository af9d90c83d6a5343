/** What an attempt to deliver says of how Proxmox is set up, for who waits for its Test. */
import type { Delivery } from '../access.ts'

/** What the watch waits for. */
export type Awaited = {
  tokenId: string
  /** Name of the target in Proxmox. */
  name: string
  target: 'webhook' | 'gotify'
  /** Address of the target's own intake, or of the server for a Gotify target. */
  url: string
}

/** What became of a delivery, as far as it is known. */
export type Arrival = {
  delivery: Pick<Delivery, 'path' | 'address' | 'tokenId' | 'status' | 'reason'>
  /** Null: it was refused, or waits on the disk. */
  event: { title: string; metadata: Readonly<Record<string, unknown>>; isTest: boolean } | null
  /** Of a body that was refused. */
  problem: { detail?: unknown; hint?: unknown } | null
}

/** A sentence or two for people; `isDone` when the Test has arrived as it should. */
export type Finding = { isDone: boolean; text: string }

/** Null for what has nothing to do with the set-up: the events of others. */
export function readArrival(arrival: Arrival, awaited: Awaited): Finding | null {
  const { delivery } = arrival
  if (delivery.tokenId === awaited.tokenId) {
    return delivery.status < 300 ? readAccepted(arrival, awaited) : wrong(readRefused(arrival, awaited))
  }
  const stranger = delivery.tokenId === null ? readStranger(delivery, awaited) : null
  return stranger === null ? null : wrong(stranger)
}

function wrong(text: string): Finding {
  return { isDone: false, text }
}

function readAccepted({ delivery, event }: Arrival, { name, target, url }: Awaited): Finding {
  const { path, address } = delivery
  if (!event) {
    return wrong(`Something came from ${address}; the database is away, and it waits on the disk.`)
  }
  const template = [event.title, event.metadata.severity, event.metadata.NodeName].find(
    (value) => typeof value === 'string' && value.includes('{{'),
  )
  if (template !== undefined) {
    const advice = 'Paste the body again just as it is.'
    return wrong(`A body came from ${address} whose template was not filled in: ${template}. ${advice}`)
  }
  // Another path reads another dialect: a notification of Proxmox has its severity and node only on its own.
  if (target === 'webhook' && !path.startsWith('/ingest/proxmox') && event.metadata.severity === undefined) {
    return wrong(
      `"${event.title}" came from ${address} to ${path}, where neither its severity nor its node is read. ` +
        `Set the URL of the target ${name} to ${url}`,
    )
  }
  if (event.isTest) return { isDone: true, text: `The Test has arrived from ${address}. All is well.` }
  return wrong(`"${event.title}" has arrived from ${address}: the way is good. It is no Test; waiting on.`)
}

function readRefused({ delivery, problem }: Arrival, { name }: Awaited): string {
  const { status, reason, address } = delivery
  if (reason === 'token_revoked' || reason === 'token_expired') {
    return `${address} sent the token of ${name}, which is not in force any more. Make another one.`
  }
  if (status === 422) {
    const words = [problem?.detail, problem?.hint].filter((part) => typeof part === 'string')
    return [`A body from ${address} could not be read.`, ...words].join(' ')
  }
  if (status === 413) return `A body from ${address} was too large: raise TEMPO_MAX_BODY_BYTES.`
  return `What ${address} sent was refused with ${status} (${reason ?? 'no reason given'}).`
}

function readStranger(
  { status, reason, address, path }: Arrival['delivery'],
  { name, target }: Awaited,
): string | null {
  if (status !== 401) return null
  const where = target === 'webhook' ? 'the secret "token"' : 'the API token'
  if (reason === 'unknown_token') {
    return `A wrong token came from ${address} to ${path}. If that is your node: ${where} of the target ${name} is not the one above.`
  }
  if (reason !== 'no_token') return null
  const advice =
    target === 'webhook'
      ? 'the header X-Tempo-Token must be {{ secrets.token }}, and the secret must be called token'
      : `${where} of the target ${name} is empty`
  return `A request without a token came from ${address} to ${path}. If that is your node: ${advice}.`
}

/** What to look at while nothing comes; each a sentence. */
export function hintsOnSilence({ name, target, url }: Awaited, product: 'pve' | 'pbs'): string[] {
  const base = target === 'webhook' ? url.replace(/\/ingest\/proxmox$/, '') : url
  const hints = [
    `The node must reach this server: run there "curl -m 5 ${base}/health". A firewall, or http_proxy in datacenter.cfg, may be in the way.`,
    'The address must be the very one: Proxmox turns a redirected POST into a GET without a body, and calls it a success.',
    `The Test of the target ${name} needs no matcher; all else does: a matcher must name the target.`,
    product === 'pve'
      ? 'A backup job with notification-mode legacy-sendmail, or auto with mailto, sends mail and nothing to targets.'
      : 'A datastore or job with notification-mode legacy-sendmail sends mail and nothing to targets.',
  ]
  if (url.startsWith('https:')) {
    hints.push('The node must trust the certificate: it has no switch that leaves that out.')
  }
  return hints
}
