import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A door before the database that a test can shut, as an outage would. */
export type DatabaseProxy = {
  /** The database behind the door, for DATABASE_URL. */
  url: string
  /** The server is down: connections break, and new ones are refused. */
  refuse: () => Promise<void>
  /** The network is dead: nothing comes through, and nobody is told. */
  hang: () => void
  restore: () => Promise<void>
  close: () => Promise<void>
}

/** Opens a door before the database of `url`, which may name a Unix socket. */
export async function openDatabaseProxy(url: string): Promise<DatabaseProxy> {
  const { target, urlAt } = readUrl(url)
  const pairs = new Set<[Socket, Socket]>()
  let hanging = false

  const server = createServer((client) => {
    const behind = typeof target === 'string' ? connect(target) : connect(target)
    const pair: [Socket, Socket] = [client, behind]
    pairs.add(pair)
    for (const [from, to] of [pair, [behind, client] as const]) {
      from.on('error', () => {})
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
      from.on('data', (bytes) => to.write(bytes))
      if (hanging) from.pause()
    }
  })
  const port = await listen(server, 0)

  async function refuse(): Promise<void> {
    const closed = server.listening ? once(server, 'close') : null
    if (closed) server.close()
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    await closed
  }

  function setHanging(value: boolean): void {
    hanging = value
    for (const pair of pairs) for (const socket of pair) value ? socket.pause() : socket.resume()
  }

  return {
    url: urlAt(port),
    refuse,
    hang: () => setHanging(true),
    restore: async () => {
      setHanging(false)
      if (!server.listening) await listen(server, port)
    },
    close: refuse,
  }
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function readUrl(text: string) {
  const url = new URL(text)
  const folder = url.searchParams.get('host')
  const behind = Number(url.port || 5432)
  const target = folder ? `${folder}/.s.PGSQL.${behind}` : { host: url.hostname, port: behind }
  const urlAt = (port: number): string => {
    const door = new URL(text)
    door.searchParams.delete('host')
    door.host = `127.0.0.1:${port}`
    return door.href
  }
  return { target, urlAt }
}
