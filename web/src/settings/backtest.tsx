import { useEffect, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { send } from '../api/client.ts'
import { Badge, type BandName } from '../parts/band.tsx'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'

type Judgement = { severity: BandName; label: string; key: string | null }
type Change = {
  eventId: string
  stackId: string
  title: string
  startDate: string
  changes: ('severity' | 'label' | 'stack')[]
  before: Judgement
  after: Judgement
}
type Page = { items: Change[]; scanned: number; unreadable: number; nextCursor: string | null }

const DAYS = [7, 30, 90] as const
const count = new Intl.NumberFormat()

/** What an edited score would have done to the events of the last days. */
export function Backtest({ source, provider }: { source: string; provider: string }) {
  const [days, setDays] = useState<number>(7)
  const [found, setFound] = useState<Page | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const look = async (before: Page | null) => {
    setBusy(true)
    const cursor = before?.nextCursor ? `&cursor=${encodeURIComponent(before.nextCursor)}` : ''
    try {
      const page = await send<Page>(
        `/scores/${encodeURIComponent(provider)}/backtest?days=${days}&limit=50${cursor}`,
        { method: 'POST', body: source },
      )
      setError(null)
      setFound({
        items: [...(before?.items ?? []), ...page.items],
        scanned: (before?.scanned ?? 0) + page.scanned,
        unreadable: (before?.unreadable ?? 0) + page.unreadable,
        nextCursor: page.nextCursor,
      })
    } catch (failure) {
      setError(failure)
    }
    setBusy(false)
  }
  useEffect(() => {
    setFound(null)
    look(null)
  }, [source, provider, days])

  return (
    <section class="backtest" aria-label="Tried on the past">
      <header class="section-head">
        <div>
          <h3>Tried on the past</h3>
          <p class="soft small" role="status">
            {found ? summary(found) : 'Looking …'}
          </p>
        </div>
        <label class="section-tools">
          <span class="visually-hidden">Days</span>
          <select
            class="select"
            value={days}
            onChange={(event) => setDays(Number(event.currentTarget.value))}
          >
            {DAYS.map((one) => (
              <option key={one} value={one}>
                Last {one} days
              </option>
            ))}
          </select>
        </label>
      </header>
      {error !== null && <ProblemBox error={error} retry={() => look(found)} />}
      {!found && error === null && <LoadingRows count={3} />}
      {found && found.items.length > 0 && (
        <div class="card table-scroll">
          <table class="table table-cards">
            <thead>
              <tr>
                <th scope="col">Event</th>
                <th scope="col">Was</th>
                <th scope="col">Would be</th>
              </tr>
            </thead>
            <tbody>
              {found.items.map((change) => (
                <tr key={change.eventId}>
                  <th scope="row">
                    <Link class="foreign" href={`/?state=all&stack=${change.stackId}`}>
                      {change.title}
                    </Link>
                    <br />
                    <span class="soft small">
                      <Time at={change.startDate} />
                    </span>
                  </th>
                  <td data-label="Was">
                    <JudgementText judgement={change.before} withStack={change.changes.includes('stack')} />
                  </td>
                  <td data-label="Would be">
                    <JudgementText judgement={change.after} withStack={change.changes.includes('stack')} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found?.nextCursor && (
        <button type="button" class="button load-more" disabled={isBusy} onClick={() => look(found)}>
          Look further back
        </button>
      )}
    </section>
  )
}

function JudgementText({ judgement, withStack }: { judgement: Judgement; withStack: boolean }) {
  return (
    <span>
      <Badge band={judgement.severity} label={judgement.label} />
      {withStack && (
        <>
          <br />
          <span class="small soft">
            stack <code class="foreign">{judgement.key ?? 'of its own'}</code>
          </span>
        </>
      )}
    </span>
  )
}

function summary({ items, scanned, unreadable, nextCursor }: Page): string {
  const changed =
    items.length === 0 ? 'nothing changes' : `${items.length} ${items.length === 1 ? 'changes' : 'change'}`
  const missed = unreadable > 0 ? `, ${count.format(unreadable)} could not be read` : ''
  return `${count.format(scanned)} events looked at: ${changed}${missed}${nextCursor ? ', and there is more' : ''}.`
}
