import { Link, useSearch } from 'wouter-preact'
import { formatBytes } from '../parts/amount.ts'
import { useEndless } from '../parts/endless.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Segments } from '../parts/segments.tsx'
import { Time } from '../parts/time.tsx'
import { OpenEvent } from './open-event.tsx'
import { type DeliveryQuery, type DeliveryRow, loadDeliveries, reasonText } from './reasons.ts'
import { Section } from './section.tsx'

const REFRESH_MS = 3_000
const WANTED = [
  { label: 'All', href: '/settings/deliveries', accepted: null },
  { label: 'Accepted', href: '/settings/deliveries?accepted=true', accepted: 'true' },
  { label: 'Refused', href: '/settings/deliveries?accepted=false', accepted: 'false' },
] as const

/** Every attempt to deliver, as it happens. */
export function DeliveriesSection() {
  const search = useSearch()
  const asked = new URLSearchParams(search).get('accepted')
  const wanted = WANTED.find(({ accepted }) => accepted === asked)?.accepted ?? null
  return (
    <Section
      title="Deliveries"
      about="Every attempt to deliver an event, accepted or refused, as it happens. Refused ones of strangers are kept apart, and cannot push out the others."
      tools={
        <Segments
          label="Which"
          items={WANTED.map(({ label, href, accepted }) => ({ label, href, isHere: accepted === wanted }))}
        />
      }
    >
      <Deliveries key={wanted ?? 'all'} query={wanted ? { accepted: wanted } : {}} />
    </Section>
  )
}

function Deliveries({ query }: { query: DeliveryQuery }) {
  const ask = (cursor: string | null) => loadDeliveries({ ...query, ...(cursor && { cursor }) })
  const { rows, error, refresh, more } = useEndless<DeliveryRow>(ask, REFRESH_MS)
  return (
    <>
      {error !== null && <ProblemBox error={error} retry={refresh} />}
      {!rows && error === null && <LoadingRows />}
      {rows?.length === 0 && (
        <p class="empty card">
          {query.accepted === 'false' ? 'Nothing was refused.' : 'Nothing was delivered yet.'}
        </p>
      )}
      {rows && rows.length > 0 && (
        <div class="card table-scroll">
          <table class="table table-cards">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">What became of it</th>
                <th scope="col">From</th>
                <th scope="col">Took</th>
                <th scope="col">
                  <span class="visually-hidden">More</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Row key={row.id} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more && (
        <button type="button" class="button load-more" onClick={more}>
          Load more
        </button>
      )}
    </>
  )
}

function Row({ row }: { row: DeliveryRow }) {
  const isGood = row.status < 300
  return (
    <tr>
      <th scope="row" class="delivery-when">
        <Time at={row.receivedAt} />
      </th>
      <td data-label="Result">
        <span>
          <span class="status numeric" data-good={isGood}>
            <span aria-hidden="true">{isGood ? '✓' : '✕'}</span> {row.status}
          </span>{' '}
          {reasonText(row)}
          {row.provider && (
            <>
              {' '}
              <code class="soft small foreign">{row.provider}</code>
            </>
          )}
        </span>
      </td>
      <td data-label="From">
        <span>
          <span class="foreign">{row.tokenName ?? <span class="soft">no good token</span>}</span>
          <br />
          <code class="soft small foreign" title={row.userAgent ?? undefined}>
            {row.address} {row.path}
          </code>
        </span>
      </td>
      <td data-label="Took" class="numeric small">
        <span>
          <span class="amount">{row.durationMs.toFixed(1)} ms</span>{' '}
          {row.bytes !== null && <span class="amount soft">{formatBytes(row.bytes)}</span>}
        </span>
      </td>
      <td class="cell-end">
        {row.eventId && isGood && <OpenEvent eventId={row.eventId} label="Open" />}
        {row.quarantineId && (
          <Link class="button small" href={`/settings/quarantine?id=${row.quarantineId}`}>
            Body
          </Link>
        )}
      </td>
    </tr>
  )
}
