import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { fatal, TempoError } from '../errors.ts'
import { problemOf } from './problem.ts'
import type { HttpServer } from './server.ts'

export type Listening = {
  /** The port in use, which differs from the wish when that was 0. */
  port: number
  /** Takes no new requests, lets those under way end, and cuts what is left after `graceMs`. */
  close: (graceMs: number) => Promise<void>
}

/** Longer than any sender waits; a body that trickles in must not hold a connection for ever. */
const REQUEST_TIMEOUT_MS = 60_000

const SWEEP_EVERY_MS = 50

/** Checks of balancers come as HTTP/1.0 without a Host. */
const LISTENER = { hostname: 'localhost', errorHandler: answerBroken }

/**
 * Serves the app on an address. Throws a fatal that says what to do when the port is taken. `onError` hears of later
 * faults, such as too many open files: one connection is lost by them, not the server.
 */
export async function listenOn(
  app: Pick<HttpServer, 'fetch'>,
  host: string,
  port: number,
  onError: (error: Error) => void,
): Promise<Listening> {
  const server = createServer(getRequestListener(app.fetch, LISTENER))
  server.requestTimeout = REQUEST_TIMEOUT_MS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(explainFailure(error, host, port)))
    server.listen(port, host, () => resolve())
  })
  server.removeAllListeners('error').on('error', onError)
  return { port: (server.address() as AddressInfo).port, close: (graceMs) => close(server, graceMs) }
}

/** A request whose target or Host makes no sense never gets to the app; its answer looks like all others. */
function answerBroken(): Response {
  const detail = 'The request line or the Host header is not valid.'
  const problem = problemOf(new TempoError('bad_request', 400, 'Bad request', detail))
  return new Response(JSON.stringify(problem), {
    status: 400,
    headers: { 'Content-Type': 'application/problem+json' },
  })
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection whose last answer is out would be kept alive for some seconds more.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_EVERY_MS)
  const timer = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearInterval(sweep)
  clearTimeout(timer)
}

function explainFailure(error: NodeJS.ErrnoException, host: string, port: number): unknown {
  if (error.code === 'EADDRINUSE') {
    return fatal(
      'port_taken',
      `Port ${port} is in use by another program. Stop it, or set TEMPO_PORT.`,
      error,
    )
  }
  if (error.code === 'EACCES') {
    return fatal(
      'port_refused',
      `Port ${port} may not be opened by this user. Set TEMPO_PORT to one above 1023.`,
      error,
    )
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return fatal('host_unknown', `${host} is not an address of this machine. Correct TEMPO_HOST.`, error)
  }
  return error
}
