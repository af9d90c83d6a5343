/** Follows one backup job through time, on all its nodes, and says what was wrong and when it was well again. */
import { median, type Report, wasListening } from './history.ts'
import { createMeasures, type Measures } from './measures.ts'
import { type Due, nextDue, ROUNDS_OF_LEARNING, SLOT_TOLERANCE_MS, type Slot } from './rhythm.ts'
import type { Concern, Concerned, Verdict, WatchInput, WatchResult } from './verdict.ts'

/** The runs of the job on one node. `next` is reckoned once, and anew when one of them is added: undefined until then. */
type Stream = {
  node: string
  slots: Slot[]
  durations: number[]
  last: Report
  next?: Next | null | undefined
}

/** When the next run is due, and from when on it is late. */
type Next = { due: Due; deadline: number }

/** Runs of the job on several nodes that belong together, such as those of one night. */
type Round = { startedAt: number; nodes: Map<string, Report>; guests: Map<string, string>; closed: boolean }

const DURATIONS_LOOKED_AT = 7
/** Slots that a rhythm is learnt from; three weeks of a job that runs each hour. */
const SLOTS_KEPT = 512
/** What is missing still is said again after this time: once a night. */
const REPEAT_AFTER_MS = 20 * 3_600_000

export type JobWatch = {
  /** Takes the next report; they come in the order of their ends, then of their ids. */
  take: (report: Report) => void
  /** What follows from all of them; nothing is taken after. */
  result: () => WatchResult
}

/** Plays the reports of one job in the order of their arrival; nothing later than `now` counts. */
export function watchJob(
  input: WatchInput,
  { cluster, jobId }: { cluster: string; jobId: string },
): JobWatch {
  const streams = new Map<string, Stream>()
  /** The current one, and those before that tell who belongs to the job. */
  let rounds: Round[] = []
  const measures: Measures = createMeasures()
  const verdicts: Verdict[] = []
  const open = new Map<string, Verdict>()

  function alarm(
    concern: Concern,
    about: string,
    facts: Pick<Verdict, 'at' | 'dueAt' | 'node' | 'reportId' | 'guests'>,
  ): void {
    const episode = [concern, cluster, jobId, about].join('/')
    const id = `${episode}/${new Date(Math.floor(facts.dueAt / 60_000) * 60_000).toISOString()}`
    const verdict: Verdict = { id, episode, concern, state: 'alarm', cluster, jobId, ...facts }
    verdicts.push(verdict)
    open.set(episode, verdict)
  }

  function recover(concern: Concern, about: string, report: Report): void {
    if (open.size === 0) return
    const episode = [concern, cluster, jobId, about].join('/')
    const before = open.get(episode)
    if (!before) return
    open.delete(episode)
    verdicts.push({
      ...before,
      id: `${before.id}/recovered`,
      state: 'recovered',
      at: report.endedAt,
      node: report.node,
      reportId: report.id,
      dueAt: report.startedAt,
    })
  }

  const isParked = (vmid: string, at: number) =>
    input.parked.some(
      (one) =>
        one.cluster === cluster && one.vmid === vmid && one.from <= at && (one.to === null || at < one.to),
    )

  function nextOf(stream: Stream): Next | null {
    if (stream.next !== undefined) return stream.next
    const due = nextDue(stream.slots, input.rhythm)
    const usual = median(stream.durations.slice(-DURATIONS_LOOKED_AT)) ?? 0
    stream.next = due && { due, deadline: due.at + due.graceMs + usual }
    return stream.next
  }

  function addSlot(stream: Stream, slot: Slot): void {
    stream.slots = [...stream.slots, slot].slice(-SLOTS_KEPT)
    stream.next = undefined
  }

  function addDuration(stream: Stream, duration: number): void {
    stream.durations.push(duration)
    stream.next = undefined
  }

  function earliestBefore(until: number): (Next & { stream: Stream }) | null {
    let earliest: (Next & { stream: Stream }) | null = null
    for (const stream of streams.values()) {
      const next = nextOf(stream)
      if (next && next.deadline < (earliest?.deadline ?? until)) earliest = { stream, ...next }
    }
    return earliest
  }

  /** Runs nearer than this belong to the same slot, or to the same round. */
  function toleranceOf(stream: Stream | undefined): number {
    if (input.rhythm) return Math.min(SLOT_TOLERANCE_MS, input.rhythm.everyMs / 2)
    const [before, last] = stream?.slots.slice(-2) ?? []
    if (!before || !last) return SLOT_TOLERANCE_MS
    return Math.min(SLOT_TOLERANCE_MS, Math.abs(last.at - before.at) / 2)
  }

  /** Deadlines that passed before `until`, in the order of time. */
  function advance(until: number): void {
    for (;;) {
      const passed = earliestBefore(until)
      const pending = rounds.at(-1)
      if (pending && !pending.closed && settledAt(pending) < Math.min(until, passed?.deadline ?? until)) {
        closeRound(pending, settledAt(pending))
        continue
      }
      if (!passed) return
      pass(passed.stream, passed.due, passed.deadline)
    }
  }

  function pass(stream: Stream, due: Due, deadline: number): void {
    if (haveMoved(stream, due)) {
      streams.delete(stream.node)
      return
    }
    const heard = wasListening(input.listening, due.at, deadline)
    addSlot(stream, { at: due.at, fate: heard ? 'missed' : 'unknown' })
    if (!heard || wasSaidLately(stream, due)) return
    alarm('missing', stream.node, {
      at: deadline,
      dueAt: due.at,
      node: stream.node,
      reportId: null,
      guests: stream.last.guests.map(({ vmid, name }) => ({ vmid, name, found: null, usual: null })),
    })
  }

  /** A job that runs each hour is not said to be missing each hour. */
  function wasSaidLately(stream: Stream, due: Due): boolean {
    const before = open.get(['missing', cluster, jobId, stream.node].join('/'))
    return before !== undefined && due.at - before.dueAt < REPEAT_AFTER_MS
  }

  /** All guests of the node were saved on others in this round: nothing is left there to report. */
  function haveMoved(stream: Stream, due: Due): boolean {
    const round = rounds.at(-1)
    if (!round || Math.abs(round.startedAt - due.at) > toleranceOf(stream)) return false
    const { guests } = stream.last
    return (
      guests.length > 0 && guests.every(({ vmid }) => (round.guests.get(vmid) ?? stream.node) !== stream.node)
    )
  }

  function take(report: Report): void {
    if (report.endedAt > input.now) return
    advance(report.endedAt)
    const stream = streams.get(report.node)
    const tolerance = toleranceOf(stream)
    if (!stream) {
      streams.set(report.node, {
        node: report.node,
        slots: [{ at: report.startedAt, fate: 'seen' }],
        durations: [],
        last: report,
      })
    } else {
      const last = stream.slots.at(-1)!
      const isLate = last.fate !== 'seen' && Math.abs(last.at - report.startedAt) <= tolerance
      if (isLate) stream.slots.pop()
      addSlot(stream, { at: report.startedAt, fate: 'seen' })
      stream.last = report
    }
    recover('missing', report.node, report)
    judgeMeasures(report)
    addDuration(streams.get(report.node)!, report.endedAt - report.startedAt)
    enterRound(report, tolerance)
  }

  function judgeMeasures(report: Report): void {
    const { slow, small } = measures.judge(report)
    const found: [Concern, Concerned[]][] = [
      ['slow', slow],
      ['small', small],
    ]
    for (const [concern, all] of found) {
      const guests = all.filter(({ vmid }) => !isParked(vmid, report.endedAt))
      const facts = {
        at: report.endedAt,
        dueAt: report.startedAt,
        node: report.node,
        reportId: report.id,
        guests,
      }
      if (guests.length > 0) alarm(concern, report.node, facts)
      else recover(concern, report.node, report)
    }
  }

  function enterRound(report: Report, tolerance: number): void {
    let round = rounds.at(-1)
    if (!round || round.nodes.has(report.node) || report.startedAt - round.startedAt > tolerance) {
      if (round && !round.closed) closeRound(round, report.endedAt)
      round = { startedAt: report.startedAt, nodes: new Map(), guests: new Map(), closed: false }
      rounds = [...telling(rounds), round]
    }
    round.nodes.set(report.node, report)
    for (const { vmid } of report.guests) {
      round.guests.set(vmid, report.node)
      recover('absent', vmid, report)
    }
    const before = rounds.at(-2)
    const isWhole = !before || [...before.nodes.keys()].every((node) => round.nodes.has(node))
    if (isWhole && !round.closed) closeRound(round, report.endedAt)
  }

  /** Nodes whose report is still to come have as long as a run may stray. */
  function settledAt(round: Round): number {
    return round.startedAt + SLOT_TOLERANCE_MS
  }

  /** Who used to be in it, and is not, although the node that had it has reported. */
  function closeRound(round: Round, at: number): void {
    round.closed = true
    recoverSaved(round, at)
    if (isUnclear(round)) return
    const before = clearRoundsBefore(round)
    if (before.length < ROUNDS_OF_LEARNING) return
    for (const [vmid, node] of before.at(-1)!.guests) {
      const report = round.nodes.get(node)
      const isUsual = before.every(({ guests }) => guests.has(vmid))
      if (!isUsual || round.guests.has(vmid) || !report || isParked(vmid, at)) continue
      if (input.savedElsewhere(vmid, round.startedAt - SLOT_TOLERANCE_MS, at)) continue
      const name =
        before
          .at(-1)!
          .nodes.get(node)
          ?.guests.find((guest) => guest.vmid === vmid)?.name ?? null
      const guests = [{ vmid, name, found: null, usual: null }]
      alarm('absent', vmid, { at, dueAt: round.startedAt, node, reportId: report.id, guests })
    }
  }

  /** The latest that tell who belongs to the job, in the order of time. */
  function clearRoundsBefore(round: Round): Round[] {
    return latestClear(rounds.slice(0, rounds.lastIndexOf(round)))
  }

  /** A guest that moved to another job is well again when that job has saved it. */
  function recoverSaved(round: Round, at: number): void {
    const [report] = round.nodes.values()
    for (const { concern, guests, dueAt } of [...open.values()]) {
      const vmid = guests[0]?.vmid
      if (concern !== 'absent' || vmid === undefined || !report) continue
      if (input.savedElsewhere(vmid, dueAt, at)) recover('absent', vmid, report)
    }
  }

  function result(): WatchResult {
    advance(input.now)
    const expected = [...streams.values()].flatMap((stream) => {
      const next = nextOf(stream)
      if (!next) return []
      return { cluster, jobId, node: stream.node, at: next.due.at, deadline: next.deadline }
    })
    const pending = rounds.at(-1)
    const times = expected.map(({ deadline }) => deadline)
    if (pending && !pending.closed) times.push(settledAt(pending))
    const wakeAt = times.length > 0 ? Math.min(...times) : null
    return { verdicts, open: new Set(open.keys()), expected, wakeAt }
  }

  return { take, result }
}

/** Those that a later round is compared with, and the last one. */
function telling(rounds: readonly Round[]): Round[] {
  const clear = latestClear(rounds)
  const last = rounds.at(-1)
  return last && !clear.includes(last) ? [...clear, last] : clear
}

function latestClear(rounds: readonly Round[]): Round[] {
  return rounds.filter((round) => !isUnclear(round)).slice(-ROUNDS_OF_LEARNING)
}

/** Who is not in it may have been in it: an empty table tells of a run that was refused before it began. */
function isUnclear({ nodes }: Round): boolean {
  return [...nodes.values()].some(({ incomplete, guests }) => incomplete || guests.length === 0)
}
