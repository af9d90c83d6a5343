import { read, silenceApi } from '../api/client.ts'
import { readMatches, splitList } from '../channels/read-form.ts'
import { nextDayAt } from '../parts/local-time.ts'

export function loadSilences() {
  return read(silenceApi.silences.$get()).then(({ items }) => items)
}
export type SilenceRow = Awaited<ReturnType<typeof loadSilences>>[number]

const HOUR_MS = 3_600_000

/** How long a silence may hold, seen from its beginning. */
export const SPANS = {
  hour: { label: '1 hour', end: (from: Date) => new Date(from.getTime() + HOUR_MS) },
  hours: { label: '4 hours', end: (from: Date) => new Date(from.getTime() + 4 * HOUR_MS) },
  morning: { label: 'Until tomorrow morning, 8:00', end: (from: Date) => nextDayAt(from, 8) },
  custom: { label: 'Until …', end: null },
} as const
export type Span = keyof typeof SPANS

/** Makes a silence of what is written in the form. */
export function createSilence(data: FormData): Promise<SilenceRow> {
  const text = (name: string) => String(data.get(name) ?? '').trim()
  const from = text('from') === '' ? null : new Date(text('from'))
  const end = SPANS[text('span') as Span].end
  const to = end ? end(from ?? new Date()).toISOString() : instantOf(text('to'))
  const json = {
    reason: text('reason'),
    ...(from && { from: from.toISOString() }),
    to,
    nodes: splitList(text('nodes')),
    vmids: splitList(text('vmids')),
    providers: splitList(text('providers')),
    match: readMatches(data),
    channels: data.getAll('channels').map(String),
  }
  return read(silenceApi.silences.$post({ json }))
}

/** What is no time is sent as it is, so that the server says so. */
function instantOf(local: string): string {
  const date = new Date(local)
  return Number.isNaN(date.getTime()) ? local : date.toISOString()
}

export async function endSilence(id: string): Promise<void> {
  await silenceApi.silences[':id'].$delete({ param: { id } })
}

export type SilenceState = 'holds' | 'to come' | 'ended'

export function stateOf({ from, to }: SilenceRow, now: number): SilenceState {
  if (Date.parse(to) <= now) return 'ended'
  return Date.parse(from) > now ? 'to come' : 'holds'
}
