/**
 * Deliveries that are stored many to a row. Under load most of them tell the same, and nobody looks for one of them: an
 * event came with a good token and was stored. As rows with their indexes each costs the database 7 µs, and 6 more when
 * it is pruned, in bursts that writers wait for; in chunks both together are 0.7 µs. Whatever is searched
 * for singly (refusals, strangers, what was spooled, repeated or updated) is a row, and so is everything on a server
 * with little to do.
 */
import type { Delivery } from '../access.ts'

/** Deliveries of one chunk at the most. */
const MAX_SIZE = 250

/** A chunk as it is stored. */
export type StoredChunk = { firstId: string; lastId: string; count: number; body: string }

/** A chunk that is being filled. */
export type DeliveryChunk = {
  /**
   * Adds a delivery, which must be plain: status 200 with a token in force, a new event, no reason, no body kept. It is
   * turned into text at once, as many objects that wait for a tenth of a second are dear to the garbage collector.
   */
  add: (delivery: Delivery) => void
  size: () => number
  isFull: () => boolean
  /** What there is to store; it must not be empty. */
  toStored: () => StoredChunk
}

/** What is the same in most deliveries of a sender: path, address, user agent, id and name of the token, provider. */
type Sender = [string, string, string | null, string | null, string | null, string | null]
/** Id, id of the event, arrival as milliseconds since 1970, duration in milliseconds, bytes, number of the sender. */
type Entry = [string, string | null, number, number, number | null, number]
type Body = { senders: Sender[]; deliveries: Entry[] }

export function createChunk(): DeliveryChunk {
  const senders: Sender[] = []
  const entries: string[] = []
  let firstId = ''
  let lastId = ''
  return {
    add: (delivery) => {
      const { id, eventId, receivedAt, durationMs, bytes } = delivery
      if (entries.length === 0 || id < firstId) firstId = id
      if (id > lastId) lastId = id
      const sender = numberOf(senders, delivery)
      const entry: Entry = [id, eventId, receivedAt.getTime(), roundToMicroseconds(durationMs), bytes, sender]
      entries.push(JSON.stringify(entry))
    },
    size: () => entries.length,
    isFull: () => entries.length >= MAX_SIZE,
    toStored: () => ({
      firstId,
      lastId,
      count: entries.length,
      body: `{"senders":${JSON.stringify(senders)},"deliveries":[${entries.join(',')}]}`,
    }),
  }
}

/** The deliveries of a stored body, in the order in which they were added. */
export function readChunk(body: string): Delivery[] {
  const { senders, deliveries } = JSON.parse(body) as Body
  return deliveries.map(([id, eventId, receivedAt, durationMs, bytes, sender]) => {
    const [path, address, userAgent, tokenId, tokenName, provider] = senders[sender]!
    return {
      id,
      receivedAt: new Date(receivedAt),
      path,
      address,
      userAgent,
      tokenId,
      tokenName,
      provider,
      status: 200,
      reason: null,
      durationMs,
      bytes,
      eventId,
      quarantineId: null,
      authenticated: true,
    }
  })
}

/** The place of a delivery's sender in the list, to which a new one is added. */
function numberOf(senders: Sender[], delivery: Delivery): number {
  const { path, address, userAgent, tokenId, tokenName, provider } = delivery
  for (let number = senders.length - 1; number >= 0; number--) {
    const one = senders[number]!
    if (
      one[3] === tokenId &&
      one[1] === address &&
      one[0] === path &&
      one[2] === userAgent &&
      one[5] === provider &&
      one[4] === tokenName
    )
      return number
  }
  return senders.push([path, address, userAgent, tokenId, tokenName, provider]) - 1
}

function roundToMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}
