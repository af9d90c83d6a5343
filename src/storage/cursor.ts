import { invalidInput } from '../errors.ts'
import { isSnapshot, type Snapshot } from './snapshot.ts'

/**
 * A place in a list: after the row with this instant and id, as the list was when `snapshot` was taken. Carried by
 * clients as an opaque text.
 */
export type Cursor = { at: Date; id: string; snapshot: Snapshot }

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Events lie in the years 1 to 9999. */
const EARLIEST = Date.parse('0001-01-01T00:00:00Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')

export function encodeCursor({ at, id, snapshot }: Cursor): string {
  return Buffer.from(JSON.stringify([at.getTime(), id, snapshot])).toString('base64url')
}

/** Throws invalidInput on anything that {@link encodeCursor} did not make. */
export function decodeCursor(text: string): Cursor {
  try {
    const [at, id, snapshot] = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (Number.isInteger(at) && at >= EARLIEST && at <= LATEST && UUID.test(id) && isSnapshot(snapshot))
      return { at: new Date(at), id, snapshot }
  } catch {
    // Falls through to the one answer for every kind of wrong cursor.
  }
  throw invalidInput('request', [
    {
      path: 'cursor',
      message: 'is not a cursor of this list; take nextCursor of the page before, unchanged',
    },
  ])
}
