import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { formatBytes, formatSeconds } from '../parts/amount.ts'
import type { Backup } from './data.ts'
import { amountScale, timeScale } from './scale.ts'
import { STATUSES } from './states.ts'

type PlotProps = { title: string; backups: Backup[]; measure: 'durationSeconds' | 'sizeBytes' }

const HEIGHT = 190
const LEFT = 68
const RIGHT = 28
const TOP = 12
const BOTTOM = 26
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** One measure of a guest's backups over time; the table of the page says the same in words. */
export function Plot({ title, backups, measure }: PlotProps) {
  const figure = useRef<HTMLElement>(null)
  const [width, setWidth] = useState(560)
  useLayoutEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.round(entry!.contentRect.width)))
    watcher.observe(figure.current!)
    return () => watcher.disconnect()
  }, [])

  const format = measure === 'sizeBytes' ? formatBytes : formatSeconds
  const all = backups
    .map((backup) => ({ ...backup, at: Date.parse(backup.startedAt), value: backup[measure] }))
    .sort((one, other) => one.at - other.at)
  const points = all.filter(({ value, status }) => value !== null && status === 'ok')
  const failures = all.filter(({ status }) => status !== 'ok')
  const last = points.at(-1)
  return (
    <figure class="card plot" ref={figure}>
      <figcaption>
        <h2>{title}</h2>
        <span class="soft small numeric">
          {last ? `last ${format(last.value!)}` : 'nothing measured yet'}
        </span>
      </figcaption>
      {last && <Drawing {...{ title, points, failures, width, format, measure }} />}
    </figure>
  )
}

type Point = Backup & { at: number; value: number | null }
type DrawingProps = {
  title: string
  points: Point[]
  failures: Point[]
  width: number
  format: (value: number) => string
  measure: PlotProps['measure']
}

function Drawing({ title, points, failures, width, format, measure }: DrawingProps) {
  const times = [...points, ...failures].map(({ at }) => at)
  const x = timeScale(Math.min(...times), Math.max(...times), LEFT, width - RIGHT)
  const most = Math.max(...points.map(({ value }) => value!), 1)
  const y = amountScale(most, measure === 'sizeBytes' ? 'bytes' : 'seconds', HEIGHT - BOTTOM, TOP)
  const line = points.map(({ at, value }) => `${x.of(at).toFixed(1)},${y.of(value!).toFixed(1)}`).join(' ')
  const values = points.map(({ value }) => value!)
  const summary =
    `${title}: ${points.length} backups from ${format(Math.min(...values))} to ${format(most)}, ` +
    `${failures.length} not good. The table below has them all.`
  return (
    <svg viewBox={`0 0 ${width} ${HEIGHT}`} width={width} height={HEIGHT} role="img" aria-label={summary}>
      {y.ticks.map((value) => (
        <g key={value}>
          <line class="plot-grid" x1={LEFT} x2={width - RIGHT} y1={y.of(value)} y2={y.of(value)} />
          <text class="plot-label" x={LEFT - 8} y={y.of(value) + 4} text-anchor="end">
            {value === 0 ? '0' : format(value)}
          </text>
        </g>
      ))}
      {x.ticks.map((at) => (
        <text class="plot-label" key={at} x={x.of(at)} y={HEIGHT - 6} text-anchor="middle">
          {day.format(at)}
        </text>
      ))}
      <polyline class="plot-line" points={line} />
      {points.map(({ id, at, value }) => (
        <g class="plot-point" key={id}>
          <circle class="plot-dot" cx={x.of(at)} cy={y.of(value!)} r={3} />
          <circle class="plot-hit" cx={x.of(at)} cy={y.of(value!)} r={11}>
            <title>{`${moment.format(at)}: ${format(value!)}`}</title>
          </circle>
        </g>
      ))}
      {failures.map(({ id, at, status }) => (
        <g key={id} transform={`translate(${x.of(at)} ${HEIGHT - BOTTOM})`}>
          <path class="plot-cross" d="M-4-4 4 4M4-4-4 4" />
          <circle class="plot-hit" r={9}>
            <title>{`${moment.format(at)}: ${STATUSES[status].label.toLowerCase()}`}</title>
          </circle>
        </g>
      ))}
    </svg>
  )
}
