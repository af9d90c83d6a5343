/** A file of the spool: lines are added at its end by one process, and read from its beginning by the same. */
import { type FileHandle, open, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Piece, splitLines } from './line.ts'

export type Segment = {
  /** Sorts by the time of making. */
  id: string
  path: string
  /** Bytes that are on disk for good. */
  size: number
  /** Bytes that need not be read any more. */
  done: number
  /** Milliseconds at which each record that is not done came, oldest first. */
  times: number[]
}

/** A segment that still grows. */
export type Writable = {
  segment: Segment
  /** Adds lines; when it resolves they are synced, and when it rejects none of them counts. */
  add: (lines: Buffer) => Promise<void>
  close: () => Promise<void>
}

const CHUNK = 256 * 1024

/** Makes a new file, and sees to it that a power cut cannot take its name away. */
export async function createSegment(folder: string, id: string, owner: string): Promise<Writable> {
  const segment: Segment = { id, path: segmentPath(folder, id, owner), size: 0, done: 0, times: [] }
  const file = await open(segment.path, 'ax', 0o600)
  try {
    await syncFolder(folder)
    const { ino } = await file.stat({ bigint: true })
    return { segment, add: (lines) => add(file, ino, segment, lines), close: () => file.close() }
  } catch (error) {
    await file.close()
    await rm(segment.path, { force: true })
    throw error
  }
}

export function segmentPath(folder: string, id: string, owner: string): string {
  return join(folder, `${id}.${owner}.spool`)
}

async function add(file: FileHandle, ino: bigint, segment: Segment, lines: Buffer): Promise<void> {
  try {
    for (let from = 0; from < lines.length; ) {
      const { bytesWritten } = await file.write(lines, from, lines.length - from)
      from += bytesWritten
    }
    await file.datasync()
  } catch (error) {
    // Half a line would make the next one unreadable; a whole one would be stored though its sender was refused.
    await file.truncate(segment.size).catch(() => {})
    throw error
  }
  // A process that was stopped for long was taken for dead, and its file may have been read to the end by another.
  const found = await stat(segment.path, { bigint: true }).catch(() => null)
  if (found?.ino !== ino) throw new SegmentLost()
  segment.size += lines.length
}

/** The file belongs to another process by now. */
export class SegmentLost extends Error {}

/** Reads what is not done, a lot at a time: at least one piece, and no more than about `limit` bytes. */
export async function readPieces({ path, done, size }: Segment, limit: number): Promise<Piece[]> {
  const file = await open(path, 'r')
  try {
    let bytes = Buffer.alloc(0)
    while (done + bytes.length < size) {
      // As much again, so that a very long line is not copied for each of its parts.
      const chunk = Buffer.allocUnsafe(Math.min(Math.max(CHUNK, bytes.length), size - done - bytes.length))
      const { bytesRead } = await file.read(chunk, 0, chunk.length, done + bytes.length)
      // Shorter than it was: somebody has cut it.
      if (bytesRead === 0) break
      bytes = Buffer.concat([bytes, chunk.subarray(0, bytesRead)])
      if (bytes.length >= limit && bytes.includes('\n')) break
    }
    return splitLines(bytes, done, done + bytes.length >= size)
  } finally {
    await file.close()
  }
}

const PROGRESS_LENGTH = 15

/** Where it is written down how far a segment is done. */
export function progressPath({ path, id }: Segment): string {
  return join(dirname(path), `${id}.progress`)
}

/** Writes down how far a segment is done. To lose it costs time only: what is stored already is not stored again. */
export async function noteProgress(segment: Segment): Promise<void> {
  await writeFile(progressPath(segment), `${String(segment.done).padStart(PROGRESS_LENGTH)}\n`, {
    mode: 0o600,
  })
}

/** Reads a note of {@link noteProgress}; anything else means the beginning. */
export function parseProgress(text: string): number {
  return /^ *\d+\n$/.test(text) && text.length === PROGRESS_LENGTH + 1 ? Number(text) : 0
}

export async function removeSegment(segment: Segment): Promise<void> {
  await rm(segment.path, { force: true })
  await rm(progressPath(segment), { force: true })
}

/** Windows has no such thing. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
