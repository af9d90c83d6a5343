import { useState } from 'preact/hooks'
import { explain } from '../api/client.ts'
import { FormDialog } from '../parts/dialog.tsx'
import { useEndless } from '../parts/endless.ts'
import { TextField } from '../parts/field.tsx'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { localInput } from '../parts/local-time.ts'
import { LogView } from '../parts/log-view.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { toast } from '../parts/toasts.tsx'
import { mayChange } from '../session.ts'
import { type AttemptRow, type ChannelRow, loadAttempts, resend } from './data.ts'
import { ChannelState } from './state.tsx'
import { StatusMark } from './trial.tsx'

const REFRESH_MS = 3_000
const DAY_MS = 86_400_000
const KIND_LABELS = { event: '', group: 'several together', summary: 'summary', test: 'test' }

/** Every try to send to a channel, newest first. */
export function ChannelHistory({ row }: { row: ChannelRow }) {
  const ask = (cursor: string | null) => loadAttempts(row.id, cursor)
  const { rows, error, refresh, more } = useEndless<AttemptRow>(ask, REFRESH_MS)
  const [asksSince, setAsksSince] = useState(false)
  const again = async (what: Parameters<typeof resend>[1]) => {
    const events = await resend(row.id, what)
    toast(
      events === 0
        ? 'There is nothing to send again'
        : `${events === 1 ? 'One event is' : `${events} events are`} sent again`,
    )
    await refresh()
  }
  /** The newest try of a message says what becomes of it. */
  const newest = new Map<string, string>()
  for (const { id, messageId } of rows ?? []) if (!newest.has(messageId)) newest.set(messageId, id)
  return (
    <>
      <div class="card channel">
        <ChannelState row={row} />
        {mayChange() && (
          <div class="form-tools">
            <button type="button" class="button small" onClick={() => setAsksSince(true)}>
              Send again all since …
            </button>
          </div>
        )}
      </div>
      {error !== null && <ProblemBox error={error} retry={refresh} />}
      {!rows && error === null && <LoadingRows />}
      {rows?.length === 0 && <p class="empty card">Nothing was sent to it yet.</p>}
      {rows && rows.length > 0 && (
        <ol class="card attempts" aria-label="History">
          {rows.map((attempt) => (
            <AttemptItem
              key={attempt.id}
              attempt={attempt}
              isNewest={newest.get(attempt.messageId) === attempt.id}
              onResend={() =>
                again({ messageId: attempt.messageId }).catch((failure) => toast(explain(failure).detail))
              }
            />
          ))}
        </ol>
      )}
      {more && (
        <button type="button" class="button load-more" onClick={more}>
          Load more
        </button>
      )}
      {asksSince && (
        <FormDialog
          title="Send again all since"
          action="Send again"
          onSubmit={(data) => again({ since: new Date(String(data.get('since'))).toISOString() })}
          onClose={() => setAsksSince(false)}
        >
          <p class="soft">
            Everything that was, or should have been, told since then is told once more, together where it can
            be. It helps when a receiver lost what it had.
          </p>
          <TextField
            name="since"
            label="Since"
            type="datetime-local"
            value={localInput(new Date(Date.now() - DAY_MS))}
            isRequired
          />
        </FormDialog>
      )}
    </>
  )
}

type ItemProps = { attempt: AttemptRow; isNewest: boolean; onResend: () => void }

function AttemptItem({ attempt, isNewest, onResend }: ItemProps) {
  const { at, durationMs, kind, title, because, events, request, answer } = attempt
  const [isOpen, setOpen] = useState(false)
  return (
    <li class="attempt">
      <p class="attempt-head">
        <StatusMark {...attempt} />
        <strong class="foreign">{title}</strong>
        {KIND_LABELS[kind] && <span class="chip">{KIND_LABELS[kind]}</span>}
      </p>
      <p class="small soft channel-facts">
        <Time at={at} />
        <span class="numeric">{durationMs} ms</span>
        {events > 1 && <span class="numeric">{events} events</span>}
        {because && <span class="foreign">{because}</span>}
      </p>
      <p class="small">
        <Outcome attempt={attempt} isNewest={isNewest} />
      </p>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          Request and answer<span class="visually-hidden"> of {title}</span>
        </summary>
        {isOpen && (
          <div class="attempt-exchange">
            <LogView text={request} label="Request, secrets masked" isPlain />
            <LogView text={answer || 'The answer was empty.'} label="Answer" isPlain />
          </div>
        )}
      </details>
      {mayChange() && isNewest && kind !== 'test' && (
        <button type="button" class="button small" onClick={onResend}>
          Send again<span class="visually-hidden"> {title}</span>
        </button>
      )}
    </li>
  )
}

function Outcome({ attempt: { result, state, nextTryAt }, isNewest }: Omit<ItemProps, 'onResend'>) {
  if (result === 'sent') return <>Sent.</>
  if (!isNewest) return <>Not taken, and tried again later.</>
  if (state === 'open' && nextTryAt) {
    return (
      <>
        Not taken; it is tried again <Time at={nextTryAt} as="relative" />.
      </>
    )
  }
  return <>{result === 'permanent' ? 'Refused, and given up.' : 'Not taken, and given up.'}</>
}
