/** What is usual for a guest in one job: how long its backup takes, and how large it is. */
import type { GuestResult } from '../guest.ts'
import { median, type Report } from './history.ts'
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
      if (isSlow(guest, known.seconds))
        slow.push(concerned(guest, guest.durationSeconds, median(known.seconds)))
      if (isSmall(guest, known.bytes)) small.push(concerned(guest, guest.sizeBytes, median(known.bytes)))
      learn(known.seconds, guest.durationSeconds)
      learn(known.bytes, guest.sizeBytes)
    }
    return { slow, small }
  }

  return { judge }
}

function learn(samples: number[], value: number | null): void {
  if (value === null) return
  samples.push(value)
  if (samples.length > SAMPLES) samples.shift()
}

/** The usual value is looked for only where the one that is furthest away would not do. */
function isSlow({ durationSeconds }: GuestResult, samples: number[]): boolean {
  if (durationSeconds === null || samples.length < LEAST_SAMPLES) return false
  if (durationSeconds < SLOW_FACTOR * Math.min(...samples)) return false
  const usual = median(samples)!
  return durationSeconds >= SLOW_FACTOR * usual && durationSeconds - usual >= SLOW_LEAST_SECONDS
}

function isSmall({ sizeBytes }: GuestResult, samples: number[]): boolean {
  if (sizeBytes === null || samples.length < LEAST_SAMPLES) return false
  if (sizeBytes >= SMALL_PART * Math.max(...samples)) return false
  return sizeBytes < SMALL_PART * median(samples)!
}

function concerned({ vmid, name }: GuestResult, found: number | null, usual: number | null): Concerned {
  return { vmid, name, found, usual }
}
