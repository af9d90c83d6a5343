import type { StoredChannel } from '../channel.ts'
import type { ChannelView } from '../wire-channels.ts'
import { maskSettings, openChannel } from './settings.ts'

/** What became of a channel's last messages. */
export type ViewedState = {
  failures: number
  failingSince: Date | null
  lastSentAt: Date | null
  lastAnswer: string | null
  waiting: number
  nextTryAt: Date | null
}

/** So many failures in a row mean more than bad luck. */
export const OPEN_CIRCUIT = 3

/** A channel as it is shown to people: its secrets masked. */
export function channelView(
  stored: StoredChannel,
  state: ViewedState | undefined,
  vault: Parameters<typeof openChannel>[1],
): ChannelView {
  const opened = openChannel(stored, vault)
  const { id, name, type, enabled, managedBy } = stored
  const masked = maskSettings(stored, opened) as Pick<ChannelView, 'minSeverity' | 'events'> & ChannelView
  const time = (at: Date | null | undefined) => at?.toISOString() ?? null
  const failures = state?.failures ?? 0
  return {
    ...masked,
    ...{ id, name, type, enabled, managedBy },
    problem: 'problem' in opened ? opened.problem : null,
    state: {
      circuit: failures >= OPEN_CIRCUIT ? 'open' : 'closed',
      failures,
      failingSince: time(state?.failingSince),
      lastSentAt: time(state?.lastSentAt),
      lastAnswer: state?.lastAnswer ?? null,
      waiting: state?.waiting ?? 0,
      nextTryAt: time(state?.nextTryAt),
    },
    createdAt: stored.createdAt.toISOString(),
    updatedAt: stored.updatedAt.toISOString(),
  }
}
