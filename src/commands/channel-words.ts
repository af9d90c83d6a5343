/** What `tempo channel` prints. */
import type { Applied, Trial } from '../dispatch/changes.ts'
import type { Attempt } from '../storage/notifications.ts'
import type { ChannelView } from '../wire-channels.ts'
import { table } from './table.ts'

/** All channels. */
export function listTable(views: ChannelView[]): string {
  const rows = views.map((view) => [
    view.id,
    view.name,
    view.type,
    view.managedBy,
    view.minSeverity,
    view.events.join(',') || (view.match.length > 0 ? '(by match)' : '(every)'),
    stateOf(view),
    view.state.waiting > 0 ? String(view.state.waiting) : '',
  ])
  return table([['ID', 'NAME', 'TYPE', 'FROM', 'SEVERITY', 'EVENTS', 'STATE', 'WAITING'], ...rows])
}

function stateOf({ enabled, problem, state }: ChannelView): string {
  if (problem !== null) return 'unusable'
  if (!enabled) return 'off'
  if (state.failures > 0) return `failing since ${state.failingSince}`
  return state.lastSentAt === null ? 'not used yet' : `sent ${state.lastSentAt}`
}

const RESULTS: Record<Trial['result'], string> = {
  sent: 'taken',
  passing: 'not taken; it may pass',
  permanent: 'refused',
}

/** How a test ended, with what the receiver said. */
export function describeTrial({ result, durationMs, answer }: Trial): string {
  return `${RESULTS[result]}, after ${durationMs} ms\n${printable(answer)}\n`
}

/** A line for each channel of a file. */
export function describeApplied(applied: Applied): string {
  const lines = Object.entries(applied).flatMap(([verb, names]) =>
    (names as string[]).map((name) => `${verb.padEnd(9)}  ${name}\n`),
  )
  return lines.join('') || 'There are no channels in it, and none to remove.\n'
}

/** Tries, as they are given. */
export function historyTable(attempts: Attempt[]): string {
  const rows = attempts.map(({ at, result, status, durationMs, kind, events, title, answer }) => [
    at.toISOString(),
    result,
    String(status ?? '-'),
    `${durationMs} ms`,
    kind,
    String(events),
    title,
    result === 'sent' ? '' : sentence(answer),
  ])
  return table([['TIME', 'RESULT', 'STATUS', 'TOOK', 'KIND', 'EVENTS', 'TITLE', 'ANSWER'], ...rows])
}

/** The first line that says more than a status. */
export function sentence(answer: string): string {
  const lines = printable(answer).split('\n')
  return lines.find((line) => !/^HTTP \d+$/.test(line)) ?? lines[0]!
}

/** What strangers sent must not move the cursor. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ')
}
