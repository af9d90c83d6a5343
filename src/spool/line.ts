/**
 * The lines of the spool's files. Each is RS, `1`, TAB, checksum, TAB, head as JSON, TAB, body in base64, LF. JSON and
 * base64 hold none of the separators, so that a reader finds the next line behind anything damaged (as RFC 7464 does).
 */
import { crc32 } from 'node:zlib'
import type { QuarantinedBody } from '../access.ts'

/** What is kept of an event, or of a refused body, until the database takes it: as it came, not as it was judged. */
export type SpoolRecord = Omit<QuarantinedBody, 'problem' | 'bytes'> & {
  idempotencyKey: string | null
  /** What its sender was told with the answer. */
  warnings: string[]
  /** Why it was refused: it goes to quarantine; null: it is an event. */
  problem: Record<string, unknown> | null
}

/** A line that was read: the body is taken apart only when somebody wants it. */
export type SpoolLine = { head: SpoolHead; body: () => Uint8Array }
export type SpoolHead = Omit<SpoolRecord, 'body'>

/** A part of a file, with the place where it ends; `line` is null where it cannot be read. */
export type Piece = { line: SpoolLine | null; bytes: Buffer; end: number }

const RS = 0x1e
const LF = 0x0a
const TAB = 0x09
const FORMAT = '1'
const CHECKSUM_LENGTH = 8
const PREFIX_LENGTH = 2 + 1 + CHECKSUM_LENGTH + 1

/** The line of a record, LF included. */
export function encodeLine({ body, ...head }: SpoolRecord): Buffer {
  const content = Buffer.from(`${JSON.stringify(head)}\t${Buffer.from(body).toString('base64')}`)
  return Buffer.concat([Buffer.from(`\x1e${FORMAT}\t${checksum(content)}\t`), content, Buffer.from('\n')])
}

/** Reads a line, with or without its LF; null when it is not as it was written. */
export function decodeLine(bytes: Buffer): SpoolLine | null {
  const line = bytes.at(-1) === LF ? bytes.subarray(0, -1) : bytes
  const content = line.subarray(PREFIX_LENGTH)
  if (line.subarray(0, PREFIX_LENGTH).toString('latin1') !== `\x1e${FORMAT}\t${checksum(content)}\t`)
    return null
  const tab = content.indexOf(TAB)
  const head = JSON.parse(content.subarray(0, tab).toString()) as Omit<SpoolHead, 'receivedAt'> & {
    receivedAt: string
  }
  return {
    head: { ...head, receivedAt: new Date(head.receivedAt) },
    body: () => Buffer.from(content.subarray(tab + 1).toString('latin1'), 'base64'),
  }
}

/**
 * Takes apart what was read of a file from `start` on, up to the last LF, or to its end when nothing follows (`isLast`).
 * A damaged line is one piece, unless whole lines are found in it.
 */
export function splitLines(bytes: Buffer, start: number, isLast: boolean): Piece[] {
  const pieces: Piece[] = []
  let from = 0
  while (from < bytes.length) {
    const lf = bytes.indexOf(LF, from)
    if (lf < 0 && !isLast) break
    const to = lf < 0 ? bytes.length : lf + 1
    const whole = bytes.subarray(from, to)
    const line = decodeLine(whole)
    if (line) pieces.push({ line, bytes: whole, end: start + to })
    else pieces.push(...splitDamaged(whole, start + from))
    from = to
  }
  return pieces
}

/** A line whose end was damaged took the next one with it: whatever begins with RS is tried by itself. */
function splitDamaged(bytes: Buffer, start: number): Piece[] {
  const pieces: Piece[] = []
  for (let from = 0; from < bytes.length; ) {
    const next = bytes.indexOf(RS, from + 1)
    const to = next < 0 ? bytes.length : next
    const part = bytes.subarray(from, to)
    pieces.push({ line: decodeLine(part), bytes: part, end: start + to })
    from = to
  }
  return pieces
}

function checksum(content: Buffer): string {
  return crc32(content).toString(16).padStart(CHECKSUM_LENGTH, '0')
}
