import { useState } from 'preact/hooks'
import { Link, useLocation, useSearch } from 'wouter-preact'
import { FormDialog } from '../parts/dialog.tsx'
import { useLoad, usePolling } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { toast } from '../parts/toasts.tsx'
import { mayChange } from '../session.ts'
import { Section } from '../settings/section.tsx'
import { ChannelCard } from './card.tsx'
import { type ChannelRow, loadChannels, removeChannel } from './data.ts'
import { ChannelForm } from './form.tsx'
import { ChannelHistory } from './history.tsx'
import './channels.css'

const REFRESH_MS = 4_000
const ALL = '/settings/channels'

/** Who is told of events, and by which way; one channel, when the address names it. */
export function ChannelsSection() {
  const { value, error, reload } = useLoad(loadChannels, [])
  usePolling(reload, REFRESH_MS)
  const [, navigate] = useLocation()
  const query = new URLSearchParams(useSearch())
  const [removing, setRemoving] = useState<ChannelRow | null>(null)
  const canChange = mayChange()
  const id = query.get('edit') ?? query.get('history')
  const isNew = query.has('new') && canChange
  const row = value?.find((one) => one.id === id) ?? null
  const saved = async ({ name }: ChannelRow) => {
    toast(`${name} is saved`)
    await reload()
    navigate(ALL)
  }
  return (
    <Section
      title={isNew ? 'New channel' : row ? row.name : 'Channels'}
      about={
        query.has('history')
          ? 'Every message to this channel, with what was sent and what the receiver said.'
          : 'A channel tells people of what happens: by mail, in a chat, on a phone, or any webhook. Each chooses its own events.'
      }
      tools={
        isNew || id ? (
          <Link class="button" href={ALL}>
            All channels
          </Link>
        ) : (
          canChange && (
            <Link class="button button-primary" href={`${ALL}?new`}>
              New channel
            </Link>
          )
        )
      }
    >
      {error !== null && <ProblemBox error={error} retry={reload} />}
      {!value && error === null && <LoadingRows count={3} height="8rem" />}
      {value && id && !row && <p class="empty card">This channel is not there any more.</p>}
      {row && query.has('history') && <ChannelHistory key={row.id} row={row} />}
      {(isNew || (row && query.has('edit'))) && (
        <>
          {row?.managedBy === 'file' && (
            <p class="warning-box">
              This channel is written in the file of <code>TEMPO_CHANNELS_FILE</code>. Change it there, and
              start the server anew, or run <code>tempo channel apply</code>.
            </p>
          )}
          <ChannelForm
            key={row?.id ?? 'new'}
            row={row}
            isReadOnly={!canChange || row?.managedBy === 'file'}
            onSaved={saved}
            onClose={() => navigate(ALL)}
          />
        </>
      )}
      {value && !id && !isNew && <List rows={value} onChange={reload} onRemove={setRemoving} />}
      {removing && (
        <FormDialog
          title={`Delete ${removing.name}?`}
          action="Delete"
          isDangerous
          onSubmit={async () => {
            await removeChannel(removing.id)
            toast(`${removing.name} is deleted`)
            await reload()
          }}
          onClose={() => setRemoving(null)}
        >
          <p>
            Its history goes with it, and what waits for it is not sent any more. To keep both, switch it off
            instead.
          </p>
        </FormDialog>
      )}
    </Section>
  )
}

type ListProps = {
  rows: ChannelRow[]
  onChange: () => Promise<void>
  onRemove: (row: ChannelRow) => void
}

function List({ rows, onChange, onRemove }: ListProps) {
  if (rows.length === 0) {
    return (
      <div class="empty card">
        <p>Nobody is told of anything yet.</p>
        {mayChange() && (
          <Link class="button button-primary" href={`${ALL}?new`}>
            Make the first channel
          </Link>
        )}
      </div>
    )
  }
  return (
    <ul class="channels" aria-label="Channels">
      {rows.map((row) => (
        <ChannelCard key={row.id} row={row} onChange={onChange} onRemove={() => onRemove(row)} />
      ))}
    </ul>
  )
}
