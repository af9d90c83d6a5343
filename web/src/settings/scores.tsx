import { useState } from 'preact/hooks'
import { Link, useLocation, useSearch } from 'wouter-preact'
import { read, scoreApi } from '../api/client.ts'
import { FormDialog } from '../parts/dialog.tsx'
import { useLoad } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { toast } from '../parts/toasts.tsx'
import { mayChange } from '../session.ts'
import { ScoreEditor } from './score-editor.tsx'
import { Section } from './section.tsx'

function loadScores() {
  return read(scoreApi.scores.$get())
}
type Scores = Awaited<ReturnType<typeof loadScores>>
type ScoreRow = Scores['items'][number]

const ORIGINS = {
  bundled: { label: 'Bundled', about: 'comes with the server' },
  own: { label: 'Own file', about: 'a file of TEMPO_SCORES_DIR' },
  kept: { label: 'Saved here', about: 'saved in this page or through the API; goes before files' },
} as const

/** The scores in force; one of them, when the address names it. */
export function ScoresSection() {
  const { value, error, reload } = useLoad(loadScores, [])
  const [, navigate] = useLocation()
  const query = new URLSearchParams(useSearch())
  const provider = query.get('provider')
  const isNew = query.has('new')
  const [removing, setRemoving] = useState<ScoreRow | null>(null)
  const canChange = mayChange()
  const isEditing = provider !== null || isNew
  const remove = async (score: ScoreRow) => {
    await scoreApi.scores[':provider'].$delete({ param: { provider: score.provider } })
    toast(`The saved score of ${score.provider} is removed`)
    await reload()
    navigate('/settings/scores')
  }
  const shown = value?.items.find((score) => score.provider === provider)
  return (
    <Section
      title="Scores"
      about="A score says how the events of one provider are judged, stacked and shown. A change counts for what arrives from then on."
      tools={
        isEditing ? (
          <Link class="button" href="/settings/scores">
            All scores
          </Link>
        ) : (
          canChange && (
            <Link class="button button-primary" href="/settings/scores?new">
              New score
            </Link>
          )
        )
      }
    >
      {error !== null && <ProblemBox error={error} retry={reload} />}
      {!value && error === null && <LoadingRows />}
      {value && !isEditing && (
        <>
          <Problems problems={value.problems} />
          <ScoreTable scores={value.items} onRemove={canChange ? setRemoving : null} />
        </>
      )}
      {value && isEditing && (
        <ScoreEditor
          key={provider ?? ''}
          provider={provider}
          origin={shown ? ORIGINS[shown.origin].label : null}
          onSaved={async (saved) => {
            await reload()
            navigate(`/settings/scores?provider=${encodeURIComponent(saved)}`, { replace: true })
          }}
          onRemove={canChange && shown?.origin === 'kept' ? () => setRemoving(shown) : null}
        />
      )}
      {removing && (
        <FormDialog
          title={`Remove the saved score of ${removing.provider}?`}
          action="Remove"
          isDangerous
          onSubmit={() => remove(removing)}
          onClose={() => setRemoving(null)}
        >
          <p>If there is a file of the same provider, it is in force again.</p>
        </FormDialog>
      )}
    </Section>
  )
}

type TableProps = { scores: ScoreRow[]; onRemove: ((score: ScoreRow) => void) | null }

function ScoreTable({ scores, onRemove }: TableProps) {
  return (
    <div class="card table-scroll">
      <table class="table table-cards">
        <thead>
          <tr>
            <th scope="col">Score</th>
            <th scope="col">From</th>
            <th scope="col">Rules</th>
            <th scope="col">
              <span class="visually-hidden">Open</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {scores.map((score) => (
            <tr key={score.provider}>
              <th scope="row">
                <span class="source-name">
                  <span class="swatch" style={{ background: score.color }} aria-hidden="true" />
                  <span class="foreign">{score.displayName}</span>
                </span>
                <code class="soft small foreign">{score.provider}</code>
              </th>
              <td data-label="From">
                <span class="chip" title={ORIGINS[score.origin].about}>
                  {ORIGINS[score.origin].label}
                </span>
              </td>
              <td data-label="Rules" class="numeric">
                {score.rules}
              </td>
              <td class="cell-end">
                <span class="cell-tools">
                  {onRemove && score.origin === 'kept' && (
                    <button type="button" class="button button-danger small" onClick={() => onRemove(score)}>
                      Remove<span class="visually-hidden"> {score.provider}</span>
                    </button>
                  )}
                  <Link
                    class="button small"
                    href={`/settings/scores?provider=${encodeURIComponent(score.provider)}`}
                  >
                    {onRemove ? 'Edit' : 'View'}
                    <span class="visually-hidden"> {score.provider}</span>
                  </Link>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Files that are not in force, because of what is wrong in them. */
function Problems({ problems }: { problems: Scores['problems'] }) {
  if (problems.length === 0) return null
  return (
    <div class="problem" role="alert">
      <strong>{problems.length === 1 ? 'One score has' : `${problems.length} scores have`} problems</strong>
      {problems.map((one) => (
        <div key={one.file}>
          <code class="foreign">{one.file}</code>
          <ul class="problem-list">
            {one.problems.map(({ path, message, meant, line, column }) => (
              <li class="small foreign" key={`${path} ${message}`}>
                {line && (
                  <span class="numeric soft">
                    {line}:{column}{' '}
                  </span>
                )}
                <code>{path || 'file'}</code> {message}
                {meant && (
                  <>
                    {' '}
                    (meant: <code>{meant}</code>?)
                  </>
                )}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  )
}
