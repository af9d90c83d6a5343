/** What is usual for a guest in one job: how long its backup takes, and how large it is. */
import { type GuestResult, median, type Report } from './history.ts'
import type { Concerned } from './verdict.ts'

export type Measures = {
  /** Compares a report with those before it, and learns from it. */
  judge: (report: Report) => { slow: Concerned[]; small: Concerned[] }
}

type Usual = { seconds: number[]; bytes: number[] }

const LEAST_SAMPLES = 3
const SAMPLES = 7
/** Times the usual duration, and seconds beyond it, that count as slow; the part of the usual size that counts as small. */
const SLOW_FACTOR = 3
const SLOW_LEAST_SECONDS = 60
const SMALL_PART = 1 / 3

/** Only good backups are compared and learnt from: one that failed is short and empty for its own reason. */
export function createMeasures(): Measures {
  const byGuest = new Map<string, Usual>()

  function judge(report: Report) {
    const slow: Concerned[] = []
    const small: Concerned[] = []
    for (const guest of report.guests) {
      if (guest.status !== 'ok') continue
      const known = byGuest.get(guest.vmid) ?? { seconds: [], bytes: [] }
      byGuest.set(guest.vmid, known)
      const seconds = usualOf(known.seconds)
      const bytes = usualOf(known.bytes)
      if (isSlow(guest, seconds)) slow.push(concerned(guest, guest.durationSeconds, seconds))
      if (isSmall(guest, bytes)) small.push(concerned(guest, guest.sizeBytes, bytes))
      if (guest.durationSeconds !== null)
        known.seconds = [...known.seconds, guest.durationSeconds].slice(-SAMPLES)
      if (guest.sizeBytes !== null) known.bytes = [...known.bytes, guest.sizeBytes].slice(-SAMPLES)
    }
    return { slow, small }
  }

  return { judge }
}

function usualOf(samples: number[]): number | null {
  return samples.length < LEAST_SAMPLES ? null : median(samples)
}

function isSlow({ durationSeconds }: GuestResult, usual: number | null): boolean {
  if (durationSeconds === null || usual === null) return false
  return durationSeconds >= SLOW_FACTOR * usual && durationSeconds - usual >= SLOW_LEAST_SECONDS
}

function isSmall({ sizeBytes }: GuestResult, usual: number | null): boolean {
  return sizeBytes !== null && usual !== null && sizeBytes < SMALL_PART * usual
}

function concerned({ vmid, name }: GuestResult, found: number | null, usual: number | null): Concerned {
  return { vmid, name, found, usual }
}
