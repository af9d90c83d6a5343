/** Getting a share in the database of a folder and giving it up, while others do the same or are killed doing it. */
import { setTimeout as delay } from 'node:timers/promises'
import { fatal, type TempoError } from '../errors.ts'
import { type Binaries, type Host, prepareBinaries, removeOldCopies, thisHost } from './embedded-binaries.ts'
import { ensureCluster, findClusterOwner } from './embedded-cluster.ts'
import { createDataDir, createSocketDir, type Place } from './embedded-folder.ts'
import { type Absence, openSession, readAbsence, type Session } from './embedded-locks.ts'
import {
  clearStaleLocks,
  findPostmaster,
  type Postmaster,
  readLog,
  spawnPostmaster,
  stopPostmaster,
} from './embedded-postmaster.ts'
import type { EmbeddedLog, SystemUser } from './embedded-process.ts'
import { chooseDatabaseUser } from './embedded-user.ts'

/** Our part in a running database. */
export type Share = { session: Session; socketDir: string; pid: number; adopted: boolean }

export type Joining = {
  place: Place
  role: 'server' | 'command'
  label: string
  log: EmbeddedLog
  /** Undefined for the one that we run on. */
  host: Host | undefined
  /** Ends the attempt between two rounds, as long as it has started nothing. */
  signal: AbortSignal
}

/** How long a start, a stop or a lock of somebody else is waited for, without a sign of progress. */
const PATIENCE_MS = 30_000
/** How long PostgreSQL may take to make good what a crash has left. */
const RECOVERY_MS = 600_000
/** A server that was killed a moment ago holds its lock until PostgreSQL notices. */
const HOLDER_GONE_MS = 2_000
const QUOTED_LINES = 10

/**
 * Gets a share in the database, and starts it when nobody else does. Everything may happen at the same time: others
 * start it, stop it or are killed. So each round looks at the world anew and takes one step.
 */
export async function joinDatabase(joining: Joining): Promise<Share> {
  const { place, log, signal } = joining
  const begun = Date.now()
  let deadline = begun + PATIENCE_MS
  let prepared: Prepared | undefined
  let child: Postmaster | undefined
  let reason = ''
  for (let pause = 5; Date.now() < deadline; pause = Math.min(pause * 2, 100)) {
    // What we have started is ours to stop, for which it must be entered first.
    if (!child) signal.throwIfAborted()
    const running = await findPostmaster(place)
    const entered = await tryEnter(joining, running?.socketDir ?? place.socketDir)
    if ('session' in entered) {
      const pid = running?.pid ?? (await findPostmaster(place))?.pid ?? 0
      const adopted = child?.pid !== pid
      const message = adopted ? 'joined the running database' : 'the database was started'
      log('info', message, { pid, ms: Date.now() - begun })
      if (!adopted && prepared) await removeOldCopies(place.dataDir, prepared.binaries)
      return { ...entered, pid, adopted }
    }
    reason = entered.reason
    if (entered.absence === 'starting') deadline = Math.min(Date.now() + PATIENCE_MS, begun + RECOVERY_MS)
    if (entered.absence === 'absent' && !running) {
      if (child?.state() === 'failed') await requireRivalry(place, child)
      if (child && child.state() !== 'running') child = undefined
      else if (!child) {
        prepared ??= await prepare(joining)
        await clearStaleLocks(place, log)
        child = await spawnPostmaster(place, prepared.binaries, prepared.user)
        pause = 5
      }
    }
    await delay(pause)
  }
  throw await startFailed(place, `PostgreSQL cannot be used (${reason})`)
}

type Prepared = { binaries: Binaries; user: SystemUser | undefined }

/** Everything that must be there before PostgreSQL can start. */
async function prepare({ place, log, host }: Joining): Promise<Prepared> {
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? ((await findClusterOwner(place)) ?? (await chooseDatabaseUser(log))) : undefined
  await createDataDir(place, user)
  const binaries = await prepareBinaries(place.dataDir, user, host ?? thisHost(), log)
  await ensureCluster(place, binaries, user, log)
  await createSocketDir(place, user)
  return { binaries, user }
}

type Entry = { session: Session; socketDir: string } | { absence: Absence; reason: string }

/** Connects and takes the locks of our role, or tells what the database is doing instead. */
async function tryEnter({ place, role, label, log }: Joining, socketDir: string): Promise<Entry> {
  let session: Session | undefined
  try {
    session = await openSession(place, socketDir, label)
    if (!(await session.tryUse())) {
      await session.close()
      return { absence: 'stopping', reason: 'somebody is about to stop it' }
    }
    if (role === 'server') await becomeServer(place, session)
    return { session, socketDir }
  } catch (error) {
    const absence = readAbsence(error)
    if (session && absence) await session.close()
    else if (session) await leaveDatabase(place, socketDir, session, log)
    if (!absence) throw error
    return { absence, reason: (error as Error).message }
  }
}

async function becomeServer(place: Place, session: Session): Promise<void> {
  const deadline = Date.now() + HOLDER_GONE_MS
  while (!(await session.tryServe())) {
    const holder = await session.findServer()
    if (Date.now() > deadline) {
      throw fatal(
        'data_dir_in_use',
        `Another Tempo server uses the data folder ${place.dataDir}:\n` +
          `  ${holder?.label ?? 'unknown'} (database backend ${holder?.backend ?? 'unknown'})\n` +
          'Stop that server first, or give this one a folder of its own with TEMPO_DATA_DIR.',
      )
    }
    await delay(50)
  }
}

/** Gives up our share, and stops the database when it was the last. */
export async function leaveDatabase(
  place: Place,
  socketDir: string,
  session: Session,
  log: EmbeddedLog,
): Promise<void> {
  let last = session
  try {
    if (session.isClosed()) {
      await session.close()
      last = await openSession(place, socketDir, 'tempo, stopping')
    }
    if (await last.releaseAsLast()) await stopPostmaster(place, log)
  } catch (error) {
    // Nothing left to leave: the database was stopped by somebody else, or has died.
    if (!readAbsence(error)) throw error
  } finally {
    await last.close()
  }
}

/** Of several starters at once all but one are refused by PostgreSQL's own locks; any other end is a failure. */
async function requireRivalry(place: Place, child: Postmaster): Promise<void> {
  const refusal = /lock file ".*" (already exists|is empty)|shared memory block|Address already in use/
  const lines = await readLog(place, child.logStart)
  if (!lines.some((line) => refusal.test(line))) {
    throw await startFailed(place, 'PostgreSQL did not start', child.logStart)
  }
}

async function startFailed(place: Place, what: string, logStart = 0): Promise<TempoError> {
  const running = await findPostmaster(place)
  const lines = await readLog(place, logStart)
  return fatal(
    'embedded_start_failed',
    `${what}${running ? `, pid ${running.pid}` : ''}. The end of its log, ${place.logFile}:\n` +
      lines
        .slice(-QUOTED_LINES)
        .map((line) => `  ${line}`)
        .join('\n'),
  )
}
