import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { notificationApi, read } from '../api/client.ts'
import { useLoad, usePolling } from '../parts/loading.ts'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'

const REFRESH_MS = 3_000

/** Which channels were told of an event, and what held it back elsewhere; asked for while it is open. */
export function Notifications({ eventId }: { eventId: string }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Notifications</summary>
      {isOpen && <Tellings eventId={eventId} />}
    </details>
  )
}

const OUTCOMES = {
  sent: { label: 'sent', isGood: true },
  waiting: { label: 'waits', isGood: undefined },
  retrying: { label: 'tried again', isGood: false },
  held: { label: 'held back', isGood: undefined },
  failed: { label: 'failed', isGood: false },
  not_chosen: { label: 'not told', isGood: undefined },
} as const

function Tellings({ eventId }: { eventId: string }) {
  const ask = () => read(notificationApi.events[':id'].notifications.$get({ param: { id: eventId } }))
  const { value, error, reload } = useLoad(ask, [eventId])
  usePolling(reload, REFRESH_MS)
  if (error !== null) return <ProblemBox error={error} retry={reload} />
  if (!value) return <div class="skeleton panel-skeleton" aria-busy="true" />
  if (value.items.length === 0) {
    return (
      <p class="small soft">
        Nobody is told: <Link href="/settings/channels">there is no channel</Link>.
      </p>
    )
  }
  return (
    <ul class="tellings" aria-label="Channels">
      {value.items.map(({ channelId, channel, outcome, reason, at }) => (
        <li key={channelId}>
          <span class="status" data-good={OUTCOMES[outcome].isGood}>
            {OUTCOMES[outcome].label}
          </span>{' '}
          <Link class="foreign" href={`/settings/channels?history=${channelId}`}>
            {channel}
          </Link>{' '}
          {at && (
            <span class="soft small">
              <Time at={at} />
            </span>
          )}
          <br />
          <span class="small foreign">{reason}</span>
        </li>
      ))}
    </ul>
  )
}
