/** A receiver of notifications: a real HTTP server that keeps what it gets and answers as it is told. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = { method: string; path: string; headers: IncomingHttpHeaders; body: string }

/**
 * - `hang`: no answer. `hang-in-body`: a 200 whose body never ends. `half`: a 200 that breaks off in its body.
 * - `endless`: a 400 whose body does not end, as fast as it is taken. `reset`: the connection ends without an answer.
 */
export type Reply =
  | number
  | { status: number; headers?: Record<string, string>; body?: string }
  | 'hang'
  | 'hang-in-body'
  | 'endless'
  | 'half'
  | 'reset'

export type Receiver = {
  url: string
  port: number
  requests: Received[]
  /** From now on it answers like this; a function is asked for each request. */
  reply: (reply: Reply | ((request: Received) => Reply)) => void
  stop: () => Promise<void>
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return
  if (reply === 'endless') {
    const more = () => {
      // A client that hung up is written to no more.
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.writeHead(400)
    response.on('drain', more)
    more()
  } else if (reply === 'reset') response.socket?.resetAndDestroy()
  else if (reply === 'half' || reply === 'hang-in-body') {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('half of it', () => {
      if (reply === 'half') response.socket?.destroy()
    })
  } else {
    const { status, headers = {}, body = '' } = typeof reply === 'number' ? { status: reply } : reply
    response.writeHead(status, headers).end(body)
  }
}

/** Listens on 127.0.0.1, and answers 200 until told otherwise. */
export async function startReceiver(): Promise<Receiver> {
  const requests: Received[] = []
  let next: (request: Received) => Reply = () => 200
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url, headers } = request
      const received = { method: method!, path: url!, headers, body: Buffer.concat(chunks).toString() }
      requests.push(received)
      answer(response, next(received))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    reply: (reply) => {
      next = typeof reply === 'function' ? reply : () => reply
    },
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
