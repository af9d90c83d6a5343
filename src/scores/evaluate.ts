/** What a score makes of an event: read once when the event arrives, and stored with it. */
import { type Band, bandOf, type IncomingEvent, type Severity } from '../event.ts'
import type { CompiledScore } from './compile.ts'
import { decideGrouping } from './grouping.ts'
import { createMetadataReader } from './metadata.ts'
import { decideSeverity } from './severity.ts'
import { valuesOf } from './template.ts'

export type Evaluation = {
  severity: Severity
  band: Band
  label: string
  title: string
  subtitle: string | null
  color: string
  /** Stack key; null: a stack of its own. */
  key: string | null
  /** Length of the stack's window; null: no end. */
  windowMs: number | null
  /** `metadata.NodeName` and `metadata.VMID` as trimmed text: what the timeline filters by. */
  node: string | null
  vmid: string | null
}

/** A template can pull a whole message into a line of the timeline. */
const LONGEST_TITLE = 1000
const LONGEST_LABEL = 200
/** Longer than any host name; node and VMID are entries of a database index. */
const LONGEST_NAME = 255

/** Evaluates an event by its provider's score, or without one by what the payload says of itself. */
export function evaluateEvent(score: CompiledScore | undefined, event: IncomingEvent): Evaluation {
  const metadata = createMetadataReader(event.metadata)
  const values = valuesOf(event, metadata)
  const verdict = decideSeverity(score?.severity, event, metadata, values)
  return {
    severity: verdict.severity,
    band: bandOf(verdict.severity),
    label: cut(verdict.label, LONGEST_LABEL),
    title: cut(verdict.title ?? event.title, LONGEST_TITLE),
    subtitle: cut(verdict.subtitle ?? '', LONGEST_TITLE) || null,
    color: verdict.color,
    ...decideGrouping(score?.grouping, event, values),
    node: cut(metadata.text('NodeName') ?? '', LONGEST_NAME) || null,
    vmid: cut(metadata.text('VMID') ?? '', LONGEST_NAME) || null,
  }
}

/** Trims, and shortens to so many UTF-16 units without half a character at the end. */
function cut(text: string, longest: number): string {
  const whole = text.trim()
  if (whole.length <= longest) return whole
  const splits = whole.codePointAt(longest - 1)! > 0xffff
  return whole.slice(0, splits ? longest - 1 : longest)
}
