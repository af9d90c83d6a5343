/**
 * What was accepted while the database could not take it: files in a folder, each written and read by one process.
 * docs/adr/0007-spool.md tells why.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { unavailable } from '../errors.ts'
import type { Log } from '../log.ts'
import { adoptSegments, countForeignBytes } from './adopt.ts'
import { createGroup, type Item } from './group.ts'
import { encodeLine, type Piece, type SpoolHead, type SpoolRecord } from './line.ts'
import { ownerName, removeLock, touchLock, writeLock } from './owner.ts'
import {
  createSegment,
  noteProgress,
  readPieces,
  removeSegment,
  type Segment,
  SegmentLost,
  type Writable,
} from './segment.ts'

export type SpoolState = {
  /** Records that wait for the database. */
  depth: number
  /** When the oldest of them came. */
  oldest: Date | null
  /** Bytes on disk, of all processes that share the folder. */
  bytes: number
}

/** Records to be stored, oldest first; none: nothing waits. `done` is told how many of them are, again and again. */
export type Lot = { records: SpoolRecord[]; done: (count: number) => Promise<void> }

export type Spool = {
  /** Resolves when the record is on disk; throws unavailable when there is no room, or the disk takes nothing. */
  append: (record: SpoolRecord) => Promise<void>
  take: () => Promise<Lot>
  state: () => SpoolState
  /** Whether it takes records, found out by writing a little file. */
  isTaking: () => Promise<boolean>
  /** Takes over what dead processes left, and says that this one lives; to be called every few seconds. */
  adopt: () => Promise<void>
  close: () => Promise<void>
}

export type SpoolOptions = {
  folder: string
  maxBytes: number
  log: Log
  /** Told of each record that an earlier process left. */
  onFound: (head: SpoolHead) => void
  /** Told of each record that leaves the spool. */
  onDone: (head: SpoolHead) => void
}

/** A file beyond this is not written to any more, so that disk is given back while the rest still waits. */
const SEGMENT_BYTES = 16 * 1024 * 1024
/** What the database is given at once; a longer record goes by itself. */
const LOT_RECORDS = 200
const LOT_BYTES = 256 * 1024
/** The part that refused bodies may fill, so that they never keep events out. */
const REFUSED_SHARE = 0.25

/** A spool in a folder. Nothing is written there before there is something to keep. */
export function createSpool({ folder, maxBytes, log, onFound, onDone }: SpoolOptions): Spool {
  const owner = ownerName()
  let segments: Segment[] = []
  let active: Writable | null = null
  let hasLock = false
  let foreignBytes = 0
  let isFailing = false
  let isClosed = false
  let work: Promise<unknown> = Promise.resolve()
  const group = createGroup((items) => inTurn(() => write(items)))

  /** Writing, giving up a file and taking over others come one after the other. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = work.then(task)
    work = result.catch(() => {})
    return result
  }

  const bytes = () => segments.reduce((sum, { size }) => sum + size, foreignBytes)

  async function append(record: SpoolRecord): Promise<void> {
    if (isClosed) throw unavailable('The server is stopping. Send it again.')
    const line = encodeLine(record)
    const room = record.problem === null ? maxBytes : maxBytes * REFUSED_SHARE
    if (bytes() + group.waitingBytes() + line.length > room) throw full(record)
    try {
      await group.add({ line, at: record.receivedAt.getTime() })
    } catch (error) {
      throw cannotWrite(error)
    }
    isFailing = false
  }

  async function write(items: Item[]): Promise<void> {
    const lines = Buffer.concat(items.map(({ line }) => line))
    for (;;) {
      const writable = await requireActive()
      try {
        await writable.add(lines)
        for (const { at } of items) writable.segment.times.push(at)
        return
      } catch (error) {
        await giveUp(writable, error)
        if (!(error instanceof SegmentLost)) throw error
      }
    }
  }

  async function requireActive(): Promise<Writable> {
    if (active && active.segment.size > SEGMENT_BYTES) await closeActive()
    if (active) return active
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await claim()
    active = await createSegment(folder, uuidv7(), owner)
    segments.push(active.segment)
    return active
  }

  async function claim(): Promise<void> {
    if (!hasLock) await writeLock(folder, owner)
    hasLock = true
  }

  /** On a full disk there is no room for the lock, and only what is drained makes room. */
  async function claimIfRoom(): Promise<void> {
    await claim().catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error
    })
  }

  async function closeActive(): Promise<void> {
    const closing = active
    active = null
    await closing?.close()
  }

  /** After a failure nobody knows what the file holds behind its last synced line; the next line begins a new one. */
  async function giveUp({ segment }: Writable, error: unknown): Promise<void> {
    await closeActive().catch(() => {})
    if (error instanceof SegmentLost) {
      log.error({ path: segment.path }, 'this process was taken for dead, and its spool was taken over')
      segments = []
      hasLock = false
    } else if (segment.size === 0) await drop(segment).catch(() => {})
  }

  async function drop(segment: Segment): Promise<void> {
    segments = segments.filter((other) => other !== segment)
    await removeSegment(segment)
    if (segments.length === 0 && hasLock) {
      hasLock = false
      await removeLock(folder, owner)
    }
  }

  function full({ problem }: SpoolRecord): Error {
    if (problem === null) tellFailure({ maxBytes, bytes: bytes() }, 'the spool is full')
    return unavailable(
      'The database cannot be reached, and the spool is full (TEMPO_SPOOL_MAX_BYTES). Send it again.',
    )
  }

  function cannotWrite(error: unknown): Error {
    tellFailure({ err: error, folder }, 'the spool cannot be written to')
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    return unavailable(
      `The database cannot be reached, and the spool cannot be written to (${code}). Send it again.`,
      error,
    )
  }

  /** Each sender is told; the log is told when it begins. */
  function tellFailure(facts: Record<string, unknown>, message: string): void {
    if (!isFailing) log.error(facts, `${message}: while the database is away, events are refused`)
    isFailing = true
  }

  async function take(): Promise<Lot> {
    for (let segment = segments[0]; segment; segment = segments[0]) {
      const pieces = segment.done < segment.size ? await piecesOf(segment) : []
      if (pieces.length === 0) {
        await inTurn(() => dropDone(segment!))
      } else {
        const lot = await lotOf(segment, pieces)
        if (lot.records.length > 0) return lot
        await lot.done(0)
      }
    }
    return { records: [], done: async () => {} }
  }

  async function piecesOf(segment: Segment): Promise<Piece[]> {
    try {
      const pieces = await readPieces(segment, LOT_BYTES)
      if (pieces.length > 0) return pieces.slice(0, LOT_RECORDS)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    log.error({ path: segment.path }, 'a file of the spool is gone, or shorter than it was')
    segment.done = segment.size
    return []
  }

  async function lotOf(segment: Segment, pieces: Piece[]): Promise<Lot> {
    for (const { line, bytes, end } of pieces) if (!line) await setAside(segment, bytes, end - bytes.length)
    const good = pieces.flatMap(({ line, end }) => (line ? { line, end } : []))
    let counted = 0
    const done = async (count: number) => {
      // Behind the last one nothing is left but what was set aside.
      segment.done = (count === good.length ? pieces.at(-1)! : good[count - 1])?.end ?? segment.done
      segment.times.splice(0, count - counted)
      for (const { line } of good.slice(counted, count)) onDone(line.head)
      counted = count
      if (await inTurn(() => dropDone(segment))) return
      await noteProgress(segment).catch((error) => log.debug({ err: error }, 'the progress was not noted'))
    }
    return { records: good.map(({ line }) => ({ ...line.head, body: line.body() })), done }
  }

  /** True when the segment was done, and is gone. */
  async function dropDone(segment: Segment): Promise<boolean> {
    if (segment.done < segment.size) return false
    if (active?.segment === segment) await closeActive()
    await drop(segment)
    return true
  }

  /** Keeps what cannot be read for a person to look at; to come by it again writes the same file. */
  async function setAside(segment: Segment, damaged: Buffer, start: number): Promise<void> {
    const path = join(folder, `${segment.id}-${start}.damaged`)
    const facts = { path, bytes: damaged.length }
    if (start + damaged.length < segment.size) log.error(facts, 'a damaged line of the spool was set aside')
    else log.warn(facts, 'the last line of the spool is not whole, as after a power cut; it was set aside')
    await writeFile(path, damaged, { mode: 0o600 })
  }

  async function adopt(): Promise<void> {
    const found = await inTurn(async () => {
      if (hasLock) await touchLock(folder, owner).catch(() => writeLock(folder, owner))
      const adopted = await adoptSegments({ folder, owner, log, claim: claimIfRoom, onFound })
      segments = [...segments, ...adopted].sort((a, b) => (a.id < b.id ? -1 : 1))
      foreignBytes = await countForeignBytes(folder, owner, segments)
      return adopted
    })
    if (found.length === 0) return
    const records = found.reduce((sum, { times }) => sum + times.length, 0)
    log.warn({ files: found.length, records }, 'the spool of an earlier process was taken over')
  }

  return {
    append,
    take,
    state: () => {
      const first = segments.find(({ times }) => times.length > 0)?.times[0]
      return {
        depth: segments.reduce((sum, { times }) => sum + times.length, 0),
        oldest: first === undefined ? null : new Date(first),
        bytes: bytes(),
      }
    },
    isTaking: async () => !isClosed && bytes() < maxBytes && (await canWrite(folder, owner)),
    adopt,
    close: async () => {
      isClosed = true
      await group.settled()
      await inTurn(closeActive)
      if (hasLock) await removeLock(folder, owner)
    },
  }
}

async function canWrite(folder: string, owner: string): Promise<boolean> {
  const path = join(folder, `${owner}.probe`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(path, Buffer.alloc(4_096), { mode: 0o600 })
    await rm(path)
    return true
  } catch {
    return false
  }
}
