/** The PostgreSQL cluster in the data folder: made at the first start, in one step as far as anybody can see. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, lchown, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fatal } from '../errors.ts'
import type { Binaries } from './embedded-binaries.ts'
import type { Place } from './embedded-folder.ts'
import { type EmbeddedLog, pidExists, run, type SystemUser } from './embedded-process.ts'

/** Database and superuser in the cluster have the same name. */
export const DATABASE = 'tempo'

/**
 * Written to postgresql.conf when the cluster is made, for a container with little memory; the owner may change them
 * there. Parallel and I/O workers are processes that a homelab's timeline never keeps busy.
 */
const INITIAL_SETTINGS = {
  max_connections: '60',
  shared_buffers: '64MB',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  effective_cache_size: '256MB',
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_worker_processes: '2',
  max_logical_replication_workers: '0',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  autovacuum_max_workers: '2',
  io_method: 'sync',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** How long another starter's attempt is waited for, and after what time its remains are cleared away. */
const ATTEMPT_PATIENCE_MS = 60_000
const ATTEMPT_REMAINS_MS = 3_600_000

/** The owner of an existing cluster, as whom PostgreSQL has to run; undefined when there is none or root owns it. */
export async function findClusterOwner({ clusterDir }: Place): Promise<SystemUser | undefined> {
  const found = await stat(clusterDir).catch(() => undefined)
  if (found && found.uid !== 0) return { name: `uid ${found.uid}`, uid: found.uid, gid: found.gid }
}

/** Sees to it that there is a cluster which these binaries can open and this user owns. */
export async function ensureCluster(
  place: Place,
  binaries: Binaries,
  user: SystemUser | undefined,
  log: EmbeddedLog,
): Promise<void> {
  await clearRemains(place)
  while (!existsSync(join(place.clusterDir, 'PG_VERSION'))) await createCluster(place, binaries, user, log)

  const major = (await readFile(join(place.clusterDir, 'PG_VERSION'), 'utf8')).trim()
  if (major !== binaries.major) {
    throw fatal(
      'database_version',
      `${place.clusterDir} was made by PostgreSQL ${major}; this Tempo server brings PostgreSQL ${binaries.version}.\n` +
        'Start the version of Tempo server that made it and move the data with pg_dump, or choose another folder\n' +
        'with TEMPO_DATA_DIR.',
    )
  }
  const { uid } = await stat(place.clusterDir)
  if (user && uid !== user.uid) await giveTo(place.clusterDir, user)
  else if (!user && process.getuid && uid !== process.getuid()) {
    throw fatal(
      'data_dir_foreign',
      `${place.clusterDir} belongs to uid ${uid}, and you are uid ${process.getuid()}.\n` +
        'Start Tempo server as that user or as root, or choose another folder with TEMPO_DATA_DIR.',
    )
  }
}

/** A cluster that root has copied or restored from a backup. */
async function giveTo(path: string, user: SystemUser): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), user.uid, user.gid)
  await chown(path, user.uid, user.gid)
}

type Attempt = { path: string; pid: number; isLive: boolean; age: number }

/** All attempts at a first start, from starters that live or have died. */
async function listAttempts({ dataDir }: Place): Promise<Attempt[]> {
  const attempts: Attempt[] = []
  for (const name of await readdir(dataDir)) {
    const pid = Number(/^postgres\.new-(\d+)-/.exec(name)?.[1])
    const path = join(dataDir, name)
    const found = pid ? await stat(path).catch(() => undefined) : undefined
    if (found) attempts.push({ path, pid, isLive: pidExists(pid), age: Date.now() - found.mtimeMs })
  }
  return attempts
}

/** Removes what starters have left that were killed in the middle; never a cluster that was ever used. */
async function clearRemains(place: Place): Promise<void> {
  for (const { path, isLive, age } of await listAttempts(place)) {
    if (!isLive || age > ATTEMPT_REMAINS_MS) await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}

/**
 * Makes the cluster under another name and renames it, so that a half one never counts. Of several starters one does
 * the work as a rule, and the rename decides in any case. Returns when it is worth looking again.
 */
async function createCluster(
  place: Place,
  binaries: Binaries,
  user: SystemUser | undefined,
  log: EmbeddedLog,
): Promise<void> {
  await refuseStranger(place)
  const path = join(place.dataDir, `postgres.new-${process.pid}-${randomBytes(4).toString('hex')}`)
  const precedes = (other: Attempt) => other.isLive && other.age < ATTEMPT_PATIENCE_MS && other.path < path
  const isAnotherAtIt = (await listAttempts(place)).some(
    ({ isLive, age }) => isLive && age < ATTEMPT_PATIENCE_MS,
  )
  if (isAnotherAtIt) {
    await delay(50)
    return
  }
  try {
    await mkdir(path, { mode: 0o700 })
    if ((await listAttempts(place)).some(precedes)) return
    if (user) await chown(path, user.uid, user.gid)
    log('info', 'the database is being created', { folder: place.clusterDir })
    await initialise(path, binaries, user)
    await rename(path, place.clusterDir)
    // Until the new name is on disk, a power loss would bring the old one back, and with it the next first start.
    await syncFolder(place.dataDir)
  } catch (error) {
    if (!existsSync(join(place.clusterDir, 'PG_VERSION'))) throw error
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

/** An empty directory in the cluster's place is no harm; one with something else in it is not ours. */
async function refuseStranger({ clusterDir }: Place): Promise<void> {
  try {
    await rmdir(clusterDir)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || existsSync(join(clusterDir, 'PG_VERSION'))) return
    throw fatal(
      'data_dir_foreign',
      `${clusterDir} is where the database belongs, but what is there is no PostgreSQL cluster (${code}).\n` +
        'Choose another folder with TEMPO_DATA_DIR.',
      error,
    )
  }
}

async function initialise(path: string, binaries: Binaries, user: SystemUser | undefined): Promise<void> {
  const made = await run(
    binaries.initdb,
    [
      ...['-D', path, '-U', DATABASE, '--encoding=UTF8', '--no-instructions'],
      // The same order and case rules on every system, whatever its libc.
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
      ...['--auth-local=trust', '--auth-host=reject'],
      ...Object.entries(INITIAL_SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    { user },
  )
  if (!made.ok) throw initialisationFailed(path, made.output)
  // In single-user mode, so that a cluster without its database never exists under the final name.
  const input = `create database ${DATABASE}\n`
  const filled = await run(binaries.postgres, ['--single', '-D', path, 'postgres'], { user, input })
  if (!filled.ok || /\b(ERROR|FATAL|PANIC): /.test(filled.output))
    throw initialisationFailed(path, filled.output)
}

function initialisationFailed(path: string, output: string): Error {
  const lines = output.split('\n').slice(-10)
  return fatal(
    'embedded_init_failed',
    `The database could not be created in ${path}:\n${lines.map((line) => `  ${line}`).join('\n')}\n` +
      'Set the cause right and start again; what was made of it is removed already.',
  )
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no directories.
  const folder = await open(path).catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close()
}
