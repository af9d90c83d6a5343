import type { ComponentChildren } from 'preact'
import { Time } from '../parts/time.tsx'
import type { ChannelRow } from './data.ts'

const count = new Intl.NumberFormat()
const MOST_COUNTED = 10_000

/** Whether what goes through a channel arrives. */
export function ChannelState({ row }: { row: ChannelRow }) {
  const { waiting, lastSentAt, lastAnswer, failures } = row.state
  return (
    <div class="channel-state">
      <p class="small soft">
        <Circuit row={row} />
      </p>
      {row.problem !== null && (
        <p class="problem" role="alert">
          <strong>It cannot be used</strong>
          <span class="foreign">{row.problem}</span>
        </p>
      )}
      <p class="small soft channel-facts">
        <span>
          {lastSentAt ? (
            <>
              last sent <Time at={lastSentAt} as="relative" />
            </>
          ) : (
            'nothing sent yet'
          )}
        </span>
        {waiting > 0 && (
          <span>
            {waiting >= MOST_COUNTED ? `more than ${count.format(MOST_COUNTED)}` : count.format(waiting)}{' '}
            {waiting === 1 ? 'event waits' : 'events wait'}
          </span>
        )}
        {lastAnswer && (
          <span class="foreign channel-answer" data-bad={failures > 0}>
            last answer: {lastAnswer}
          </span>
        )}
      </p>
    </div>
  )
}

function Circuit({ row: { enabled, problem, state } }: { row: ChannelRow }) {
  const { circuit, failures, failingSince, nextTryAt, lastSentAt } = state
  if (!enabled) return <Mark>Switched off</Mark>
  if (problem !== null) return <Mark isGood={false}>Cannot be used</Mark>
  if (failures === 0) return lastSentAt ? <Mark isGood>Works</Mark> : <Mark>Not used yet</Mark>
  return (
    <>
      <Mark isGood={false}>{circuit === 'open' ? 'Fails' : 'Failed'}</Mark>{' '}
      {failingSince && (
        <span>
          {circuit === 'open' ? 'since ' : failures > 1 && `${failures} times, first `}
          <Time at={failingSince} as="relative" />
        </span>
      )}
      {nextTryAt && (
        <span>
          , next try <Time at={nextTryAt} as="relative" />
        </span>
      )}
    </>
  )
}

function Mark({ isGood, children }: { isGood?: boolean; children: ComponentChildren }) {
  return (
    <span class="status" data-good={isGood}>
      {isGood !== undefined && <span aria-hidden="true">{isGood ? '✓ ' : '✕ '}</span>}
      {children}
    </span>
  )
}
