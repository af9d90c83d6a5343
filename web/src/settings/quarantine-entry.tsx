import { useEffect, useState } from 'preact/hooks'
import { useLocation } from 'wouter-preact'
import { explain, type Problem, send } from '../api/client.ts'
import { CopyButton } from '../parts/copy.tsx'
import { FormDialog } from '../parts/dialog.tsx'
import { Editor } from '../parts/editor.tsx'
import { useLoad } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { toast } from '../parts/toasts.tsx'
import { mayChange } from '../session.ts'
import type { Refused } from './quarantine.tsx'

type Accepted = { stackId: string; title: string; warnings: string[] }

/** One refused body, with what is wrong with it marked, to be repaired or discarded. */
export function QuarantineEntry({ id }: { id: string }) {
  const [, navigate] = useLocation()
  const path = `/quarantine/${encodeURIComponent(id)}`
  const { value, error, reload } = useLoad(() => send<Refused & { body: string }>(path), [id])
  const [text, setText] = useState<string | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [isDiscarding, setDiscarding] = useState(false)
  useEffect(() => {
    if (!value) return
    setText((before) => before ?? value.body)
    setProblem((before) => before ?? value.problem)
  }, [value])

  const ingest = async () => {
    setBusy(true)
    try {
      const stored = await send<Accepted>(`${path}/ingest`, { method: 'POST', body: text! })
      toast(`Stored: ${stored.title}`, {
        label: 'Show',
        run: () => navigate(`/?state=all&stack=${stored.stackId}`),
      })
      navigate('/settings/quarantine')
    } catch (failure) {
      setProblem(explain(failure))
      setBusy(false)
    }
  }
  const discard = async () => {
    await send(path, { method: 'DELETE' })
    toast('Discarded')
    navigate('/settings/quarantine')
  }

  if (error !== null) {
    if (explain(error).status !== 404) return <ProblemBox error={error} retry={reload} />
    return <p class="empty card">This body is not in quarantine any more: repaired, discarded, or too old.</p>
  }
  if (!value || text === null || !problem) return <LoadingRows />
  const canChange = mayChange()
  const isChanged = text !== value.body
  return (
    <div class="quarantine-entry">
      <p class="small soft">
        Came <Time at={value.receivedAt} /> from <code class="foreign">{value.address}</code> with the token{' '}
        <span class="foreign">{value.tokenName}</span>, to <code class="foreign">{value.path}</code>
        {value.contentType && (
          <>
            , as <code class="foreign">{value.contentType}</code>
          </>
        )}
        .
      </p>
      <Wrong problem={problem} />
      <Editor
        label="Body"
        value={text}
        onInput={setText}
        isReadOnly={!canChange}
        marks={problem.line ? [{ line: problem.line, column: problem.column ?? 1 }] : []}
      />
      <div class="form-tools">
        {canChange && (
          <>
            <button type="button" class="button button-primary" disabled={isBusy} onClick={ingest}>
              {isChanged ? 'Ingest repaired body' : 'Try it again as it is'}
            </button>
            {isChanged && (
              <button type="button" class="button" onClick={() => setText(value.body)}>
                Undo my changes
              </button>
            )}
            <button type="button" class="button button-danger" onClick={() => setDiscarding(true)}>
              Discard
            </button>
          </>
        )}
        <CopyButton text={text} label="Copy the body" />
      </div>
      {isDiscarding && (
        <FormDialog
          title="Discard this body?"
          action="Discard for good"
          isDangerous
          onSubmit={discard}
          onClose={() => setDiscarding(false)}
        >
          <p>The event that it was to be will never be on the timeline.</p>
        </FormDialog>
      )}
    </div>
  )
}

function Wrong({ problem }: { problem: Problem }) {
  return (
    <div class="problem" role="alert">
      <strong class="foreign">{problem.detail}</strong>
      {problem.errors && problem.errors.length > 1 && (
        <ul>
          {problem.errors.map(({ path, message }) => (
            <li class="foreign small" key={path + message}>
              <code>{path || 'body'}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {problem.excerpt && <pre class="code foreign">{problem.excerpt}</pre>}
      {problem.hint && <span class="foreign small">{problem.hint}</span>}
    </div>
  )
}
