/** The running PostgreSQL: started as a child that outlives us, found by its pid file, stopped by a signal. */
import type { SpawnOptions } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { copyFile, link, open, readFile, rename, rm, stat, truncate } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Binaries } from './embedded-binaries.ts'
import { type Place, SOCKET_PORT, socketPath } from './embedded-folder.ts'
import {
  childOptions,
  type EmbeddedLog,
  isPostgresOf,
  pidExists,
  type SystemUser,
  spawnChild,
} from './embedded-process.ts'

/**
 * What must hold whatever postgresql.conf says: no way in but the socket, what is committed is on disk, and no text
 * of a statement in the log.
 */
const FIXED_SETTINGS = {
  listen_addresses: '',
  port: String(SOCKET_PORT),
  unix_socket_permissions: '0700',
  fsync: 'on',
  full_page_writes: 'on',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_checkpoints: 'off',
  log_min_error_statement: 'panic',
  lc_messages: 'C',
}

const LARGEST_LOG = 10 * 1024 * 1024
const FAST_STOP_MS = 10_000
const IMMEDIATE_STOP_MS = 10_000
/** Longer than anybody takes between making a lock file and writing to it. */
const EMPTY_LOCK_FILE_MS = 5_000

/**
 * A postmaster that we have started; `logStart` is where its own lines begin in the log. It has `ended` when somebody
 * stopped or killed it, which others may do before we have a share in it, and `failed` by itself.
 */
export type Postmaster = { pid: number; state: () => 'running' | 'ended' | 'failed'; logStart: number }

/** Starts PostgreSQL in a process group of its own, so that Ctrl-C reaches only us and we can write to the end. */
export async function spawnPostmaster(
  place: Place,
  binaries: Binaries,
  user: SystemUser | undefined,
): Promise<Postmaster> {
  await boundLog(place)
  const settings = {
    ...FIXED_SETTINGS,
    unix_socket_directories: `"${place.socketDir.replaceAll('"', '""')}"`,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const output = await open(place.logFile, 'a', 0o600)
  try {
    const logStart = (await output.stat()).size
    let state: ReturnType<Postmaster['state']> = 'running'
    const options: SpawnOptions = {
      ...childOptions(user, place.dataDir),
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    }
    const child = spawnChild(binaries.postgres, ['-D', place.clusterDir, ...flags], options, (error) => {
      state = 'failed'
      // The reader of the log finds the cause where that of any other failed start would be.
      writeSync(output.fd, `${error.message}\n`)
    })
    child?.on('exit', (code, signal) => {
      state = code === 0 || signal === 'SIGKILL' ? 'ended' : 'failed'
    })
    child?.unref()
    if (child && !child.pid) await once(child, 'error')
    return { pid: child?.pid ?? 0, state: () => state, logStart }
  } finally {
    await output.close()
  }
}

/** Keeps the log under a bound, also while PostgreSQL appends to it; the last full one stays as postgres.log.1. */
export async function boundLog({ logFile }: Place): Promise<void> {
  const found = await stat(logFile).catch(() => undefined)
  if (!found || found.size <= LARGEST_LOG) return
  await copyFile(logFile, `${logFile}.1`)
  await truncate(logFile)
}

/** PostgreSQL's log from a position on, without what it says to those who ask too early or too late. */
export async function readLog({ logFile }: Place, from = 0): Promise<string[]> {
  const bytes = await readFile(logFile).catch(() => Buffer.alloc(0))
  const lines = bytes
    .subarray(from <= bytes.length ? from : 0)
    .toString('utf8')
    .trim()
    .split('\n')
  return lines.filter((line) => !/FATAL: {2}the database system is/.test(line))
}

/** The postmaster of this cluster, if one lives, and the directory of its socket as soon as it has one. */
export async function findPostmaster(
  place: Place,
): Promise<{ pid: number; socketDir: string | undefined } | undefined> {
  // PostgreSQL, miscadmin.h: pid, data directory, start time, port, first socket directory, ...
  const lines = (await readLockFile(join(place.clusterDir, 'postmaster.pid')))?.split('\n')
  const pid = Number(lines?.[0])
  if (!pid || !(await isPostgresOf(pid, place.clusterDir))) return
  return { pid, socketDir: lines?.[4] || undefined }
}

async function readLockFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
}

/**
 * Removes the lock files of a PostgreSQL that was killed when they name a process that lives and is something else,
 * or name nothing after a power loss. PostgreSQL refuses to start on these; all other remains it clears by itself.
 */
export async function clearStaleLocks(place: Place, log: EmbeddedLog): Promise<void> {
  for (const path of [join(place.clusterDir, 'postmaster.pid'), `${socketPath(place.socketDir)}.lock`]) {
    const text = await readLockFile(path)
    if (text === undefined || !(await isStale(path, text, place))) continue
    if (await removeUnchanged(path, text)) {
      log('warn', 'a stale lock file of PostgreSQL was removed', { path, pid: text.split('\n')[0] })
    }
  }
}

async function isStale(path: string, text: string, place: Place): Promise<boolean> {
  const pid = Number(text.split('\n')[0])
  if (pid) return pidExists(pid) && !(await isPostgresOf(pid, place.clusterDir))
  const found = await stat(path).catch(() => undefined)
  // Also in the future: a machine without a battery clock may start in the past.
  return found !== undefined && Math.abs(Date.now() - found.mtimeMs) > EMPTY_LOCK_FILE_MS
}

/** Removes a file only if it still says what it said: another starter may have put a good one in its place. */
async function removeUnchanged(path: string, text: string): Promise<boolean> {
  const aside = join(path, '..', `${basename(path)}.stale-${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    await rename(path, aside)
  } catch {
    return false
  }
  const isUnchanged = (await readLockFile(aside)) === text
  if (!isUnchanged) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
  return isUnchanged
}

/** Shuts PostgreSQL down: in order, and if that takes too long at once, which costs the next start a recovery. */
export async function stopPostmaster(place: Place, log: EmbeddedLog): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', IMMEDIATE_STOP_MS],
  ] as const) {
    const running = await findPostmaster(place)
    if (!running) return
    try {
      process.kill(running.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
      log('warn', 'the database could not be stopped', { pid: running.pid, reason: (error as Error).message })
      return
    }
    const deadline = Date.now() + patience
    while (Date.now() < deadline) {
      if (
        (await findPostmaster(place))?.pid !== running.pid &&
        !(await isPostgresOf(running.pid, place.clusterDir))
      ) {
        log('debug', 'the database was stopped', { pid: running.pid, signal })
        return
      }
      await delay(10)
    }
    log('warn', 'the database does not stop', { pid: running.pid, signal, afterMs: patience })
  }
}
