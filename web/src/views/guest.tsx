import { useEffect, useState } from 'preact/hooks'
import { Link, useParams } from 'wouter-preact'
import { readGuestPath } from '../backups/address.ts'
import { type Backup, type Guest, guestLabel, loadGuests, loadHistory } from '../backups/data.ts'
import { History } from '../backups/history.tsx'
import { ParkDialog } from '../backups/park.tsx'
import { Plot } from '../backups/plot.tsx'
import { STATUSES } from '../backups/states.ts'
import { Badge } from '../parts/band.tsx'
import { useLoad } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { Time } from '../parts/time.tsx'
import { mayChange } from '../session.ts'
import '../parts/tables.css'
import '../backups/guest.css'

/** One guest: what is known of it, and every backup of it that was reported. */
export function GuestView() {
  const { cluster, vmid } = readGuestPath(useParams())
  const guests = useLoad(loadGuests, [cluster, vmid])
  const history = useHistory(cluster, vmid)
  const [isParking, setParking] = useState(false)
  const guest = guests.value?.find((one) => one.cluster === cluster && one.vmid === vmid)
  const title = guest ? guestLabel(guest) : vmid
  useEffect(() => {
    document.title = `${title} · Backups · Tempo`
  }, [title])

  return (
    <div class="guest">
      <nav class="small" aria-label="Where this is">
        <Link href="/backups">Backups</Link> <span class="soft">/ {cluster || 'no cluster'}</span>
      </nav>
      <header class="page-head">
        <h1 class="foreign">{title}</h1>
        <div class="guest-tools">
          <Link class="button" href={`/?state=all&vmid=${encodeURIComponent(vmid)}`}>
            On the timeline
          </Link>
          {guest && mayChange() && (
            <button type="button" class="button" onClick={() => setParking(true)}>
              {guest.parked ? 'Unpark' : 'Park'}
            </button>
          )}
        </div>
      </header>
      {guests.error !== null && <ProblemBox error={guests.error} retry={guests.reload} />}
      {guests.value && !guest && <p class="soft">No report has told of such a guest.</p>}
      {guest && <Facts guest={guest} />}
      {history.error !== null && <ProblemBox error={history.error} retry={history.more} />}
      {!history.backups && history.error === null && <LoadingRows />}
      {history.backups && history.backups.length > 0 && (
        <>
          <div class="guest-plots">
            <Plot title="Duration" backups={history.backups} measure="durationSeconds" />
            <Plot title="Size" backups={history.backups} measure="sizeBytes" />
          </div>
          <h2>History</h2>
          <History backups={history.backups} />
          {history.cursor && (
            <button type="button" class="button guest-more" onClick={history.more}>
              Earlier backups
            </button>
          )}
        </>
      )}
      {history.backups?.length === 0 && guest && (
        <p class="empty">The backups of this guest are not kept any more.</p>
      )}
      {isParking && guest && (
        <ParkDialog guest={guest} onDone={guests.reload} onClose={() => setParking(false)} />
      )}
    </div>
  )
}

function useHistory(cluster: string, vmid: string) {
  const [backups, setBackups] = useState<Backup[] | null>(null)
  const [cursor, setCursor] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const load = async (from: string | null, before: Backup[]) => {
    try {
      const page = await loadHistory(cluster, vmid, from)
      setBackups([...before, ...page.items])
      setCursor(page.nextCursor)
      setError(null)
    } catch (failure) {
      setError(failure)
    }
  }
  useEffect(() => {
    setBackups(null)
    setCursor(null)
    load(null, [])
  }, [cluster, vmid])
  return { backups, cursor, error, more: () => load(cursor, backups ?? []) }
}

function Facts({ guest }: { guest: Guest }) {
  const { lastStatus, lastSuccessAt, lastSeenAt, firstSeenAt, node, cluster, parked } = guest
  return (
    <>
      {parked && (
        <p class="guest-parked">
          <strong>Parked</strong>: <span class="foreign">{parked.reason}</span>{' '}
          <span class="soft small">
            by <span class="foreign">{parked.by}</span> since <Time at={parked.from} />
            {parked.to ? (
              <>
                , until <Time at={parked.to} />
              </>
            ) : (
              ', until it is unparked'
            )}
          </span>
        </p>
      )}
      <dl class="guest-facts card">
        <div>
          <dt>Last backup</dt>
          <dd>{lastStatus ? <Badge {...STATUSES[lastStatus]} /> : '–'}</dd>
        </div>
        <div>
          <dt>Last good backup</dt>
          <dd>{lastSuccessAt ? <Time at={lastSuccessAt} as="relative" /> : 'never'}</dd>
        </div>
        <div>
          <dt>Node</dt>
          <dd class="mono foreign">{node ?? '–'}</dd>
        </div>
        <div>
          <dt>Cluster</dt>
          <dd class="foreign">{cluster || '–'}</dd>
        </div>
        <div>
          <dt>Last heard of</dt>
          <dd>
            <Time at={lastSeenAt} as="relative" />
          </dd>
        </div>
        <div>
          <dt>First heard of</dt>
          <dd>
            <Time at={firstSeenAt} />
          </dd>
        </div>
      </dl>
    </>
  )
}
