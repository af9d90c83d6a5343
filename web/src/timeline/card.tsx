import type { EventView, StackView } from '../api/routes.ts'
import { Badge } from '../parts/band.tsx'
import { Icon } from '../parts/icon.tsx'
import { Time } from '../parts/time.tsx'

type CardProps = {
  stack: StackView
  isOpen: boolean
  isCurrent: boolean
  isSelected: boolean
  canChange: boolean
  onOpen: () => void
  onSelect: (range: boolean) => void
  onAck: () => void
  onDismiss: () => void
}

/** One stack: its source's colour, what happened, where, when, and how often. */
export function StackCard(props: CardProps) {
  const { stack, isOpen, isCurrent, isSelected, canChange, onOpen, onSelect, onAck, onDismiss } = props
  const { latest } = stack
  return (
    <article
      class="stack"
      data-band={stack.severity === 'ok' ? 'ok' : stack.band}
      data-current={isCurrent}
      data-open={isOpen}
      data-acked={stack.ackedAt !== null}
      data-dismissed={stack.dismissedAt !== null}
      aria-current={isCurrent}
    >
      <span class="stack-source" style={{ background: stack.source.color }} />
      {canChange && (
        <label class="stack-select">
          <span class="visually-hidden">Select {stack.title}</span>
          <input
            type="checkbox"
            checked={isSelected}
            onClick={(event) => {
              event.preventDefault()
              onSelect(event.shiftKey)
            }}
          />
        </label>
      )}
      <div class="stack-body">
        <h3 class="stack-title">
          <button type="button" class="stack-open foreign" onClick={onOpen} aria-expanded={isOpen}>
            {latest.indicator?.emoji && <span aria-hidden="true">{latest.indicator.emoji} </span>}
            {stack.title}
          </button>
          {stack.count > 1 && (
            <span class="stack-count numeric" title={`${stack.count} events`}>
              {stack.count}
              <span class="visually-hidden"> events</span>
            </span>
          )}
        </h3>
        <p class="stack-facts small soft">
          <Badge band={stack.severity === 'ok' ? 'ok' : stack.band} label={stack.label} />
          <span class="foreign">{stack.source.displayName}</span>
          <Place node={stack.node} vmid={stack.vmid} />
          {stack.resolved && <span class="stack-resolved">resolved</span>}
          {latest.subtitle && <span class="foreign">{latest.subtitle}</span>}
          {latest.tags.map((tag) => (
            <span class="tag foreign" key={tag}>
              {tag}
            </span>
          ))}
          <Progress event={latest} />
        </p>
      </div>
      <div class="stack-when small">
        <Time at={stack.lastEventAt} as="clock" />
        <span class="soft">
          <Time at={stack.lastEventAt} as="relative" />
        </span>
      </div>
      {canChange && (
        <div class="stack-tools">
          <button
            type="button"
            class="button button-quiet"
            onClick={onAck}
            title={stack.ackedAt ? 'Take back (e)' : 'Acknowledge (e)'}
            aria-pressed={stack.ackedAt !== null}
          >
            <Icon name="check" />
            <span class="visually-hidden">
              {stack.ackedAt ? 'Take back the acknowledgement' : 'Acknowledge'}
            </span>
          </button>
          <button
            type="button"
            class="button button-quiet"
            onClick={onDismiss}
            title={stack.dismissedAt ? 'Restore (d)' : 'Dismiss (d)'}
          >
            <Icon name={stack.dismissedAt ? 'undo' : 'archive'} />
            <span class="visually-hidden">{stack.dismissedAt ? 'Restore' : 'Dismiss'}</span>
          </button>
        </div>
      )}
    </article>
  )
}

/** `pve-01 / 100`, as far as it is known. */
export function Place({ node, vmid }: { node: string | null; vmid: string | null }) {
  if (!node && !vmid) return null
  return <span class="mono foreign">{[node, vmid].filter(Boolean).join(' / ')}</span>
}

function Progress({ event }: { event: EventView }) {
  const { progress } = event
  if (!progress || progress.complete === null || !progress.total) return null
  return (
    <progress value={progress.complete} max={progress.total}>
      {Math.round((100 * progress.complete) / progress.total)} %
    </progress>
  )
}
