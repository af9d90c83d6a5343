import { type JudgedEvent, severityRank } from '../event.ts'
import { instantText } from '../instant-text.ts'

/** What a batch adds to one stack. */
type Addition = {
  id: string
  fresh: boolean
  provider: string
  key: string | null
  count: number
  first: Date
  last: JudgedEvent
  worst: JudgedEvent
  /** All of them came acknowledged, or dismissed. */
  acked: boolean
  dismissed: boolean
}

/**
 * One row per stack, since a statement updates a row only once, in the order of their ids, in which whoever holds
 * several stacks takes them. Without `isRare` what few events have is left out.
 */
export function additionsParameter(
  events: JudgedEvent[],
  placements: { stackOf: Map<JudgedEvent, string>; fresh: Set<string> },
  isRare: boolean,
): string {
  const additions = new Map<string, Addition>()
  for (const event of events) {
    const id = placements.stackOf.get(event)!
    const sum = additions.get(id)
    if (!sum) {
      const fresh = placements.fresh.has(id)
      additions.set(id, {
        id,
        fresh,
        provider: event.provider,
        key: event.key,
        count: 1,
        first: event.startDate,
        last: event,
        worst: event,
        acked: event.acked,
        dismissed: event.dismissed,
      })
      continue
    }
    sum.count++
    sum.acked &&= event.acked
    sum.dismissed &&= event.dismissed
    if (event.startDate < sum.first) sum.first = event.startDate
    if (isLater(event, sum.last)) sum.last = event
    const harm = severityRank(event.severity) - severityRank(sum.worst.severity)
    if (harm > 0 || (harm === 0 && isLater(event, sum.worst))) sum.worst = event
  }
  const inOrder = [...additions.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  return JSON.stringify(inOrder.map((sum) => (isRare ? rareRow(sum) : additionRow(sum))))
}

function additionRow({ id, fresh, provider, key, count, first, last, worst }: Addition) {
  return {
    id,
    fresh,
    provider,
    key,
    node: last.node,
    vmid: last.vmid,
    title: last.title,
    count,
    first: instantText(first),
    last: instantText(last.startDate),
    latest: last.id,
    severity: severityRank(worst.severity),
    label: worst.label,
    severe: instantText(worst.startDate),
    last_severity: severityRank(last.severity),
    last_label: last.label,
  }
}

function rareRow(sum: Addition) {
  const { last } = sum
  return {
    ...additionRow(sum),
    closed_severity: last.closedSeverity === null ? null : severityRank(last.closedSeverity),
    closes: last.role === 'closes',
    current_state: last.currentState,
    stack_title: last.stackTitle,
    acked: sum.acked ? last.receivedAt : null,
    dismissed: sum.dismissed ? last.receivedAt : null,
  }
}

/** Events of one stack are in the order of their start, then of their id. */
function isLater(a: JudgedEvent, b: JudgedEvent): boolean {
  const difference = a.startDate.getTime() - b.startDate.getTime()
  return difference > 0 || (difference === 0 && a.id > b.id)
}
