import { useEffect, useState } from 'preact/hooks'
import { Link, useSearch } from 'wouter-preact'
import { type Problem, send } from '../api/client.ts'
import { formatBytes } from '../parts/amount.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { QuarantineEntry } from './quarantine-entry.tsx'
import { Section } from './section.tsx'

/** A refused body, without the body. */
export type Refused = {
  id: string
  receivedAt: string
  path: string
  address: string
  contentType: string | null
  tokenName: string
  providers: string[]
  bytes: number
  problem: Problem
}
type Page = { items: Refused[]; nextCursor: string | null }

const ABOUT =
  'Bodies that a known sender sent and that could not be taken in. Nothing of them is lost: repair one, and it becomes the event that it was to be.'

/** Refused bodies; one of them, when the address names it. */
export function QuarantineSection() {
  const id = new URLSearchParams(useSearch()).get('id')
  return (
    <Section
      title="Quarantine"
      about={ABOUT}
      tools={
        id && (
          <Link class="button" href="/settings/quarantine">
            All refused bodies
          </Link>
        )
      }
    >
      {id ? <QuarantineEntry key={id} id={id} /> : <List />}
    </Section>
  )
}

function List() {
  const [rows, setRows] = useState<Refused[] | null>(null)
  const [cursor, setCursor] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const load = async (from: string | null) => {
    try {
      const page = await send<Page>(`/quarantine${from ? `?cursor=${encodeURIComponent(from)}` : ''}`)
      setRows((before) => (from ? [...(before ?? []), ...page.items] : page.items))
      setCursor(page.nextCursor)
      setError(null)
    } catch (failure) {
      setError(failure)
    }
  }
  useEffect(() => {
    load(null)
  }, [])
  return (
    <>
      {error !== null && <ProblemBox error={error} retry={() => load(cursor)} />}
      {!rows && error === null && <LoadingRows />}
      {rows?.length === 0 && <p class="empty card">Nothing is in quarantine.</p>}
      {rows && rows.length > 0 && (
        <ul class="card quarantine">
          {rows.map((row) => (
            <li key={row.id}>
              <Link href={`/settings/quarantine?id=${row.id}`}>
                <strong class="foreign">{row.problem.detail}</strong>
                <span class="soft small">
                  <Time at={row.receivedAt} as="relative" /> · <span class="foreign">{row.tokenName}</span> ·{' '}
                  <code class="foreign">
                    {row.address} {row.path}
                  </code>{' '}
                  · <span class="numeric">{formatBytes(row.bytes)}</span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {cursor && (
        <button type="button" class="button load-more" onClick={() => load(cursor)}>
          Load more
        </button>
      )}
    </>
  )
}
