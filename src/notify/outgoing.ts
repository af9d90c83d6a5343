/** The way out: HTTP without redirects, in a deadline, to allowed addresses only. */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isAllowedAddress } from './address.ts'
import type { Outgoing, OutgoingAnswer, OutgoingRequest } from './channel.ts'

const DEADLINE_MS = 10_000
/** Bytes of an answer that are read; it is for people to look at. */
const MAX_ANSWER_BYTES = 64 * 1024
const USER_AGENT = 'Tempo'

/** All addresses of a host, such as dns.promises.lookup gives with `all`. */
export type Lookup = (host: string) => Promise<LookupAddress[]>

export type OutgoingOptions = {
  /** Private networks and this machine may be sent to. */
  allowPrivate: boolean
  /** Milliseconds that a request may take, from the name service to the last byte of the answer. */
  deadlineMs?: number
  lookup?: Lookup
}

const systemLookup: Lookup = (host) =>
  new Promise((resolve, reject) =>
    dnsLookup(host, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses))),
  )

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** Opens nothing that stays open: each request has a connection of its own. */
export function createOutgoing(options: OutgoingOptions): Outgoing {
  const { allowPrivate, deadlineMs = DEADLINE_MS, lookup = systemLookup } = options
  const agents = {
    'http:': new HttpAgent({ keepAlive: false }),
    'https:': new HttpsAgent({ keepAlive: false }),
  }

  function blocked(host: string, address: string): Error {
    const advice = isAllowedAddress(address, { allowPrivate: true })
      ? 'Private addresses are not allowed here (TEMPO_PRIVATE_TARGETS).'
      : 'Such an address is never allowed.'
    return failure(
      'EBLOCKED',
      `${host === address ? host : `${host} (${address})`} is not sent to. ${advice}`,
    )
  }

  /** The host's allowed addresses, at least one; `host` may be an address. */
  async function allowed(host: string): Promise<LookupAddress[]> {
    const family = isIP(host)
    const addresses = family > 0 ? [{ address: host, family }] : await lookup(host)
    const good = addresses.filter(({ address }) => isAllowedAddress(address, { allowPrivate }))
    if (good.length > 0) return good
    if (addresses.length === 0) throw failure('ENOTFOUND', `${host} has no address.`)
    throw blocked(host, addresses[0]!.address)
  }

  /** As net.connect calls it: what it is given here is what is connected to, so no second answer can slip in. */
  const checkedLookup: LookupFunction = (host, { all }, callback) => {
    allowed(host).then(
      (addresses) => {
        if (all) callback(null, addresses)
        else callback(null, addresses[0]!.address, addresses[0]!.family)
      },
      (error) => callback(error, ''),
    )
  }

  async function request(sent: OutgoingRequest): Promise<OutgoingAnswer> {
    const url = new URL(sent.url)
    const { protocol, hostname } = url
    if (protocol !== 'http:' && protocol !== 'https:') {
      throw failure('ERR_INVALID_PROTOCOL', `Only http and https are spoken, not ${protocol}`)
    }
    // net.connect does not look up what is an address already. URL has made 0x7f.1 and 2130706433 to 127.0.0.1.
    const host = hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) > 0) await allowed(host)
    const body = Buffer.from(sent.body)
    const headers = { 'user-agent': USER_AGENT, ...sent.headers, 'content-length': String(body.length) }
    const signal = AbortSignal.timeout(deadlineMs)
    return new Promise((resolve, reject) => {
      const request = (protocol === 'http:' ? httpRequest : httpsRequest)(url, {
        method: sent.method,
        headers,
        agent: agents[protocol],
        lookup: checkedLookup,
        signal,
      })
      let answered = false
      request.on('response', (response) => {
        answered = true
        readAnswer(response).then(resolve)
      })
      request.on('error', (error) => {
        if (!answered) reject(signal.aborted ? late(deadlineMs) : error)
      })
      request.end(body)
    })
  }

  async function resolve(host: string): Promise<string> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(late(deadlineMs)), deadlineMs)
    try {
      const [first] = await Promise.race([allowed(host.replace(/^\[|\]$/g, '')), promise])
      return first!.address
    } finally {
      clearTimeout(timer)
    }
  }

  return { request, resolve, deadlineMs }
}

function late(deadlineMs: number): Error {
  return failure('ETIMEDOUT', `no answer within ${deadlineMs / 1000} s`)
}

/**
 * Resolves with what was read when the answer ends, breaks off, is too long or takes too long: its status was said
 * before, and a notification that was accepted must not be sent again because of how that was told.
 */
function readAnswer(response: IncomingMessage): Promise<OutgoingAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((resolve) => {
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size >= MAX_ANSWER_BYTES) response.destroy()
    })
    response.on('error', () => undefined)
    response.on('close', () => {
      const headers = Object.entries(response.headersDistinct).map(([name, values]) => [
        name,
        values!.join(', '),
      ])
      resolve({
        status: response.statusCode!,
        headers: Object.fromEntries(headers),
        body: Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8'),
      })
    })
  })
}
