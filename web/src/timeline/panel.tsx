import { useEffect, useState } from 'preact/hooks'
import { read, timelineApi } from '../api/client.ts'
import type { EventView, StackView } from '../api/routes.ts'
import { Badge } from '../parts/band.tsx'
import { Icon } from '../parts/icon.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { mayChange } from '../session.ts'
import { SilenceDialog } from '../silences/dialog.tsx'
import { Actions } from './actions.tsx'
import { Place } from './card.tsx'
import { Delivery, Why } from './evidence.tsx'
import { Message } from './message.tsx'
import { Notifications } from './notifications.tsx'
import type { Timeline } from './store.ts'
import './panel.css'

type PanelProps = { stackId: string; timeline: Timeline; onClose: () => void }

/** One stack beside the list: its actions, its events, and where all this comes from. */
export function Panel({ stackId, timeline, onClose }: PanelProps) {
  const [stack, setStack] = useState<StackView | null>(null)
  const [events, setEvents] = useState<EventView[]>([])
  const [cursor, setCursor] = useState<string | null>(null)
  const [shown, setShown] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [isSilencing, setSilencing] = useState(false)
  const live = timeline.items.value.find(({ id }) => id === stackId)

  const load = async (more?: string) => {
    try {
      const query = more ? { cursor: more } : {}
      const found = await read(timelineApi.stacks[':id'].$get({ param: { id: stackId }, query }))
      setStack(found)
      setEvents((before) => (more ? [...before, ...found.events.items] : found.events.items))
      setCursor(found.events.nextCursor)
      setError(null)
      if (!more) setShown((before) => before ?? found.events.items[0]?.id ?? null)
    } catch (failure) {
      setError(failure)
    }
  }
  useEffect(() => {
    setShown(null)
    setStack(null)
  }, [stackId])
  useEffect(() => {
    load()
  }, [stackId, live?.lastEventAt, live?.count, live?.ackedAt, live?.dismissedAt])

  const ids = [stackId]
  return (
    <aside class="panel card" aria-label="Details">
      <header class="panel-head">
        <div>
          <h2 class="foreign">{stack?.title ?? live?.title ?? 'Loading'}</h2>
          {stack && (
            <p class="stack-facts small soft">
              <Badge band={stack.severity === 'ok' ? 'ok' : stack.band} label={stack.label} />
              <span class="foreign">{stack.source.displayName}</span>
              <Place node={stack.node} vmid={stack.vmid} />
            </p>
          )}
        </div>
        <button type="button" class="button button-quiet" onClick={onClose} title="Close (Esc)">
          <Icon name="cross" />
          <span class="visually-hidden">Close</span>
        </button>
      </header>
      {error !== null && <ProblemBox error={error} retry={() => load()} />}
      {stack && (
        <>
          <Actions actions={stack.latest.actions} />
          {mayChange() && (
            <div class="panel-triage">
              <button
                type="button"
                class="button"
                onClick={() => timeline.triage(ids, stack.ackedAt ? 'unack' : 'ack').then(() => load())}
              >
                {stack.ackedAt ? 'Take back' : 'Acknowledge'}
              </button>
              <button
                type="button"
                class="button"
                onClick={() =>
                  timeline.triage(ids, stack.dismissedAt ? 'restore' : 'dismiss').then(() => load())
                }
              >
                {stack.dismissedAt ? 'Restore' : 'Dismiss'}
              </button>
              <button type="button" class="button" onClick={() => setSilencing(true)}>
                Silence …
              </button>
            </div>
          )}
          <h3>
            {stack.count === 1 ? 'One event' : `${stack.count} events`}
            {stack.resolved && ', resolved'}
          </h3>
          <ul class="panel-events">
            {events.map((event) => (
              <li key={event.id} data-open={shown === event.id}>
                <button
                  type="button"
                  class="panel-event"
                  aria-expanded={shown === event.id}
                  onClick={() => setShown(shown === event.id ? null : event.id)}
                >
                  <Badge band={event.severity === 'ok' ? 'ok' : event.band} label={event.label} />
                  <span class="foreign">{event.title}</span>
                  <span class="soft small">
                    <Time at={event.startDate} />
                  </span>
                </button>
                {shown === event.id && <EventDetail id={event.id} />}
              </li>
            ))}
          </ul>
          {cursor && (
            <button type="button" class="button" onClick={() => load(cursor)}>
              Earlier events
            </button>
          )}
          {isSilencing && (
            <SilenceDialog
              nodes={stack.node}
              vmids={stack.vmid}
              providers={stack.node || stack.vmid ? null : stack.provider}
              onDone={() => load()}
              onClose={() => setSilencing(false)}
            />
          )}
        </>
      )}
    </aside>
  )
}

/** Names of metadata that hold the long text. */
const MESSAGES = ['Message', 'message']

/** One event with all of its metadata, which a list may have cut. */
function EventDetail({ id }: { id: string }) {
  const [event, setEvent] = useState<EventView | null>(null)
  const [error, setError] = useState<unknown>(null)
  useEffect(() => {
    read(timelineApi.events[':id'].$get({ param: { id } })).then(setEvent, setError)
  }, [id])
  if (error !== null) return <ProblemBox error={error} />
  if (!event) return <div class="skeleton panel-skeleton" aria-busy="true" />
  const message = MESSAGES.map((name) => event.metadata[name]).find((text) => typeof text === 'string')
  const facts = Object.entries(event.metadata).filter(([name]) => !MESSAGES.includes(name))
  return (
    <div class="event-detail">
      {event.subtitle && <p class="foreign">{event.subtitle}</p>}
      {message !== undefined && message !== '' && <Message text={message as string} />}
      <h4>Details</h4>
      <dl class="facts">
        <Fact name="Provider" value={event.provider} />
        <div>
          <dt>Started</dt>
          <dd>
            <Time at={event.startDate} />
          </dd>
        </div>
        <div>
          <dt>Received</dt>
          <dd>
            <Time at={event.receivedAt} />
          </dd>
        </div>
        {facts.map(([name, value]) => (
          <Fact key={name} name={name} value={value} />
        ))}
      </dl>
      <Notifications eventId={event.id} />
      <Why eventId={event.id} />
      <Delivery eventId={event.id} />
    </div>
  )
}

function Fact({ name, value }: { name: string; value: unknown }) {
  const text =
    typeof value === 'object' && value !== null ? JSON.stringify(value, null, 1) : String(value ?? '–')
  return (
    <div>
      <dt class="foreign">{name}</dt>
      <dd class="mono foreign">{text}</dd>
    </div>
  )
}
