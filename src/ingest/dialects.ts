import { createGotifyDialect } from '../adapters/gotify.ts'
import { createProxCenterDialect } from '../adapters/proxcenter.ts'
import { createProxmoxDialect } from '../adapters/proxmox.ts'
import { claimedProvider, parseTempoPayload } from '../adapters/tempo.ts'
import type { IncomingEvent } from '../event.ts'
import { fingerprintOf, proxcenterFingerprint } from './fingerprint.ts'
import type { Dialect } from './receive.ts'

type Body = Record<string, unknown>

const tempo: Dialect = { claimedProvider, parse: parseTempoPayload }
const native = createProxmoxDialect({ claimedProvider, parse: parseTempoPayload })
const gotify = createGotifyDialect(native)
const proxcenter = createProxCenterDialect({ claimedProvider, parse: parseTempoPayload })

const proxmoxDialect: Dialect = {
  claimedProvider: native.claimedProvider,
  parse: (value, options) => {
    const parsed = native.parse(value, withoutDefaults(options))
    // Our own payload on the wrong path is taken as what it is.
    if (!native.isNative(value)) return parsed
    return {
      ...parsed,
      payload: payloadOf(value, parsed.event),
      fingerprint: fingerprintOf(value, options.defaults),
    }
  },
}

const gotifyDialect: Dialect = {
  claimedProvider: gotify.claimedProvider,
  parse: (value, options) => {
    const parsed = gotify.parse(value, withoutDefaults(options))
    return { ...parsed, payload: payloadOf(value, parsed.event) }
  },
}

const proxcenterDialect: Dialect = {
  claimedProvider: proxcenter.claimedProvider,
  parse: (value, options) => {
    const { notification, ...parsed } = proxcenter.parse(value, withoutDefaults(options))
    if (notification === null) return parsed
    return {
      ...parsed,
      payload: {
        title: parsed.event.title,
        startDate: parsed.event.startDate.toISOString(),
        original: value,
      },
      fingerprint: proxcenterFingerprint(notification, options.defaults),
    }
  },
}

/** The dialect that an ingest path speaks. */
export function dialectOf(path: string): Dialect {
  if (path.startsWith('/ingest/proxmox')) return proxmoxDialect
  if (path.startsWith('/ingest/proxcenter')) return proxcenterDialect
  if (path.endsWith('/message')) return gotifyDialect
  return tempo
}

/** The dialect of a body whose path is not known: the native one only where nothing speaks for our own. */
export function dialectOfBody(value: Body): Dialect {
  const speaksNative = ['message', 'timestamp', 'fields'].some((key) => Object.hasOwn(value, key))
  return speaksNative && !Object.hasOwn(value, 'metadata') && native.isNative(value) ? proxmoxDialect : tempo
}

/** What a token adds is kept beside the metadata, in every dialect alike: metadata stay as they were sent. */
function withoutDefaults({ now, provider }: { now: Date; provider: string | null }) {
  return { now, provider }
}

/** The rest of a foreign body as it came, beside what our own dialect needs to read the event again. */
function payloadOf({ message: _message, ...body }: Body, event: IncomingEvent): Body {
  return { title: event.title, startDate: event.startDate.toISOString(), original: body }
}
