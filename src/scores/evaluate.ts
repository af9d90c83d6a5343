/** What a score makes of an event: read once when the event arrives, and stored with it. */
import {
  type Band,
  bandOf,
  type IncomingEvent,
  type Progress,
  type Severity,
  type Surface,
} from '../event.ts'
import type { CompiledScore } from './compile.ts'
import { cut } from './excerpt.ts'
import type { EventPattern } from './format.ts'
import { decideGrouping, type Grouping, type GroupingVerdict } from './grouping.ts'
import { decideMarks, type Indicator, type MarksVerdict } from './marks.ts'
import { createMetadataReader, type MetadataReader } from './metadata.ts'
import { describeProgress, readProgress } from './progress.ts'
import { decideSeverity, type SeverityVerdict } from './severity.ts'
import { renderOptional, valuesOf } from './template.ts'
import { decideTriage, type TriageVerdict } from './triage.ts'

/** `role`, `key`, `windowMs`, `stackColor` and `closedSeverity` say where it stacks, see {@link Grouping}. */
export type Evaluation = Grouping & {
  severity: Severity
  band: Band
  label: string
  title: string
  subtitle: string | null
  color: string
  indicator: Indicator | null
  /** None or one. */
  tags: string[]
  /** Acknowledged on arrival; never together with `dismissed`, which goes before it. */
  acked: boolean
  dismissed: boolean
  surface: Surface
  /** Title of the stack once it holds two events; null: that of its latest event. */
  stackTitle: string | null
  eventPattern: EventPattern
  /** Only of `run-bound` events. */
  progress: Progress | null
  /** `metadata.NodeName` and `metadata.VMID` as trimmed text: what the timeline filters by. */
  node: string | null
  vmid: string | null
}

/** An evaluation, and which rules led to it. */
export type Verdicts = {
  evaluation: Evaluation
  metadata: MetadataReader
  severity: SeverityVerdict
  marks: MarksVerdict
  triage: TriageVerdict
  grouping: GroupingVerdict
}

/** A template can pull a whole message into a line of the timeline. */
const LONGEST_TITLE = 1000
const LONGEST_LABEL = 200
/** Longer than any host name; node and VMID are entries of a database index. */
const LONGEST_NAME = 255

/** Evaluates an event by its provider's score, or without one by what the payload says of itself. */
export function evaluateEvent(score: CompiledScore | undefined, event: IncomingEvent): Evaluation {
  return reachVerdicts(score, event).evaluation
}

/** The one way to an evaluation, for storing an event as for explaining it. */
export function reachVerdicts(score: CompiledScore | undefined, event: IncomingEvent): Verdicts {
  const metadata = createMetadataReader(event.metadata)
  const values = valuesOf(event, metadata)
  const severity = decideSeverity(score?.severity, event, metadata, values)
  const marks = decideMarks(score?.marks, metadata, values)
  const triage = decideTriage(score?.triage, metadata)
  const grouping = decideGrouping(score?.grouping, event, metadata, values)
  const eventPattern = score?.eventPattern ?? 'episodic'
  const progress = eventPattern === 'run-bound' ? readProgress(metadata) : null
  const evaluation: Evaluation = {
    severity: severity.severity,
    band: bandOf(severity.severity),
    label: cut(severity.label, LONGEST_LABEL),
    title: cut(severity.title ?? event.title, LONGEST_TITLE),
    subtitle: optionalCut(severity.subtitle ?? (progress && describeProgress(progress)), LONGEST_TITLE),
    color: severity.color,
    indicator: marks.indicator,
    tags: marks.tag === null ? [] : [cut(marks.tag, LONGEST_LABEL)],
    acked: triage.acked,
    dismissed: triage.dismissed,
    surface: score?.surface ?? (event.eventType === 'alert' ? 'timeline' : 'agenda'),
    role: grouping.role,
    key: grouping.key,
    windowMs: grouping.windowMs,
    stackColor: grouping.stackColor,
    closedSeverity: grouping.closedSeverity,
    stackTitle: optionalCut(renderOptional(score?.stackTitle, values), LONGEST_TITLE),
    eventPattern,
    progress,
    node: optionalCut(metadata.text('NodeName'), LONGEST_NAME),
    vmid: optionalCut(metadata.text('VMID'), LONGEST_NAME),
  }
  return { evaluation, metadata, severity, marks, triage, grouping }
}

function optionalCut(text: string | null, longest: number): string | null {
  return cut(text ?? '', longest) || null
}
