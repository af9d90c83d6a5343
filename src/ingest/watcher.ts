import { createHash } from 'node:crypto'
import type { IncomingEvent } from '../event.ts'
import type { JobReport } from '../guest.ts'
import type { Log } from '../log.ts'
import { watchJob } from '../watch/job.ts'
import { parseRhythm } from '../watch/rhythm.ts'
import type { Expected, Parking, Verdict, WatchInput } from '../watch/verdict.ts'
import {
  describeVerdict,
  describeWithdrawal,
  jobOfAlarm,
  type SaidAlarm,
  WATCH_PROVIDER,
} from './verdict-event.ts'

type JobName = { cluster: string; jobId: string }
type Span = { from: Date; to: Date }

export type WatcherDeps = {
  /** Jobs with reports that are new since `position`; all of them (`isAll`) where that tells nothing. */
  listNews: (
    position: string | null,
    since: Date,
  ) => Promise<{ position: string; jobs: JobName[]; isAll: boolean }>
  /** Reports of a job in pieces, in the order of their ends, then of their ids. */
  readReports: (job: JobName, since: Date) => AsyncIterable<JobReport[]>
  /** Good backups of these guests, by any job. */
  listSaved: (
    cluster: string,
    vmids: string[],
    since: Date,
  ) => Promise<{ vmid: string; jobId: string; startedAt: Date }[]>
  listRhythms: () => Promise<(JobName & { rhythm: string })[]>
  listParkings: () => Promise<{ cluster: string; vmid: string; from: Date; to: Date | null }[]>
  /** When servers listened, in the order of time. */
  listListening: (since: Date) => Promise<Span[]>
  /** Which of these externalIDs are stored already. */
  findSaid: (provider: string, ids: string[]) => Promise<Set<string>>
  /** Alarms that nothing has ended yet. */
  listOpenAlarms: (provider: string, since: Date) => Promise<SaidAlarm[]>
  /** Stores an event of the watch. */
  say: (event: IncomingEvent) => Promise<unknown>
  /** Says that this server listens still. */
  beat: (now: Date) => Promise<void>
  now: () => Date
  log: Log
}

export type Watcher = {
  /** Notes that this server listens still. */
  listen: () => Promise<void>
  /** Notes that this server listens, looks at the jobs that may have changed, and says what is to be said. */
  look: () => Promise<void>
  /** Runs that are expected, as of the last look. */
  expected: () => Expected[]
}

const DAY_MS = 86_400_000
/** A rhythm of a month takes a quarter to be learnt; the rest is for what is judged some days later. */
const HISTORY_MS = 110 * DAY_MS
/** What became true longer ago is history, such as after a restore, and not said any more. */
const SAID_WITHIN_MS = DAY_MS
/** Alarms that late reports may take back; older ones would be judged by a shorter history than when they were said. */
const WITHDRAWN_WITHIN_MS = 10 * DAY_MS
/** Alarms of one trouble whose runs were due nearer to each other are about the same run. */
const SAME_RUN_MS = 6 * 3_600_000
/** Jobs that are judged before what was found is said. */
const LOT = 20

/** What is known of a job since it was last judged. */
type Known = {
  job: JobName
  expected: Expected[]
  wakeAt: number | null
  /** Rhythm and parkings that it was judged by. */
  basis: string
  /** It depends on what other jobs of its cluster saved. */
  asksOthers: boolean
}

type Judged = Known & { verdicts: Verdict[]; open: Set<string>; hasReports: boolean }

type Circumstances = {
  now: Date
  since: Date
  rhythms: Map<string, string>
  parked: Map<string, Parking[]>
  /** To notice when they change. */
  parkedText: Map<string, string>
  heard: { from: number; to: number }[]
}

/**
 * Looks at the backup jobs again and again. Each verdict follows from what is stored, and is stored under an externalID
 * of its own: several servers that find the same one say it once. A job is judged anew only when something could have
 * changed: it has new reports, a deadline has passed, or its rhythm or a parking is another.
 */
export function createWatcher(deps: WatcherDeps): Watcher {
  const known = new Map<string, Known>()
  let position: string | null = null

  const listen = () => deps.beat(deps.now())

  async function look(): Promise<void> {
    const now = deps.now()
    await deps.beat(now)
    const since = new Date(now.getTime() - HISTORY_MS)
    const news = await deps.listNews(position, since)
    const around = await lookAround(now, since)
    if (news.isAll) known.clear()
    const jobs = new Map(news.jobs.map((job) => [nameOf(job), job]))
    const stirred = new Set(news.jobs.map(({ cluster }) => cluster))
    for (const [name, { job, wakeAt, basis, asksOthers }] of known) {
      const isDue = wakeAt !== null && wakeAt < now.getTime()
      if (isDue || basis !== basisOf(job, around) || (asksOthers && stirred.has(job.cluster)))
        jobs.set(name, job)
    }
    const all = [...jobs.values()]
    for (let at = 0; at < all.length; at += LOT) await judgeLot(all.slice(at, at + LOT), around)
    position = news.position
  }

  async function lookAround(now: Date, since: Date): Promise<Circumstances> {
    const [rhythms, parkings, listening] = await Promise.all([
      deps.listRhythms(),
      deps.listParkings(),
      deps.listListening(since),
    ])
    const parked = parkings.map(({ from, to, ...guest }) => ({
      ...guest,
      from: from.getTime(),
      to: to?.getTime() ?? null,
    }))
    const byCluster = Map.groupBy(parked, ({ cluster }) => cluster)
    return {
      now,
      since,
      rhythms: new Map(rhythms.map((row) => [nameOf(row), row.rhythm])),
      parked: byCluster,
      parkedText: new Map([...byCluster].map(([cluster, rows]) => [cluster, JSON.stringify(rows)])),
      heard: listening.map(({ from, to }) => ({ from: from.getTime(), to: to.getTime() })),
    }
  }

  /** What was judged is remembered when all of it is said: a failure leaves it to the next look. */
  async function judgeLot(jobs: JobName[], around: Circumstances): Promise<void> {
    const judged: Judged[] = []
    for (const job of jobs) judged.push(await judgeJob(job, around))
    await sayNew(judged, around.now)
    for (const { verdicts: _verdicts, open: _open, hasReports, ...rest } of judged) {
      // Without a report left it is forgotten, as if it had never been.
      if (hasReports) known.set(nameOf(rest.job), rest)
      else known.delete(nameOf(rest.job))
    }
  }

  /** What other jobs saved is read only when it matters, which is seldom; then all is played again. */
  async function judgeJob(job: JobName, around: Circumstances): Promise<Judged> {
    const asked = new Set<string>()
    const noted = (vmid: string) => {
      asked.add(vmid)
      return false
    }
    let played = await play(job, noted, around)
    if (asked.size > 0) played = await play(job, await savedElsewhere(job, asked, around.since), around)
    const { verdicts, open, expected, wakeAt } = played.result
    const { hasReports } = played
    const asksOthers = asked.size > 0
    return { job, verdicts, open, expected, wakeAt, basis: basisOf(job, around), asksOthers, hasReports }
  }

  async function play(job: JobName, saved: WatchInput['savedElsewhere'], around: Circumstances) {
    const rhythm = around.rhythms.get(nameOf(job))
    const input = {
      rhythm: rhythm === undefined ? null : parseRhythm(rhythm),
      parked: around.parked.get(job.cluster) ?? [],
      listening: around.heard,
      savedElsewhere: saved,
      now: around.now.getTime(),
    }
    const watch = watchJob(input, job)
    let hasReports = false
    for await (const piece of deps.readReports(job, around.since)) {
      hasReports = true
      for (const report of piece) watch.take(reportOf(report))
    }
    return { result: watch.result(), hasReports }
  }

  async function savedElsewhere({ cluster, jobId }: JobName, asked: Set<string>, since: Date) {
    const saved = await deps.listSaved(cluster, [...asked], since)
    const others = saved.filter((one) => one.jobId !== jobId)
    const byGuest = Map.groupBy(others, ({ vmid }) => vmid)
    return (vmid: string, from: number, to: number) =>
      (byGuest.get(vmid) ?? []).some(
        ({ startedAt }) => startedAt.getTime() >= from && startedAt.getTime() < to,
      )
  }

  async function sayNew(judged: Judged[], now: Date): Promise<void> {
    const alarms = await deps.listOpenAlarms(WATCH_PROVIDER, new Date(now.getTime() - HISTORY_MS))
    const open = new Map(alarms.map((alarm) => [alarm.metadata.episode, alarm]))
    const earliest = now.getTime() - SAID_WITHIN_MS
    const worthy = judged
      .flatMap(({ verdicts }) => verdicts)
      .filter(({ at, state, episode }) => at > earliest || (state === 'recovered' && open.has(episode)))
    await sayVerdicts(worthy, open)
    await withdraw(open, judged, now)
  }

  /** `open` are the alarms in force, by their episodes, which this keeps right. */
  async function sayVerdicts(verdicts: Verdict[], open: Map<unknown, SaidAlarm>): Promise<void> {
    if (verdicts.length === 0) return
    const said = await deps.findSaid(
      WATCH_PROVIDER,
      verdicts.map(({ id }) => externalIdOf(id)),
    )
    for (const verdict of verdicts) {
      const externalID = externalIdOf(verdict.id)
      const before = open.get(verdict.episode)
      if (said.has(externalID) || !isNews(verdict, before)) continue
      const event = describeVerdict(verdict, externalID)
      await deps.say(event)
      if (verdict.state === 'recovered') open.delete(verdict.episode)
      else open.set(verdict.episode, { externalID, at: event.startDate, metadata: event.metadata })
      deps.log.info({ concern: verdict.concern, state: verdict.state, job: verdict.jobId }, 'watch: said')
    }
  }

  /** Ends alarms of these jobs that by what is stored now are none: nothing is wrong, and nothing became well. */
  async function withdraw(open: Map<unknown, SaidAlarm>, judged: Judged[], now: Date): Promise<void> {
    const byName = new Map(judged.map((each) => [nameOf(each.job), each]))
    for (const [episode, alarm] of open) {
      const job = jobOfAlarm(alarm)
      const found = job && byName.get(nameOf(job))
      if (!found || found.open.has(String(episode))) continue
      // Another server may have just said so.
      if (found.verdicts.some((verdict) => verdict.episode === episode && isEndOf(verdict, alarm))) continue
      if (alarm.at.getTime() < now.getTime() - WITHDRAWN_WITHIN_MS) continue
      await deps.say(describeWithdrawal(alarm, externalIdOf(`${alarm.externalID}/withdrawn`), now))
      deps.log.info({ job: job.jobId }, 'watch: an alarm was taken back')
    }
  }

  return { listen, look, expected: () => [...known.values()].flatMap((job) => job.expected) }
}

function nameOf({ cluster, jobId }: JobName): string {
  return JSON.stringify([cluster, jobId])
}

function basisOf(job: JobName, { rhythms, parkedText }: Circumstances): string {
  return `${rhythms.get(nameOf(job)) ?? ''} ${parkedText.get(job.cluster) ?? ''}`
}

/**
 * A late report may shift the time at which the next run was due by minutes: that is the same alarm. A recovery is news
 * where there is an alarm, said by whichever server, that it ends.
 */
function isNews(verdict: Verdict, before: SaidAlarm | undefined): boolean {
  if (verdict.state === 'recovered') return before !== undefined && isEndOf(verdict, before)
  const dueBefore = Date.parse(String(before?.metadata.dueAt))
  return !(Math.abs(verdict.dueAt - dueBefore) < SAME_RUN_MS)
}

function isEndOf({ state, at }: Verdict, alarm: SaidAlarm): boolean {
  return state === 'recovered' && alarm.at.getTime() <= at
}

/** Short, whatever the names of jobs and clusters are. */
function externalIdOf(id: string): string {
  return createHash('sha256').update(id).digest('hex')
}

function reportOf({ node, startedAt, endedAt, ...report }: JobReport) {
  return { ...report, node: node ?? '', startedAt: startedAt.getTime(), endedAt: endedAt.getTime() }
}
