import { useState } from 'preact/hooks'
import { explain } from '../api/client.ts'
import { loadChannels } from '../channels/data.ts'
import { useLoad, usePolling } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { toast } from '../parts/toasts.tsx'
import { mayChange } from '../session.ts'
import { Section } from '../settings/section.tsx'
import { endSilence, loadSilences, type SilenceRow, stateOf } from './data.ts'
import { SilenceDialog } from './dialog.tsx'
import './silences.css'

const REFRESH_MS = 10_000

async function loadAll() {
  const [silences, channels] = await Promise.all([loadSilences(), loadChannels()])
  return { silences, names: new Map(channels.map(({ id, name }) => [id, name])) }
}

/** Times in which nobody is told. */
export function SilencesSection() {
  const { value, error, reload } = useLoad(loadAll, [])
  usePolling(reload, REFRESH_MS)
  const [isMaking, setMaking] = useState(false)
  const [showsOld, setShowsOld] = useState(false)
  const canChange = mayChange()
  const of = (state: string) => value?.silences.filter((one) => stateOf(one, Date.now()) === state) ?? []
  const [active, coming, ended] = [of('holds'), of('to come'), of('ended')]
  const end = async (silence: SilenceRow) => {
    await endSilence(silence.id).then(
      () => toast('The silence is over'),
      (failure) => toast(explain(failure).detail),
    )
    await reload()
  }
  const listOf = (title: string, rows: SilenceRow[], onEnd: typeof end | null) => (
    <ul class="card silences" aria-label={title}>
      {rows.map((row) => (
        <SilenceItem
          key={row.id}
          row={row}
          names={value!.names}
          onEnd={canChange && onEnd ? () => onEnd(row) : null}
        />
      ))}
    </ul>
  )
  return (
    <Section
      title="Silences"
      about="While a silence holds, events arrive and are shown as ever, but nobody is told of those that fit it."
      tools={
        canChange && (
          <button type="button" class="button button-primary" onClick={() => setMaking(true)}>
            New silence
          </button>
        )
      }
    >
      {error !== null && <ProblemBox error={error} retry={reload} />}
      {!value && error === null && <LoadingRows count={2} />}
      {value && active.length + coming.length === 0 && <p class="empty card">Nothing is silenced.</p>}
      {active.length > 0 && (
        <>
          <h3>Active</h3>
          {listOf('Active', active, end)}
        </>
      )}
      {coming.length > 0 && (
        <>
          <h3>To come</h3>
          {listOf('To come', coming, end)}
        </>
      )}
      {ended.length > 0 && (
        <>
          <div>
            <button
              type="button"
              class="button button-quiet"
              aria-expanded={showsOld}
              onClick={() => setShowsOld(!showsOld)}
            >
              {showsOld ? 'Hide' : 'Show'} {ended.length} that ended within a month
            </button>
          </div>
          {showsOld && listOf('Ended', ended, null)}
        </>
      )}
      {isMaking && <SilenceDialog onDone={reload} onClose={() => setMaking(false)} />}
    </Section>
  )
}

type ItemProps = { row: SilenceRow; names: Map<string, string>; onEnd: (() => void) | null }

function SilenceItem({ row, names, onEnd }: ItemProps) {
  const state = stateOf(row, Date.now())
  return (
    <li class="silence">
      <div>
        <strong class="foreign">{row.reason}</strong>
        <p class="small">
          {state === 'to come' && (
            <>
              from <Time at={row.from} />{' '}
            </>
          )}
          {state === 'ended' ? 'ended' : 'until'} <Time at={row.to} />{' '}
          <span class="soft">
            (<Time at={row.to} as="relative" />)
          </span>
        </p>
        <p class="small soft foreign">
          {scopeOf(row, names)} · by {row.createdBy}
        </p>
      </div>
      {onEnd && (
        <button type="button" class="button small" onClick={onEnd}>
          {state === 'to come' ? 'Call off' : 'End now'}
          <span class="visually-hidden">: {row.reason}</span>
        </button>
      )}
    </li>
  )
}

/** What it holds for, in a line. */
function scopeOf({ nodes, vmids, providers, channels, match }: SilenceRow, names: Map<string, string>) {
  const part = (one: string, many: string, values: string[]) =>
    values.length === 0 ? [] : [`${values.length === 1 ? one : many} ${values.join(', ')}`]
  const parts = [
    ...part('node', 'nodes', nodes),
    ...part('guest', 'guests', vmids),
    ...part('provider', 'providers', providers),
    ...match.map((one) => JSON.stringify(one)),
    ...part(
      'on channel',
      'on channels',
      channels.map((id) => names.get(id) ?? 'one that is deleted'),
    ),
  ]
  return parts.length === 0 ? 'everything' : parts.join(' · ')
}
