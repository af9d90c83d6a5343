import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { explain } from '../api/client.ts'
import { Icon } from '../parts/icon.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { toast } from '../parts/toasts.tsx'
import { mayChange } from '../session.ts'
import { type ChannelRow, changeChannel, type Exchange, testChannel } from './data.ts'
import { EVENTS } from './events.ts'
import { KINDS } from './kinds.ts'
import { ChannelState } from './state.tsx'
import { TrialResult } from './trial.tsx'

type CardProps = { row: ChannelRow; onChange: () => Promise<void>; onRemove: () => void }

/** One channel: what it tells whom, and whether that works. */
export function ChannelCard({ row, onChange, onRemove }: CardProps) {
  const { id, name, type, enabled, managedBy } = row
  const [exchange, setExchange] = useState<Exchange | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [isTesting, setTesting] = useState(false)
  const canChange = mayChange()
  const isOwn = managedBy === 'api'
  const flip = async () => {
    try {
      await changeChannel(id, { enabled: !enabled })
      toast(`${name} is switched ${enabled ? 'off' : 'on'}`)
    } catch (failure) {
      toast(explain(failure).detail)
    }
    await onChange()
  }
  const test = async () => {
    setTesting(true)
    setExchange(null)
    setError(null)
    try {
      setExchange(await testChannel(id))
    } catch (failure) {
      setError(failure)
    }
    setTesting(false)
    await onChange()
  }
  return (
    <li class="card channel" data-off={!enabled}>
      <header class="channel-head">
        <span class="channel-icon">
          <Icon name={KINDS[type]?.icon ?? 'bell'} />
        </span>
        <div>
          <h3 class="foreign">{name}</h3>
          <p class="small soft">
            {KINDS[type]?.label ?? type} <span class="foreign">{receiverOf(row)}</span>
          </p>
        </div>
        <input
          type="checkbox"
          role="switch"
          class="switch"
          checked={enabled}
          aria-checked={enabled}
          disabled={!canChange || !isOwn}
          aria-label={`${name} is switched on`}
          onChange={flip}
        />
      </header>
      <ChannelState row={row} />
      <p class="small soft foreign">{chosenBy(row)}</p>
      {!isOwn && (
        <p class="small soft">
          Written in the file of <code>TEMPO_CHANNELS_FILE</code>: it can be changed only there.
        </p>
      )}
      {error !== null && <ProblemBox error={error} />}
      {exchange && <TrialResult exchange={exchange} />}
      <div class="form-tools">
        {canChange && (
          <button type="button" class="button small" disabled={isTesting} onClick={test}>
            {isTesting ? 'Sending …' : 'Send Test'}
            <span class="visually-hidden"> to {name}</span>
          </button>
        )}
        <Link class="button small" href={`/settings/channels?history=${id}`}>
          History<span class="visually-hidden"> of {name}</span>
        </Link>
        <Link class="button small" href={`/settings/channels?edit=${id}`}>
          {canChange && isOwn ? 'Edit' : 'View'}
          <span class="visually-hidden"> {name}</span>
        </Link>
        {canChange && isOwn && (
          <button type="button" class="button button-danger small" onClick={onRemove}>
            Delete<span class="visually-hidden"> {name}</span>
          </button>
        )}
      </div>
    </li>
  )
}

function receiverOf({ type, url, recipients = [], topic }: ChannelRow): string {
  if (type === 'email') {
    const [first = '', ...others] = recipients
    return `to ${first}${others.length > 0 ? ` and ${others.length} more` : ''}`
  }
  if (type === 'ntfy') return `${url ?? ''} ${topic ?? ''}`
  return url ?? ''
}

/** What it tells of, in a line. */
function chosenBy({ events, match, minSeverity, providers, nodes }: ChannelRow): string {
  const chosen = [
    ...events.map((event) => EVENTS[event].label),
    ...(match.length > 0 ? [match.length === 1 ? 'a condition' : `${match.length} conditions`] : []),
  ]
  const least =
    minSeverity === 'ok'
      ? ''
      : minSeverity === 'critical'
        ? ' · critical only'
        : ` · ${minSeverity} and worse`
  const where = [...providers, ...nodes]
  return `${chosen.length > 0 ? chosen.join(', ') : 'Everything'}${least}${where.length > 0 ? ` · only ${where.join(', ')}` : ''}`
}
