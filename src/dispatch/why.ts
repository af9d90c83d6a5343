/** Why somebody was, or was not, told of an event. Pure. */
import type { StoredEvent } from '../event.ts'
import { type KnownChannel, subjectOfStored } from './book.ts'
import { compileChannel, type ReadSubject } from './rules.ts'
import { channelOf } from './settings.ts'

/** A row of an event in the outbox, with the message that took it. */
export type Row = {
  channelId: string
  state: 'waiting' | 'taken' | 'held'
  reason: string | null
  dueAt: Date
  messageId: string | null
  messageState: string | null
  finishedAt: Date | null
  nextTryAt: Date | null
}

export const TOLD_OUTCOMES = ['sent', 'waiting', 'retrying', 'held', 'failed', 'not_chosen'] as const

export type Outcome = {
  outcome: (typeof TOLD_OUTCOMES)[number]
  /** A sentence for people. */
  reason: string
  messageId: string | null
  /** When it was sent or given up, or will be tried, in ISO 8601. */
  at: string | null
}

/** What one channel was told. */
export type Told = Outcome & { channelId: string; channel: string; type: string }

const WAITS: Record<string, string> = {
  quiet: 'It waits for the end of the quiet hours.',
  digest: 'It waits for the daily summary.',
}

/** Each channel, with what it was told of an event or what held it back; `role` is what the event did to its stack. */
export function explainTold(
  event: StoredEvent,
  role: string | null,
  rows: readonly Row[],
  channels: readonly KnownChannel[],
): Told[] {
  const subject = subjectOfStored(event, role)
  return channels.map((known) => {
    const { id: channelId, name, type, createdAt } = known.stored
    const row = rows.findLast((one) => one.channelId === channelId)
    const outcome = row
      ? outcomeOf(row)
      : untold(known, subject, event.receivedAt < createdAt, event.derivedFrom !== null)
    return { channelId, channel: name, type, ...outcome }
  })
}

function outcomeOf({ state, reason, dueAt, messageId, messageState, finishedAt, nextTryAt }: Row): Outcome {
  const at = (date: Date | null) => date?.toISOString() ?? null
  if (state === 'held') return { outcome: 'held', reason: reason ?? 'Held back.', messageId, at: null }
  if (state === 'waiting') {
    const why = WAITS[reason ?? ''] ?? 'It waits for its turn.'
    return { outcome: 'waiting', reason: why, messageId, at: at(dueAt) }
  }
  if (messageState === 'sent')
    return { outcome: 'sent', reason: 'It was sent.', messageId, at: at(finishedAt) }
  if (messageState === 'open') {
    const why = 'The receiver has not taken it yet; it is tried again.'
    return { outcome: 'retrying', reason: why, messageId, at: at(nextTryAt) }
  }
  return { outcome: 'failed', reason: 'The receiver did not take it.', messageId, at: at(finishedAt) }
}

/** There is no row: the rules did not choose it. They may have been others then. */
function untold(
  { stored, opened }: KnownChannel,
  subject: ReadSubject,
  isOlder: boolean,
  isDerived: boolean,
): Outcome {
  const because = (reason: string): Outcome => ({ outcome: 'not_chosen', reason, messageId: null, at: null })
  if (isOlder) return because('The channel was made after the event arrived.')
  if ('problem' in opened) return because(opened.problem)
  const ruling = compileChannel(channelOf(opened.input, stored)).rule(subject)
  if ('reason' in ruling) return because(ruling.reason)
  return because(
    isDerived
      ? 'The report that it was taken from is told instead.'
      : 'By its rules as they are now it would be told; they were others when the event arrived.',
  )
}
