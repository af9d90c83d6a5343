import type { JudgedEvent } from './event.ts'
import { createAttendance } from './ingest/attendance.ts'
import { judgeEvent } from './ingest/judge.ts'
import { createWatcher, type Watcher } from './ingest/watcher.ts'
import type { Log } from './log.ts'
import { newId } from './new-id.ts'
import { createPace } from './pace.ts'
import type { Releasers } from './releasers.ts'
import { repeat } from './repeat.ts'
import type { Catalog } from './scores/catalog.ts'
import type { Database } from './storage/database.ts'
import { readReports } from './storage/job-reports.ts'
import {
  beat,
  findSaid,
  listListening,
  listNews,
  listOpenAlarms,
  listParkings,
  listRhythms,
  listSaved,
} from './storage/watching.ts'
import type { Expected } from './watch/verdict.ts'

export type StartWatchingOptions = {
  db: Database
  catalog: () => Catalog
  /** Stores an event in the database, or fails. */
  write: (event: JudgedEvent) => Promise<unknown>
  /** Nothing is looked at while the database is away. */
  isAway: () => boolean
  /** Reports may wait in the spool: then a little patience avoids alarms that would have to be taken back. */
  isWaiting: () => boolean
  now: () => Date
  log: Log
  releasers: Releasers
}

export type Watching = {
  /** Looks for the first time, and from then on again and again; the database is ready. */
  start: () => void
  /** Runs that are expected. */
  expected: () => Expected[]
}

const LOOK_EVERY_MS = 30_000
/** Times as long as a look it is left alone: thousands of nodes that report all night cost a tenth of the time at most. */
const REST = 9
/** A process that was not heard of for longer was not there. */
const MOST_BETWEEN_TICKS_MS = 3 * LOOK_EVERY_MS
/** Looks that are left out for what waits in the spool; a fault there must not silence the watch. */
const PATIENCE = 20

export type OpenWatcherOptions = Pick<StartWatchingOptions, 'db' | 'catalog' | 'write' | 'now' | 'log'> & {
  /** The span in which this server has listened until now. */
  attending: () => { id: string; from: Date }
}

/** A watcher over what this database holds. */
export function openWatcher({ db, catalog, write, now, log, attending }: OpenWatcherOptions): Watcher {
  return createWatcher({
    listNews: (position, since) => listNews(db, position, since),
    readReports: (job, since) => readReports(db, job, since),
    listSaved: (cluster, vmids, since) => listSaved(db, cluster, vmids, since),
    listRhythms: () => listRhythms(db),
    listParkings: () => listParkings(db),
    listListening: (since) => listListening(db, since),
    findSaid: (provider, ids) => findSaid(db, provider, ids),
    listOpenAlarms: (provider, since) => listOpenAlarms(db, provider, since),
    beat: (at) => {
      const { id, from } = attending()
      return beat(db, id, from, at)
    },
    say: (event) => {
      const payload = { title: event.title, startDate: event.startDate.toISOString() }
      return write(
        judgeEvent(catalog(), event, { receivedAt: now(), payload, warnings: [], idempotency: null }),
      )
    },
    now,
    log,
  })
}

/** Watches over the backup jobs, and keeps book of when this server listened. */
export function startWatching({
  db,
  catalog,
  write,
  isAway,
  isWaiting,
  now,
  log,
  releasers,
}: StartWatchingOptions): Watching {
  const attendance = createAttendance(now(), newId, MOST_BETWEEN_TICKS_MS)
  const watcher = openWatcher({ db, catalog, write, now, log, attending: attendance.current })
  let patience = PATIENCE
  const pace = createPace(REST)
  const look = async () => {
    attendance.tick(now())
    if (isAway()) return
    if (!pace.isDue()) return watcher.listen()
    if (isWaiting() && patience-- > 0) return
    patience = PATIENCE
    await pace.run(watcher.look)
  }
  let isStarted = false
  const start = () => {
    if (isStarted) return
    isStarted = true
    look().catch((error) => log.warn({ err: error }, 'watch: the first look failed'))
    repeat(releasers, 'watch', LOOK_EVERY_MS, look, log)
  }
  return { start, expected: watcher.expected }
}
