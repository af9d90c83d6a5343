import { useEffect, useState } from 'preact/hooks'
import { explain, type Problem, ProblemError, send } from '../api/client.ts'
import { CopyButton } from '../parts/copy.tsx'
import { Editor, type Mark } from '../parts/editor.tsx'
import { useLoad } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { toast } from '../parts/toasts.tsx'
import { mayChange } from '../session.ts'
import { Backtest } from './backtest.tsx'
import { compactJson } from './compact-json.ts'

type EditorProps = {
  /** Null: a new one. */
  provider: string | null
  origin: string | null
  onSaved: (provider: string) => void
  /** Null: there is nothing to remove. */
  onRemove: (() => void) | null
}
type Score = { providerIdentifier: string }

const BEGINNING = `{
  "providerIdentifier": "scripts.example",
  "displayName": "Example",
  "color": "#4C6EF5",
  "severityDefault": { "severity": "info", "label": "Info" },
  "severityRules": [
    { "match": { "severity": "error" }, "severity": "error", "label": "Failed" }
  ],
  "grouping": "\${metadata.NodeName}",
  "groupingWindow": "1d"
}
`

/** A score as text: checked, tried on the past, saved. */
export function ScoreEditor({ provider, origin, onSaved, onRemove }: EditorProps) {
  const { value, error, reload } = useLoad(() => sourceOf(provider), [provider])
  const [text, setText] = useState<string | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [tested, setTested] = useState<{ source: string; provider: string } | null>(null)
  const [isBusy, setBusy] = useState(false)
  useEffect(() => {
    if (value !== null) setText((before) => before ?? value)
  }, [value])

  /** Runs it unless the score has problems, which are shown. */
  const checked = async (isDry: boolean, then: (score: Score) => void) => {
    setBusy(true)
    try {
      const score = await send<Score>(`/scores?dryRun=${isDry}`, { method: 'POST', body: text! })
      setProblem(null)
      then(score)
    } catch (failure) {
      setProblem(explain(failure))
    }
    setBusy(false)
  }
  if (error !== null) return <ProblemBox error={error} retry={reload} />
  if (text === null) return <LoadingRows />
  const canChange = mayChange()
  const save = () =>
    checked(false, ({ providerIdentifier }) => {
      toast(`${providerIdentifier} is saved, and in force`)
      onSaved(providerIdentifier)
    })
  return (
    <div class="score-editor">
      <p class="small soft">
        {provider ? <code class="foreign">{provider}</code> : 'A new score'}
        {origin && <span>, {origin.toLowerCase()}</span>}
        {origin &&
          origin !== 'Saved here' &&
          canChange &&
          '. What you save goes before it; the file stays as it is.'}
      </p>
      <Editor
        label="Score"
        value={text}
        onInput={(next) => {
          setText(next)
          setTested(null)
        }}
        isReadOnly={!canChange}
        marks={marksOf(problem)}
        rows={16}
      />
      {problem && <ScoreProblem problem={problem} />}
      <div class="form-tools">
        {canChange && (
          <>
            <button type="button" class="button button-primary" disabled={isBusy} onClick={save}>
              Save
            </button>
            <button
              type="button"
              class="button"
              disabled={isBusy}
              onClick={() => checked(true, () => toast('No problems found'))}
            >
              Check
            </button>
            <button
              type="button"
              class="button"
              disabled={isBusy}
              onClick={() =>
                checked(true, ({ providerIdentifier }) =>
                  setTested({ source: text, provider: providerIdentifier }),
                )
              }
            >
              Try it on the past
            </button>
            {text !== value && (
              <button type="button" class="button button-quiet" onClick={() => setText(value)}>
                Undo my changes
              </button>
            )}
          </>
        )}
        <CopyButton text={text} />
        {onRemove && (
          <button type="button" class="button button-danger" onClick={onRemove}>
            Remove
          </button>
        )}
      </div>
      {tested && <Backtest {...tested} />}
    </div>
  )
}

async function sourceOf(provider: string | null): Promise<string> {
  if (provider === null) return BEGINNING
  const score = await send<unknown>(`/scores/${encodeURIComponent(provider)}`)
  return `${compactJson(score)}\n`
}

/** The server says where in the text of each problem. */
function marksOf(problem: Problem | null): Mark[] {
  return (problem?.errors ?? []).flatMap(({ message }) => {
    const [, line, column] = /at line (\d+), column (\d+)$/.exec(message) ?? []
    return line ? [{ line: Number(line), column: Number(column) }] : []
  })
}

function ScoreProblem({ problem }: { problem: Problem }) {
  if (!problem.errors?.length) return <ProblemBox error={new ProblemError(problem)} />
  return (
    <div class="problem" role="alert">
      <strong>{problem.title}</strong>
      <ul class="problem-list">
        {problem.errors.map(({ path, message }) => (
          <li class="foreign small" key={path + message}>
            <code>{path || 'file'}</code> {message}
          </li>
        ))}
      </ul>
    </div>
  )
}
