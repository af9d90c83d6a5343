import { useSignal } from '@preact/signals'
import { Fragment } from 'preact'
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { Time } from '../parts/time.tsx'
import { guestPath } from './address.ts'
import { Chunk } from './chunk.tsx'
import { type CoveredGuest, guestLabel } from './data.ts'
import { Legend } from './legend.tsx'
import { STATES } from './states.ts'

type GridProps = {
  days: string[]
  guests: CoveredGuest[]
  /** Null: this session may only look. */
  onPark: ((guest: CoveredGuest) => void) | null
}

const ROW_REM = 2.75
const CHUNK = 25
/** Rows that are in the document all the time. */
const PLAIN_ROWS = 60
/** Days from which on only Mondays have a number. */
const MANY_DAYS = 45

const wholeDay = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
})
const month = new Intl.DateTimeFormat(undefined, { month: 'short', year: '2-digit' })
const dateOf = (day: string) => new Date(`${day}T12:00:00`)

/** A row for each guest, a cell for each day. */
export function Grid({ days, guests, onPark }: GridProps) {
  const scroll = useRef<HTMLElement>(null)
  const pointed = useSignal('')
  const clusters = useMemo(
    () => [...Map.groupBy(guests, ({ cluster }) => cluster)].map(([name, members]) => ({ name, members })),
    [guests],
  )
  const names = useMemo(() => days.map((day) => wholeDay.format(dateOf(day))), [days])
  const columns = days.length + (onPark ? 2 : 1)
  const order = useMemo(() => new Map(guests.map((guest) => [keyOf(guest), guest])), [guests])

  // The newest days are those that matter; on a narrow screen they are at the far end.
  useLayoutEffect(() => {
    const element = scroll.current
    if (element) element.scrollLeft = element.scrollWidth
  }, [days.length])

  const point = (event: PointerEvent) => {
    const cell = (event.target as Element).closest<HTMLTableCellElement>('td[data-s]')
    const guest = order.get(cell?.parentElement?.dataset.guest ?? '')
    const day = cell && names[cell.cellIndex - 1]
    if (!cell || !guest || !day) {
      pointed.value = ''
      return
    }
    const state = guest.days[cell.cellIndex - 1]!
    pointed.value = `${guestLabel(guest)}, ${day}: ${STATES[state].about}`
    cell.title ||= pointed.value
  }

  return (
    <>
      <Legend pointed={pointed} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach it */}
      <section class="grid-scroll card" ref={scroll} tabIndex={0} aria-label="Backups by guest and day">
        <table
          class="grid"
          data-many={days.length > MANY_DAYS}
          aria-rowcount={guests.length}
          onPointerOver={point}
          onPointerLeave={() => {
            pointed.value = ''
          }}
        >
          <colgroup>
            <col class="col-guest" />
            {days.map((day) => (
              <col class="col-day" key={day} />
            ))}
            {onPark && <col class="col-tools" />}
          </colgroup>
          <Head days={days} names={names} mayPark={onPark !== null} />
          {clusters.map(({ name, members }) => (
            <Fragment key={name}>
              <tbody>
                <tr>
                  <th scope="rowgroup" colSpan={columns} class="grid-cluster">
                    <span>
                      <span class="foreign">{name || 'No cluster'}</span>
                      <span class="soft numeric"> {members.length}</span>
                    </span>
                  </th>
                </tr>
              </tbody>
              {chunksOf(members).map((chunk) => (
                <Chunk
                  key={keyOf(chunk[0]!)}
                  root={scroll}
                  rows={chunk.length}
                  rowRem={ROW_REM}
                  columns={columns}
                  isAlways={guests.length <= PLAIN_ROWS}
                >
                  {() => chunk.map((guest) => <Row key={keyOf(guest)} guest={guest} onPark={onPark} />)}
                </Chunk>
              ))}
            </Fragment>
          ))}
        </table>
      </section>
    </>
  )
}

function Head({ days, names, mayPark }: { days: string[]; names: string[]; mayPark: boolean }) {
  const months = [...Map.groupBy(days, (day) => day.slice(0, 7))]
  const isMany = days.length > MANY_DAYS
  return (
    <thead class="grid-head">
      <tr>
        <th scope="col" rowSpan={2} class="grid-guest grid-corner">
          Guest
        </th>
        {months.map(([key, within]) => (
          <th scope="colgroup" key={key} colSpan={within.length} class="grid-month">
            {within.length > (isMany ? 3 : 1) && <span>{month.format(dateOf(within[0]!))}</span>}
          </th>
        ))}
        {mayPark && (
          <th scope="col" rowSpan={2} class="grid-tools grid-corner">
            <span class="visually-hidden">Park</span>
          </th>
        )}
      </tr>
      <tr>
        {days.map((day, index) => (
          <th
            scope="col"
            key={day}
            class="grid-day numeric"
            title={names[index]}
            data-today={index === days.length - 1}
          >
            <span class="visually-hidden">{names[index]}</span>
            {(!isMany || dateOf(day).getDay() === 1) && (
              <span aria-hidden="true">{Number(day.slice(8))}</span>
            )}
          </th>
        ))}
      </tr>
    </thead>
  )
}

function Row({ guest, onPark }: { guest: CoveredGuest; onPark: GridProps['onPark'] }) {
  const { cluster, vmid, name, days, lastSuccessAt, parked } = guest
  return (
    <tr data-guest={keyOf(guest)} data-parked={parked !== null}>
      <th scope="row" class="grid-guest">
        <Link href={guestPath(cluster, vmid)} class="grid-name foreign" title={guestLabel(guest)}>
          {name ?? vmid}
        </Link>
        <span class="grid-about small soft">
          {name && <span class="mono foreign">{vmid}</span>}
          {parked ? (
            <span class="parked foreign" title={parked.reason}>
              parked
            </span>
          ) : lastSuccessAt ? (
            <span>
              <span class="visually-hidden">last good backup </span>
              <Time at={lastSuccessAt} as="relative" />
            </span>
          ) : (
            <span>never good</span>
          )}
        </span>
      </th>
      {days.map((state, index) => (
        <td class="mark" data-s={state} key={index}>
          {STATES[state].text}
        </td>
      ))}
      {onPark && (
        <td class="grid-tools">
          <button type="button" class="button button-quiet small" onClick={() => onPark(guest)}>
            {parked ? 'Unpark' : 'Park'}
            <span class="visually-hidden"> {guestLabel(guest)}</span>
          </button>
        </td>
      )}
    </tr>
  )
}

function keyOf({ cluster, vmid }: { cluster: string; vmid: string }): string {
  return `${vmid} ${cluster}`
}

function chunksOf<T>(rows: T[]): T[][] {
  return Array.from({ length: Math.ceil(rows.length / CHUNK) }, (_, index) =>
    rows.slice(index * CHUNK, (index + 1) * CHUNK),
  )
}
