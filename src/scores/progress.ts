/** How far a run has come: events of scores whose `eventPattern` is `run-bound`. */
import type { Progress } from '../event.ts'
import { parseDuration } from './duration.ts'
import { cut } from './excerpt.ts'
import type { MetadataReader } from './metadata.ts'

const LONGEST_STATUS = 100

/** States after which a run says no more. */
const FINAL = new Set(
  (
    'ok success successful succeeded done complete completed finished passed ' +
    'failed failure error aborted cancelled canceled stopped killed timeout skipped'
  ).split(' '),
)

/** Reads `metadata.runTotal`, `runComplete`, `runStatus` and `runTimeout`; null when none of them says anything. */
export function readProgress(metadata: MetadataReader): Progress | null {
  const total = readNumber(metadata.text('runTotal'))
  const amount = readAmount(metadata.folded('runComplete')?.trim() ?? '', total)
  const status = cut(metadata.text('runStatus') ?? '', LONGEST_STATUS) || null
  const timeoutSeconds = readSeconds(metadata.text('runTimeout'))
  if (total === null && amount === null && status === null && timeoutSeconds === null) return null
  const of = amount?.of ?? total
  const complete = amount?.complete ?? null
  const reached = complete !== null && of !== null && complete >= of
  return {
    total: of,
    complete,
    status,
    finished: amount?.over === true || reached || FINAL.has(status?.toLowerCase() ?? ''),
    timeoutSeconds,
  }
}

/** `3 of 10, running`, `10 of 10, done`, `42%`; null when there is nothing to say. */
export function describeProgress({ total, complete, status, finished }: Progress): string | null {
  const state = status ?? (finished ? 'done' : null)
  return [describeAmount(total, complete), state].filter(Boolean).join(', ') || null
}

function describeAmount(total: number | null, complete: number | null): string | null {
  if (total === null) return complete === null ? null : `step ${show(complete)}`
  if (complete === null) return `${show(total)} steps`
  // The little more keeps 0.29 at 29%; rounding up would call 0.999 complete.
  if (total === 1 && complete <= 1) return `${Math.floor(complete * 100 + 1e-9)}%`
  return `${show(complete)} of ${show(total)}`
}

/** `of` where the text itself says it; `over` for a plain yes. */
type Amount = { complete: number | null; of: number | null; over: boolean }

/** A number of steps; a share, as a percentage or, where no total is known, from 0 to 1; or yes and no. */
function readAmount(text: string, total: number | null): Amount | null {
  if (/^(true|yes|done|complete|completed|finished)$/.test(text)) {
    return { complete: total, of: null, over: true }
  }
  const percent = text.endsWith('%') ? readNumber(text.slice(0, -1), 0) : null
  if (percent !== null) return { complete: Math.min(percent / 100, 1), of: 1, over: false }
  const number = readNumber(text, 0)
  if (number === null) return null
  return { complete: number, of: total === null && number <= 1 ? 1 : null, over: false }
}

function readSeconds(text: string | null): number | null {
  const seconds = readNumber(text)
  if (seconds !== null || text === null) return seconds
  try {
    const milliseconds = parseDuration(text.trim())
    return milliseconds === null ? null : milliseconds / 1000
  } catch {
    return null
  }
}

/** A plain decimal above 0, or from `least` on. */
function readNumber(text: string | null, least = Number.MIN_VALUE): number | null {
  if (text === null || !/^\s*\d{1,15}(\.\d{1,15})?\s*$/.test(text)) return null
  const number = Number(text)
  return number >= least ? number : null
}

function show(number: number): string {
  return String(Number(number.toFixed(2)))
}
