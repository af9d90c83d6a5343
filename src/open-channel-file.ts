/** The file of TEMPO_CHANNELS_FILE: read at the start and whenever it changes; what is in force is the last good one. */
import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { environmentVariable } from './config.ts'
import type { Applied } from './dispatch/changes.ts'
import { type FileProblem, parseChannelFile } from './dispatch/channel-file.ts'
import type { Log } from './log.ts'
import type { Releasers } from './releasers.ts'
import { repeat } from './repeat.ts'
import type { ChannelInput } from './wire-channels.ts'

/** What a file says. `references` are the files that it names; a change of theirs is one of its own. */
export type ChannelFile = { references: string[] } & ({ channels: ChannelInput[] } | { problems: string[] })

/** Reads the file and all that it refers to; each problem is a line for people: `channels.yaml:3:5 channels.0.url: …`. */
export function readChannelFile(path: string): ChannelFile {
  try {
    return readChannelText(readFileSync(path, 'utf8'), basename(path), dirname(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { problems: [`${path}: cannot be read (${code})`], references: [] }
  }
}

/** The same for a text, such as standard input; relative paths in it begin at `folder`. */
export function readChannelText(text: string, name: string, folder: string): ChannelFile {
  const references: string[] = []
  const file = (given: string) => {
    const path = resolve(folder, given)
    references.push(path)
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return null
    }
  }
  const read = parseChannelFile(text, { variable: environmentVariable, file })
  if ('channels' in read) return { channels: read.channels, references }
  return { problems: read.problems.map((problem) => describe(name, problem)), references }
}

function describe(name: string, { path, line, column, message }: FileProblem): string {
  return `${name}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`
}

export type OpenChannelFileOptions = {
  path: string
  apply: (channels: ChannelInput[]) => Promise<Applied>
  /** Takes into force what was applied. */
  reload: () => Promise<void>
  isAway: () => boolean
  log: Log
  releasers: Releasers
}

/** Polled, because events of the file system do not cross bind mounts and network shares. */
const LOOK_EVERY_MS = 500

/** Applies the file, and from then on each change of it. Never throws: a server without channels still receives. */
export function openChannelFile({ path, apply, reload, isAway, log, releasers }: OpenChannelFileOptions): {
  begin: () => Promise<void>
} {
  let watched = [path]
  let inForce: string | null = null
  let before: string | null = null
  let isFollowed = false
  let isLooking = false

  async function load(): Promise<void> {
    const seen = watched.map(fingerprint).join('\n')
    const file = readChannelFile(path)
    const isSame = file.references.join('\n') === watched.slice(1).join('\n')
    watched = [path, ...file.references]
    if ('problems' in file) {
      const { problems } = file
      log.error({ file: path, problems }, 'the file of channels is faulty; the channels stay as they were')
    } else {
      const { unchanged: _unchanged, ...changes } = await apply(file.channels)
      if (Object.values(changes).flat().length > 0) {
        await reload()
        log.info({ file: path, ...changes }, 'the channels are as their file says')
      }
    }
    inForce = isSame ? seen : watched.map(fingerprint).join('\n')
  }

  /** Not before it stays the same from one look to the next: it may be half written. */
  async function look(): Promise<void> {
    if (isLooking || isAway()) return
    const now = watched.map(fingerprint).join('\n')
    const isStill = now === before
    before = now
    if (now === inForce || !isStill) return
    isLooking = true
    await load().finally(() => {
      isLooking = false
    })
  }

  async function begin(): Promise<void> {
    await load().catch((error) =>
      log.warn({ err: error, file: path }, 'the file of channels will be tried again'),
    )
    if (isFollowed) return
    isFollowed = true
    repeat(releasers, 'file of channels', LOOK_EVERY_MS, look, log)
  }

  return { begin }
}

/** Size, time and inode: an editor may write in place or put a new file over the old one. */
function fingerprint(path: string): string {
  try {
    const { size, mtimeMs, ino } = statSync(path)
    return `${path} ${size} ${mtimeMs} ${ino}`
  } catch (error) {
    return `${path} ${(error as NodeJS.ErrnoException).code}`
  }
}
