import { useState } from 'preact/hooks'
import { backupApi } from '../api/client.ts'
import { FormDialog } from '../parts/dialog.tsx'
import { useLoad } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { toast } from '../parts/toasts.tsx'
import { mayChange } from '../session.ts'
import { type Expectations, loadExpectations } from './data.ts'

const moment = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' })

type Job = {
  cluster: string
  jobId: string
  runs: Expectations['expected']
  rhythm: Expectations['rhythms'][number] | null
}

/** Which jobs are awaited when, and by whose word. */
export function ExpectationsSection() {
  const { value, error, reload } = useLoad(loadExpectations, [])
  const [edited, setEdited] = useState<Job | null>(null)
  const canChange = mayChange()
  const jobs = value ? jobsOf(value) : []
  return (
    <section class="expectations" aria-labelledby="expected">
      <h2 id="expected">Expected next</h2>
      <p class="soft small">
        When a job has run a few times, its rhythm is known, and a run that does not come is said on the
        timeline. A rhythm set by hand goes before.
      </p>
      {error !== null && <ProblemBox error={error} retry={reload} />}
      {!value && error === null && <LoadingRows count={2} />}
      {value && jobs.length === 0 && (
        <p class="soft">No job is known well enough yet: it takes two runs of the same one.</p>
      )}
      {jobs.length > 0 && (
        <div class="card table-scroll">
          <table class="table table-cards">
            <thead>
              <tr>
                <th scope="col">Job</th>
                <th scope="col">Cluster</th>
                <th scope="col">Next run</th>
                <th scope="col">Rhythm</th>
                {canChange && (
                  <th scope="col">
                    <span class="visually-hidden">Change</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {jobs.map((job) => (
                <tr key={`${job.jobId} ${job.cluster}`}>
                  <th scope="row" class="mono foreign">
                    {job.jobId}
                  </th>
                  <td class="foreign" data-label="Cluster">
                    {job.cluster || '–'}
                  </td>
                  <td data-label="Next run">
                    <Runs runs={job.runs} />
                  </td>
                  <td data-label="Rhythm">
                    <RhythmText job={job} />
                  </td>
                  {canChange && (
                    <td class="cell-end">
                      <button type="button" class="button small" onClick={() => setEdited(job)}>
                        Set rhythm<span class="visually-hidden"> of {job.jobId}</span>
                      </button>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {edited && <RhythmDialog job={edited} onDone={reload} onClose={() => setEdited(null)} />}
    </section>
  )
}

function Runs({ runs }: { runs: Job['runs'] }) {
  if (runs.length === 0) return <span class="soft">not known yet</span>
  return (
    <ul>
      {runs.map(({ node, at, deadline }) => (
        <li key={node}>
          <span class="mono foreign">{node}</span> <Time at={at} as="relative" />
          <br />
          <span class="soft small numeric">
            {moment.format(new Date(at))}, late from {moment.format(new Date(deadline))}
          </span>
        </li>
      ))}
    </ul>
  )
}

function RhythmText({ job: { rhythm } }: { job: Job }) {
  if (!rhythm) return <span class="soft">learnt</span>
  return (
    <span>
      <code class="foreign">{rhythm.rhythm}</code>
      <br />
      <span class="soft small">
        set by <span class="foreign">{rhythm.by}</span>, <Time at={rhythm.updatedAt} as="relative" />
      </span>
    </span>
  )
}

type RhythmProps = { job: Job; onDone: () => void; onClose: () => void }

function RhythmDialog({ job: { cluster, jobId, rhythm }, onDone, onClose }: RhythmProps) {
  const put = async (wanted: string | null) => {
    await backupApi.expectations.$put({ json: { cluster, jobId, rhythm: wanted } })
    toast(wanted ? 'The rhythm is set' : 'The rhythm is learnt again')
    onDone()
  }
  return (
    <FormDialog
      title={`Rhythm of ${jobId}`}
      action="Save"
      onSubmit={(data) => put(String(data.get('rhythm')).trim() || null)}
      onClose={onClose}
    >
      <label class="field">
        <span>A run is expected</span>
        <input
          class="input mono"
          name="rhythm"
          defaultValue={rhythm?.rhythm ?? ''}
          placeholder="every 24h grace 3h"
          maxLength={100}
          autofocus
          aria-describedby="rhythm-help"
        />
      </label>
      <p class="small soft" id="rhythm-help">
        Like <code>every 24h grace 3h</code>: a run each 24 hours, late after 3 more. With <code>m</code>,{' '}
        <code>h</code>, <code>d</code> or <code>w</code>. Empty: it is learnt from the runs that come.
      </p>
    </FormDialog>
  )
}

/** What is expected, and what was set by hand for jobs of which nothing is expected yet. */
function jobsOf({ expected, rhythms }: Expectations): Job[] {
  const jobs = new Map<string, Job>()
  const jobOf = ({ cluster, jobId }: { cluster: string; jobId: string }) => {
    const key = `${jobId} ${cluster}`
    const job = jobs.get(key) ?? { cluster, jobId, runs: [], rhythm: null }
    jobs.set(key, job)
    return job
  }
  for (const run of expected) jobOf(run).runs.push(run)
  for (const rhythm of rhythms) jobOf(rhythm).rhythm = rhythm
  return [...jobs.values()]
}
