import { useEffect, useMemo, useState } from 'preact/hooks'
import { Link, useLocation, useSearch } from 'wouter-preact'
import { isInTrouble, isWanted, readGridFilter, writeGridFilter } from '../backups/address.ts'
import { type CoveredGuest, loadCoverage } from '../backups/data.ts'
import { ExpectationsSection } from '../backups/expectations.tsx'
import { Grid } from '../backups/grid.tsx'
import { GridTools } from '../backups/grid-tools.tsx'
import { ParkDialog } from '../backups/park.tsx'
import { useLoad, usePolling } from '../parts/loading.ts'
import { LoadingRows } from '../parts/loading-rows.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { mayChange } from '../session.ts'
import '../parts/tables.css'
import '../backups/backups.css'

const REFRESH_MS = 60_000

/** Which guest has a backup of which day, and what is expected next. */
export function BackupsView() {
  const search = useSearch()
  const [, navigate] = useLocation()
  const filter = useMemo(() => readGridFilter(search), [search])
  const { value, error, reload } = useLoad(() => loadCoverage(filter.days), [filter.days])
  const [parking, setParking] = useState<CoveredGuest | null>(null)
  usePolling(reload, REFRESH_MS)
  useEffect(() => {
    document.title = 'Backups · Tempo'
  }, [])

  const guests = value?.guests
  const wanted = useMemo(() => guests?.filter((guest) => isWanted(guest, filter)) ?? [], [guests, filter])
  const counts = useMemo(
    () =>
      guests
        ? {
            '': guests.length,
            trouble: guests.filter(isInTrouble).length,
            parked: guests.filter(({ parked }) => parked).length,
          }
        : null,
    [guests],
  )

  return (
    <div class="backups">
      <header class="page-head">
        <h1>Backups</h1>
        {counts && counts[''] > 0 && (
          <p class="soft small" role="status">
            {counts.trouble === 0
              ? 'The latest backup of every guest was good.'
              : `${counts.trouble} of ${counts['']} guests had no good backup last time.`}
          </p>
        )}
      </header>
      {error !== null && <ProblemBox error={error} retry={reload} />}
      {!value && error === null && <LoadingRows count={8} height="2.6rem" />}
      {guests?.length === 0 && <NoGuests />}
      {value && guests && guests.length > 0 && (
        <>
          <GridTools
            filter={filter}
            counts={counts}
            onChange={(next) => navigate(`/backups${writeGridFilter(next)}`, { replace: true })}
          />
          {wanted.length === 0 ? (
            <div class="empty">
              <p>No guest matches.</p>
              <Link class="button" href={`/backups${writeGridFilter({ ...filter, words: '', wanted: '' })}`}>
                Show all
              </Link>
            </div>
          ) : (
            <Grid days={value.days} guests={wanted} onPark={mayChange() ? setParking : null} />
          )}
        </>
      )}
      <ExpectationsSection />
      {parking && <ParkDialog guest={parking} onDone={reload} onClose={() => setParking(null)} />}
    </div>
  )
}

function NoGuests() {
  return (
    <div class="empty card">
      <h2>No backup was reported yet</h2>
      <p>When a backup job of Proxmox ends, its report tells of every guest, and they are listed here.</p>
      <Link class="button button-primary" href="/settings/connect">
        Connect Proxmox
      </Link>
    </div>
  )
}
