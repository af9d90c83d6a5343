import { useEffect, useState } from 'preact/hooks'
import { overviewApi, read } from '../api/client.ts'
import type { BandName } from '../parts/band.tsx'
import { dayOf } from './filters.ts'

type Cell = { start: string; count: number; band: BandName; severity: string }
type HeatProps = { provider: string; day: string; onDay: (day: string) => void; version: number }

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone
const DAY_MS = 86_400_000
/** Height of a bar in parts of the strip: worse is higher, so that hue is not needed to tell. */
const HEIGHT: Record<string, number> = { ok: 0.3, info: 0.3, warning: 0.55, error: 0.78, critical: 1 }
const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const date = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' })

/** The 24 hours of the chosen day, and a year of days, by their worst band. */
export function HeatStrip({ provider, day, onDay, version }: HeatProps) {
  const [hours, setHours] = useState<Cell[]>([])
  const [year, setYear] = useState<Cell[]>([])
  const shownDay = day || dayOf(Date.now())
  const from = new Date(`${shownDay}T00:00:00`)
  const to = new Date(from)
  to.setDate(to.getDate() + 1)

  useEffect(() => {
    const query = {
      from: from.toISOString(),
      to: to.toISOString(),
      tz: ZONE,
      unit: 'hour',
      ...(provider && { provider }),
    }
    read(overviewApi.heatmap.$get({ query: query as never })).then(
      ({ items }) => setHours(items as Cell[]),
      () => {},
    )
  }, [shownDay, provider, version])

  useEffect(() => {
    const end = new Date(`${dayOf(Date.now())}T00:00:00`)
    end.setDate(end.getDate() + 1)
    const query = {
      from: new Date(end.getTime() - 371 * DAY_MS).toISOString(),
      to: end.toISOString(),
      tz: ZONE,
      unit: 'day',
      ...(provider && { provider }),
    }
    read(overviewApi.heatmap.$get({ query: query as never })).then(
      ({ items }) => setYear(items as Cell[]),
      () => {},
    )
  }, [provider, version])

  return (
    <section class="heat" aria-label="Activity">
      <figure class="heat-day">
        <figcaption class="small soft">{date.format(from)}</figcaption>
        <div class="heat-hours" role="img" aria-label={summary(hours, 'hour')}>
          {hoursOf(from, to).map((start) => {
            const cell = hours.find((one) => Date.parse(one.start) === start)
            return (
              <span
                class="heat-hour"
                key={start}
                data-band={cell ? bandOf(cell) : undefined}
                title={`${hour.format(start)}: ${describe(cell)}`}
              >
                <span style={{ height: `${(cell ? HEIGHT[bandOf(cell)]! : 0) * 100}%` }} />
              </span>
            )
          })}
        </div>
      </figure>
      <YearOfDays cells={year} chosen={day} onDay={onDay} />
    </section>
  )
}

function YearOfDays(props: { cells: Cell[]; chosen: string; onDay: (day: string) => void }) {
  const { cells, chosen, onDay } = props
  const byDay = new Map(cells.map((cell) => [dayOf(cell.start), cell]))
  const last = new Date()
  const days = Array.from({ length: 365 + last.getDay() }, (_, index, all = 365 + last.getDay()) => {
    const at = new Date(last.getFullYear(), last.getMonth(), last.getDate() - (all - 1 - index))
    return dayOf(at)
  })
  const offset = new Date(`${days[0]}T00:00:00`).getDay()
  const choose = (event: MouseEvent) => {
    const found = (event.target as Element).closest<SVGElement>('[data-day]')?.dataset.day
    if (found) onDay(found === chosen ? '' : found)
  }
  const columns = Math.ceil((days.length + offset) / 7)
  return (
    <figure class="heat-year">
      <figcaption class="small soft">
        A year{' '}
        <label class="heat-jump">
          <span class="visually-hidden">Jump to a day</span>
          <input
            type="date"
            class="input small"
            value={chosen}
            max={dayOf(Date.now())}
            onChange={(event) => onDay(event.currentTarget.value)}
          />
        </label>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach it */}
      <div class="heat-year-scroll" tabIndex={0}>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above does the same with the keyboard */}
        <svg
          viewBox={`0 0 ${columns * 12} 84`}
          role="img"
          aria-label={summary(cells, 'day')}
          onClick={choose}
        >
          {days.map((day, index) => {
            const cell = byDay.get(day)
            const place = index + offset
            const size = cell ? 4 + 6 * HEIGHT[bandOf(cell)]! : 3
            return (
              <rect
                key={day}
                data-day={day}
                data-band={cell ? bandOf(cell) : undefined}
                data-chosen={day === chosen}
                x={Math.floor(place / 7) * 12 + 1 + (10 - size) / 2}
                y={(place % 7) * 12 + 1 + (10 - size) / 2}
                width={size}
                height={size}
                rx={1.5}
              >
                <title>{`${day}: ${describe(cell)}`}</title>
              </rect>
            )
          })}
        </svg>
      </div>
    </figure>
  )
}

function bandOf(cell: Cell): BandName {
  return cell.severity === 'ok' ? 'ok' : cell.band
}

function describe(cell: Cell | undefined): string {
  if (!cell) return 'nothing'
  return `${cell.count} ${cell.count === 1 ? 'event' : 'events'}, worst ${bandOf(cell)}`
}

/** Beginnings of the hours of a day, also of one with 23 or 25. */
function hoursOf(from: Date, to: Date): number[] {
  return Array.from(
    { length: (to.getTime() - from.getTime()) / 3_600_000 },
    (_, index) => from.getTime() + index * 3_600_000,
  )
}

function summary(cells: Cell[], unit: string): string {
  const total = cells.reduce((sum, { count }) => sum + count, 0)
  const bad = cells.filter(({ band }) => band === 'error' || band === 'critical').length
  return `${total} events; ${bad} ${unit}${bad === 1 ? '' : 's'} with errors`
}
