import type { Interval } from './history.ts'
import type { Rhythm } from './rhythm.ts'

/**
 * `missing`: the report did not come. `absent`: it came without a guest that used to be in it. `slow`: it took three
 * times as long as usual. `small`: a backup is under a third of its usual size.
 */
export type Concern = 'missing' | 'absent' | 'slow' | 'small'

/** A guest that a verdict speaks of, with what was found and what is usual: seconds for `slow`, bytes for `small`. */
export type Concerned = { vmid: string; name: string | null; found: number | null; usual: number | null }

/** Something to say, once. */
export type Verdict = {
  /** The same for the same finding, however often it is found. */
  id: string
  /** The trouble that it opens, goes on with or ends. */
  episode: string
  concern: Concern
  state: 'alarm' | 'recovered'
  at: number
  cluster: string
  jobId: string
  node: string | null
  /** When the run was due, or began. */
  dueAt: number
  /** Of the report that shows it; null when none came. */
  reportId: string | null
  guests: Concerned[]
}

/** A run that is expected: late after `deadline`. */
export type Expected = { cluster: string; jobId: string; node: string; at: number; deadline: number }

/** A guest that needs no backup for a time; `to` null: until further notice. */
export type Parking = { cluster: string; vmid: string; from: number; to: number | null }

/** What a job is judged by, beside its reports. */
export type WatchInput = {
  /** Set by hand; null: learnt. */
  rhythm: Rhythm | null
  parked: readonly Parking[]
  /** When the server listened, in order. */
  listening: readonly Interval[]
  /** Whether a guest got a good backup from another job in `[from, to)`. */
  savedElsewhere: (vmid: string, from: number, to: number) => boolean
  now: number
}

export type WatchResult = {
  /** In the order in which they became true, but for those of one report. */
  verdicts: Verdict[]
  open: Set<string>
  expected: Expected[]
  /** Until then nothing changes unless a report comes; null: for ever. */
  wakeAt: number | null
}
