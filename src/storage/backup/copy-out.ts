import type { Tx } from '../database.ts'

/**
 * Runs `COPY … TO STDOUT`, and hands its rows out in blocks that may cut a row. The server waits for whoever takes them;
 * who stops before the end must end the connection.
 */
export async function* copyOut(tx: Tx, statement: string): AsyncGenerator<Buffer> {
  const stream = await tx.unsafe(statement).readable()
  yield* stream
  // postgres.js has the socket pause when the stream is full, and go on when it is read again: but nobody reads a stream
  // whose last rows filled it, and the connection would stay silent for ever.
  stream._read(0)
}
