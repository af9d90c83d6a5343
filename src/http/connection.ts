import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'

/** The address that a request came from; empty when it came through no socket. */
export function addressOf(c: Context): string {
  if (!c.env?.incoming) return ''
  return getConnInfo(c).remote.address?.replace(/^::ffff:/, '') ?? ''
}
