import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import { bodyTooLarge, TempoError } from '../errors.ts'

export type BodyReader = ((c: Context) => Promise<Uint8Array>) & {
  /** Bytes that a body may have. */
  limit: number
}

/**
 * Reads bodies of up to `limit` bytes. A larger one is refused by its Content-Length before any of it is read, and
 * without one as soon as the limit is passed.
 */
export function createBodyReader(limit: number): BodyReader {
  const read = async (c: Context) => {
    const announced = c.req.header('content-length')
    if (announced !== undefined && Number(announced) > limit) throw bodyTooLarge(limit)
    try {
      const arrived = takeArrived(c.env?.incoming, announced)
      if (arrived) return arrived
      if (announced !== undefined) return new Uint8Array(await c.req.raw.arrayBuffer())
      return await readStream(c.req.raw.body, limit)
    } catch (error) {
      if (error instanceof TempoError) throw error
      const detail = 'The connection closed before the whole body had arrived.'
      throw new TempoError('body_incomplete', 400, 'Body incomplete', detail, { cause: error })
    }
  }
  return Object.assign(read, { limit })
}

/** A body that is here already, as small ones are, is taken as it is: a Request would copy it, by way of promises. */
function takeArrived(
  incoming: IncomingMessage | undefined,
  announced: string | undefined,
): Uint8Array | null {
  if (!incoming || incoming.readableDidRead || incoming.readableLength !== Number(announced)) return null
  const body: Buffer | null = incoming.read()
  incoming.resume()
  return body
}

async function readStream(stream: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  if (!stream) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.byteLength
    if (size > limit) throw bodyTooLarge(limit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
