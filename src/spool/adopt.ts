/** Files of processes that died with records in them: whoever finds them goes on with them. */
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import type { SpoolHead } from './line.ts'
import { isOwnerDead } from './owner.ts'
import {
  parseProgress,
  progressPath,
  readPieces,
  removeSegment,
  type Segment,
  segmentPath,
} from './segment.ts'

export type AdoptOptions = {
  folder: string
  /** Who takes over. */
  owner: string
  log: Log
  /** Called before the first file is taken over. */
  claim: () => Promise<void>
  /** Told of each record in them. */
  onFound: (head: SpoolHead) => void
}

const SEGMENT_NAME = /^([0-9a-f-]{36})\.([0-9a-f]{16})\.spool$/
const LEFTOVER_NAME = /^([0-9a-f]{16})\.(owner|probe)$/
const SCAN_BYTES = 1024 * 1024

/** Takes over what belongs to nobody any more. Of several who try the same file, one succeeds in renaming it. */
export async function adoptSegments({
  folder,
  owner,
  log,
  claim,
  onFound,
}: AdoptOptions): Promise<Segment[]> {
  const names = await listFolder(folder)
  const adopted: Segment[] = []
  for (const dead of await deadOwners(folder, owner, names)) {
    const ids = names.flatMap((name) => {
      const [, id, other] = SEGMENT_NAME.exec(name) ?? []
      return id && other === dead ? [id] : []
    })
    if (ids.length > 0) await claim()
    for (const id of ids) {
      const segment = await takeOver(segmentPath(folder, id, dead), segmentPath(folder, id, owner), id)
      if (!segment) continue
      await scan(segment, onFound)
      log.debug({ path: segment.path, bytes: segment.size }, 'a file of the spool was taken over')
      if (segment.size > segment.done) adopted.push(segment)
      else await removeSegment(segment)
    }
    for (const kind of ['owner', 'probe']) await rm(join(folder, `${dead}.${kind}`), { force: true })
  }
  return adopted
}

/** Bytes of what others keep in the folder: without these segments, and what belongs to them and their owner. */
export async function countForeignBytes(folder: string, owner: string, own: Segment[]): Promise<number> {
  const ours = new Set([owner, ...own.map(({ id }) => id)])
  const paths = (await listFolder(folder))
    .filter((name) => !ours.has(name.split('.', 1)[0]!))
    .map((name) => join(folder, name))
  const sizes = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** What lies in a folder of a spool, whoever owns it. */
export async function inspectFolder(
  folder: string,
): Promise<{ files: number; bytes: number; damaged: string[] }> {
  const names = await listFolder(folder)
  const waiting = names.filter((name) => SEGMENT_NAME.test(name))
  const sizes = await Promise.all(
    waiting.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return {
    files: waiting.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    damaged: names.filter((name) => name.endsWith('.damaged')).map((name) => join(folder, name)),
  }
}

/** Empty when there is no such folder yet. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function deadOwners(folder: string, self: string, names: string[]): Promise<string[]> {
  const owners = names.flatMap((name) => SEGMENT_NAME.exec(name)?.[2] ?? LEFTOVER_NAME.exec(name)?.[1] ?? [])
  const others = [...new Set(owners)].filter((owner) => owner !== self)
  const dead = await Promise.all(others.map((owner) => isOwnerDead(folder, owner)))
  return others.filter((_, index) => dead[index])
}

async function takeOver(from: string, to: string, id: string): Promise<Segment | null> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  return { id, path: to, size: (await stat(to)).size, done: 0, times: [] }
}

async function scan(segment: Segment, onFound: (head: SpoolHead) => void): Promise<void> {
  const noted = parseProgress(await readFile(progressPath(segment), 'utf8').catch(() => ''))
  segment.done = noted <= segment.size ? noted : 0
  for (let done = segment.done; done < segment.size; ) {
    const pieces = await readPieces({ ...segment, done }, SCAN_BYTES)
    if (pieces.length === 0) break
    for (const { line, end } of pieces) {
      done = end
      if (!line) continue
      segment.times.push(line.head.receivedAt.getTime())
      onFound(line.head)
    }
  }
}
