import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'

/** The address that a request came from; empty when it came through no socket. */
export function addressOf(c: Context): string {
  if (!c.env?.incoming) return ''
  return getConnInfo(c).remote.address?.replace(/^::ffff:/, '') ?? ''
}

/** Cuts the connection of a client that does not read what it asked for. */
export function dropConnection(c: Context): void {
  c.env?.incoming?.socket?.destroy()
}

/**
 * Lets a sender read an answer that comes before the end of its body. Who writes all before it reads, and asked to
 * close, would find the connection reset instead; the listener takes in what still comes, for half a second.
 */
export function letAnswerArrive(c: Context): void {
  if (c.env?.incoming && !c.env.incoming.complete) c.env.outgoing.shouldKeepAlive = true
}
