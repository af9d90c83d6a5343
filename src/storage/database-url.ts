/** The URL of a PostgreSQL, or of several, as libpq reads it (PostgreSQL, 32.1.1.2 Connection URIs). */

/** A server: a name or an address, or the folder of its Unix socket, which begins with a slash. */
export type Host = { host: string; port: number }

export type DatabaseUrl = {
  /** At least one, in the order of the URL. */
  hosts: Host[]
  /** What a server must be to be taken; with several of them at least `primary`, since all write. */
  session: 'any' | 'primary' | 'read-write'
  /** The same URL for one host, whose place `localhost` holds, and without the parameters that choose among several. */
  common: string
}

/** Scheme, user with the @ behind it, hosts, and the rest. */
const PARTS = /^(postgres(?:ql)?:\/\/)((?:[^/?#]*@)?)([^/?#@]*)(.*)$/s
const DEFAULT_PORT = 5432

/** Reads a URL that the configuration has accepted; throws on one that it would refuse. */
export function readDatabaseUrl(text: string): DatabaseUrl {
  const [, scheme, user, authority, rest] = PARTS.exec(text) ?? []
  if (authority === undefined) throw new Error('not the URL of a PostgreSQL')
  const url = new URL(`${scheme}${user}localhost${rest}`)
  const take = (name: string): string | null => {
    const value = url.searchParams.get(name)
    url.searchParams.delete(name)
    return value || null
  }
  const [named, ports, wanted] = [take('host'), take('port'), take('target_session_attrs')]
  const inAuthority = authority.split(',').map(readHost)
  const hosts = (named?.split(',') ?? inAuthority.map(({ host }) => host)).map((host, index) => ({
    host: host || 'localhost',
    port: portAt(ports?.split(',') ?? inAuthority.map(({ port }) => port), index),
  }))
  const session =
    wanted === 'read-write' ? wanted : wanted === 'primary' || hosts.length > 1 ? 'primary' : 'any'
  return { hosts, session, common: url.href }
}

/** `name`, `name:port`, `[::1]:port`, or `%2Frun%2Fpostgresql`. */
function readHost(text: string): { host: string; port: string } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(text) ?? []
  return { host: bracketed ?? decodeURIComponent(plain ?? ''), port }
}

/** One port stands for all hosts. */
function portAt(ports: string[], index: number): number {
  return Number((ports.length === 1 ? ports[0] : ports[index]) || DEFAULT_PORT)
}
