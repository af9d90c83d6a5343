import { useState } from 'preact/hooks'
import { BASE, deliveryApi, ProblemError, read } from '../api/client.ts'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'

type Condition = { key: string; expected: unknown; actual: string | null; held: boolean }
type Rule = {
  index: number
  matched: boolean
  severity: string
  label: string | null
  conditions: Condition[]
}
type Explanation = {
  score: { displayName: string; foundAs: string } | null
  severity: { winner: number | string; rules: Rule[] }
  outcome: { severity: string; label: string; key: string | null }
}

/** Why it has this severity and this stack, by the score now in force; asked for when it is opened. */
export function Why({ eventId }: { eventId: string }) {
  const [answer, setAnswer] = useState<Explanation | null>(null)
  const [error, setError] = useState<unknown>(null)
  const ask = async () => {
    if (answer) return
    try {
      setAnswer(await explain(eventId))
    } catch (failure) {
      setError(failure)
    }
  }
  return (
    <details onToggle={(event) => event.currentTarget.open && ask()}>
      <summary>Why this severity</summary>
      {error !== null && <ProblemBox error={error} />}
      {answer && (
        <div class="why">
          <p>
            {answer.score ? (
              <>
                Score <strong class="foreign">{answer.score.displayName}</strong> (
                <code>{answer.score.foundAs}</code>)
              </>
            ) : (
              'No score knows this provider'
            )}
            : {winner(answer)}, stack <code class="foreign">{answer.outcome.key ?? 'of its own'}</code>
          </p>
          <ol class="why-rules">
            {answer.severity.rules.map((rule) => (
              <li key={rule.index} data-winner={rule.index === answer.severity.winner}>
                <span>{rule.matched ? 'matches' : 'does not match'}</span>{' '}
                {rule.conditions.map((condition) => (
                  <code class="foreign" key={condition.key}>
                    {condition.key} {condition.held ? '=' : '≠'} {JSON.stringify(condition.expected)}{' '}
                  </code>
                ))}
                → {rule.severity}
              </li>
            ))}
          </ol>
        </div>
      )}
    </details>
  )
}

async function explain(eventId: string): Promise<Explanation> {
  const response = await fetch(new URL('api/v1/explain', BASE), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Tempo-Page': '1' },
    body: JSON.stringify({ eventId }),
  })
  const body = await response.json()
  if (!response.ok) throw new ProblemError(body)
  return body
}

function winner({ severity, outcome }: Explanation): string {
  const what = `${outcome.severity} “${outcome.label}”`
  if (typeof severity.winner === 'number') return `rule ${severity.winner + 1} says ${what}`
  if (severity.winner === 'sender') return `the sender says ${what}`
  return `no rule matches, so ${what}`
}

type DeliveryRow = {
  id: string
  receivedAt: string
  path: string
  address: string
  tokenName: string | null
  userAgent: string | null
  durationMs: number
  bytes: number | null
}

/** The request that it came with. */
export function Delivery({ eventId }: { eventId: string }) {
  const [rows, setRows] = useState<DeliveryRow[] | null>(null)
  const [error, setError] = useState<unknown>(null)
  const ask = () => {
    if (!rows)
      read(deliveryApi.deliveries.$get({ query: { eventId } })).then(({ items }) => setRows(items), setError)
  }
  return (
    <details onToggle={(event) => event.currentTarget.open && ask()}>
      <summary>How it came</summary>
      {error !== null && <ProblemBox error={error} />}
      {rows?.length === 0 && <p class="soft">The record of this delivery is not kept any more.</p>}
      {rows?.map((row) => (
        <dl class="facts" key={row.id}>
          <div>
            <dt>Arrived</dt>
            <dd>
              <Time at={row.receivedAt} />
            </dd>
          </div>
          <div>
            <dt>From</dt>
            <dd class="mono foreign">{row.address}</dd>
          </div>
          <div>
            <dt>Path</dt>
            <dd class="mono foreign">{row.path}</dd>
          </div>
          <div>
            <dt>Token</dt>
            <dd class="foreign">{row.tokenName ?? '–'}</dd>
          </div>
          <div>
            <dt>Sender</dt>
            <dd class="foreign">{row.userAgent ?? '–'}</dd>
          </div>
          <div>
            <dt>Took</dt>
            <dd class="numeric">
              {row.durationMs.toFixed(1)} ms, {row.bytes ?? 0} bytes
            </dd>
          </div>
        </dl>
      ))}
    </details>
  )
}
