/** The data folder: where everything lies in it, who may enter it, and where the socket goes. */
import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir, realpath, stat } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fatal } from '../errors.ts'
import type { SystemUser } from './embedded-process.ts'
import { findBarrier } from './embedded-user.ts'

/** Never a TCP port: it only names the socket, `.s.PGSQL.5432`. */
export const SOCKET_PORT = 5432

/** sun_path has 104 bytes on macOS and 108 on Linux, with the zero that ends it. */
const LONGEST_SOCKET_PATH = 103

/** The places in one data folder, without links on the way, so that they compare equal between processes. */
export type Place = { dataDir: string; clusterDir: string; socketDir: string; logFile: string }

/** The path of PostgreSQL's socket in its directory. */
export function socketPath(socketDir: string): string {
  return `${socketDir}/.s.PGSQL.${SOCKET_PORT}`
}

/** Works out the places of a data folder, which need not exist yet. */
export async function locate(folder: string): Promise<Place> {
  const wanted = resolve(folder)
  const existing = await nearestExisting(wanted)
  const dataDir = join(await realpath(existing), relative(existing, wanted))
  const inside = join(dataDir, 'run')
  // postgres.js takes a comma for the end of a host name.
  const fits = Buffer.byteLength(socketPath(inside)) <= LONGEST_SOCKET_PATH && !inside.includes(',')
  const short = join(tmpdir(), `tempo-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`)
  return {
    dataDir,
    clusterDir: join(dataDir, 'postgres'),
    socketDir: fits ? inside : short,
    logFile: join(dataDir, 'postgres.log'),
  }
}

async function nearestExisting(path: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && dirname(path) !== path) return undefined
    throw error
  })
  return found ? path : nearestExisting(dirname(path))
}

/** Makes the data folder, which stays ours, and lets the database's user pass through it. */
export async function createDataDir({ dataDir }: Place, user: SystemUser | undefined): Promise<void> {
  if (!user) {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    return
  }
  await requireReachable(await nearestExisting(dataDir), dataDir, user)
  const created = await mkdir(dataDir, { recursive: true })
  if (created) await letPass(dataDir, user)
  await requireReachable(dataDir, dataDir, user)
}

async function requireReachable(path: string, dataDir: string, user: SystemUser): Promise<void> {
  let barrier = await findBarrier(path, user)
  if (barrier === dataDir && (await isOursAlone(dataDir))) {
    await letPass(dataDir, user)
    barrier = await findBarrier(path, user)
  }
  if (barrier === undefined) return
  throw fatal(
    'data_dir_unreachable',
    `PostgreSQL does not run as root but as the user ${user.name}, who cannot enter ${barrier},\n` +
      `so the data folder ${dataDir} is out of reach.\n` +
      'Choose a folder elsewhere, as with TEMPO_DATA_DIR=/var/lib/tempo, or let others pass: ' +
      `chmod o+x ${barrier}`,
  )
}

/** A folder of root's own that nobody else was given, and that is not root's home. */
async function isOursAlone(dataDir: string): Promise<boolean> {
  const { uid, gid } = await stat(dataDir)
  return uid === 0 && gid === 0 && dataDir !== homedir()
}

/** The database's user may pass through the folder to its own parts, but neither list it nor change it. */
async function letPass(dataDir: string, user: SystemUser): Promise<void> {
  await chown(dataDir, 0, user.gid)
  await chmod(dataDir, 0o710)
}

/** Makes the directory of the socket, which is the only guard of the database: whoever can enter it is trusted. */
export async function createSocketDir(
  { dataDir, socketDir }: Place,
  user: SystemUser | undefined,
): Promise<void> {
  const owner = user?.uid ?? process.getuid?.()
  await mkdir(socketDir, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  if (socketDir.startsWith(dataDir)) await chmod(socketDir, 0o700)
  const found = await lstat(socketDir)
  const isOurs = found.uid === owner || found.uid === process.getuid?.()
  // In a directory that all may write, somebody else could have been there first.
  if (process.platform !== 'win32' && (!found.isDirectory() || !isOurs || (found.mode & 0o077) !== 0)) {
    throw fatal(
      'socket_dir_foreign',
      `${socketDir}, where the socket of the database belongs, is not a private directory of its user.\n` +
        'Look at it, and remove it if it is of no use to anybody.',
    )
  }
  if (user && found.uid !== user.uid) await chown(socketDir, user.uid, user.gid)
}
