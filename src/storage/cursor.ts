import { invalidInput } from '../errors.ts'

/**
 * A place in a list: after the row with this instant and id, as the list was when `snapshot` was taken
 * (pg_current_snapshot). Carried by clients as an opaque text.
 */
export type Cursor = { at: Date; id: string; snapshot: string }

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const SNAPSHOT = /^\d{1,20}:\d{1,20}:(\d{1,20}(,\d{1,20})*)?$/

export function encodeCursor({ at, id, snapshot }: Cursor): string {
  return Buffer.from(JSON.stringify([at.getTime(), id, snapshot])).toString('base64url')
}

/** Throws invalidInput on anything that {@link encodeCursor} did not make. */
export function decodeCursor(text: string): Cursor {
  try {
    const [at, id, snapshot] = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (Number.isSafeInteger(at) && UUID.test(id) && SNAPSHOT.test(snapshot))
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
