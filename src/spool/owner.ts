/** Which process a file of the spool belongs to, and whether that process still lives. Several may share the folder. */
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { open, readFile, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** Milliseconds after which a process that we cannot look at, as one in another container, counts as dead. */
export const STALE_MS = 30_000
/** Longer than anybody takes between making a lock file and writing to it. */
const EMPTY_LOCK_MS = 5_000

/** `machine` tells where the pid means something; `started` tells a process from an older one with its pid. */
type Identity = { pid: number; started: string; machine: string }

/** A name for this process that none before it had. */
export function ownerName(): string {
  return randomBytes(8).toString('hex')
}

function lockPath(folder: string, owner: string): string {
  return join(folder, `${owner}.owner`)
}

/** Says that this process owns what bears the name. */
export async function writeLock(folder: string, owner: string): Promise<void> {
  const file = await open(lockPath(folder, owner), 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify(thisProcess()))
  } finally {
    await file.close()
  }
}

/** Says that this process still lives, to those who cannot look at it. */
export async function touchLock(folder: string, owner: string): Promise<void> {
  const now = new Date()
  await utimes(lockPath(folder, owner), now, now)
}

export async function removeLock(folder: string, owner: string): Promise<void> {
  await rm(lockPath(folder, owner), { force: true })
}

/** True when what bears the name belongs to nobody any more. */
export async function isOwnerDead(folder: string, owner: string): Promise<boolean> {
  const path = lockPath(folder, owner)
  const [text, found] = await Promise.all([
    readFile(path, 'utf8').catch(() => null),
    stat(path).catch(() => null),
  ])
  if (text === null || found === null) return true
  const age = Math.abs(Date.now() - found.mtimeMs)
  const other = parse(text)
  if (other === null) return age > EMPTY_LOCK_MS
  if (other.machine !== machine()) return age > STALE_MS
  if (!pidExists(other.pid)) return true
  const started = startOf(other.pid)
  return started === null ? age > STALE_MS : started !== other.started
}

function parse(text: string): Identity | null {
  try {
    return JSON.parse(text) as Identity
  } catch {
    return null
  }
}

function thisProcess(): Identity {
  return { pid: process.pid, started: startOf(process.pid) ?? '', machine: machine() }
}

/** Two processes with the same text see the same pids: one boot of one machine, one namespace of pids. */
function machine(): string {
  return [
    hostname(),
    read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    read(() => readlinkSync('/proc/self/ns/pid')),
  ].join(' ')
}

/** When a process began, in ticks since the boot (proc(5), field 22 of stat); null where there is no /proc. */
function startOf(pid: number): string | null {
  const text = read(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  // The name, in parentheses, may hold anything. A zombie holds files no more.
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return text === '' ? null : state === 'Z' ? '' : (fields[18] ?? '')
}

function read(look: () => string): string {
  try {
    return look()
  } catch {
    return ''
  }
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
