import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Link, useLocation, useSearch } from 'wouter-preact'
import type { StackView } from '../api/routes.ts'
import { KeyHelp } from '../parts/key-help.tsx'
import { ProblemBox } from '../parts/problem.tsx'
import { mayChange } from '../session.ts'
import { StackCard } from '../timeline/card.tsx'
import { FilterBar } from '../timeline/filter-bar.tsx'
import { dayOf, type Filters, NO_FILTERS, readFilters, writeFilters } from '../timeline/filters.ts'
import { FirstRun } from '../timeline/first-run.tsx'
import { HeatStrip } from '../timeline/heat-strip.tsx'
import { useKeys } from '../timeline/keys.ts'
import { VirtualList } from '../timeline/list.tsx'
import { Panel } from '../timeline/panel.tsx'
import { createTimeline, type Timeline } from '../timeline/store.ts'
import '../timeline/timeline.css'

type Row = { kind: 'day'; day: string } | { kind: 'stack'; stack: StackView }

const keyOf = (row: Row) => (row.kind === 'day' ? row.day : row.stack.id)
const estimate = (row: Row) => (row.kind === 'day' ? 44 : 84)

/** What happened, newest first; one stack may be open beside the list. */
export function TimelineView() {
  const search = useSearch()
  const [location, navigate] = useLocation()
  const filters = useMemo(() => readFilters(search), [search])
  const address = writeFilters(filters)
  const opened = new URLSearchParams(search).get('stack')
  const timeline = useMemo(() => createTimeline(filters), [address])
  const [current, setCurrent] = useState<string | null>(null)

  useEffect(() => {
    timeline.load()
    return timeline.stop
  }, [timeline])
  useEffect(() => {
    document.title = 'Timeline · Tempo'
  }, [])

  const go = (next: Filters, stack: string | null) => {
    const query = writeFilters(next)
    const more = stack ? `${query ? '&' : '?'}stack=${stack}` : ''
    navigate(`${location}${query}${more}`, { replace: stack !== null || opened !== null })
  }
  const open = (id: string | null) => {
    if (id) setCurrent(id)
    go(filters, id)
  }
  useKeys({ timeline, current, setCurrent, open, opened })

  const hasNothing =
    timeline.state.value === 'ready' && timeline.items.value.length === 0 && address === '' && !opened
  return (
    <div class="timeline" data-split={opened !== null}>
      <div class="timeline-main">
        <header class="page-head">
          <h1>Timeline</h1>
          <div class="timeline-tools">
            <span class="live small soft" data-live={timeline.isLive.value} role="status">
              {timeline.isLive.value ? 'Live' : 'Connecting'}
            </span>
            <KeyHelp />
          </div>
        </header>
        {hasNothing ? (
          <FirstRun />
        ) : (
          <>
            <HeatStrip
              provider={filters.provider}
              day={filters.from === filters.to ? filters.from : ''}
              onDay={(day) => go({ ...filters, from: day, to: day }, null)}
              version={Math.floor(timeline.items.value.length / 50)}
            />
            <FilterBar filters={filters} onChange={(next) => go(next, opened)} />
            <Rows
              timeline={timeline}
              current={current}
              setCurrent={setCurrent}
              opened={opened}
              open={open}
              isNarrowed={address !== ''}
              onClear={() => go(NO_FILTERS, null)}
            />
          </>
        )}
      </div>
      {opened && <Panel stackId={opened} timeline={timeline} onClose={() => open(null)} />}
    </div>
  )
}

type RowsProps = {
  timeline: Timeline
  current: string | null
  setCurrent: (id: string) => void
  opened: string | null
  open: (id: string | null) => void
  isNarrowed: boolean
  onClear: () => void
}

function Rows({ timeline, current, setCurrent, opened, open, isNarrowed, onClear }: RowsProps) {
  const { items, fresh, state, error, selected } = timeline
  const canChange = mayChange()
  const rows = useMemo(() => rowsOf(items.value), [items.value])
  const anchor = useRef<string | null>(null)

  const select = (id: string, range: boolean) => {
    const next = new Set(selected.value)
    const ids = items.value.map((stack) => stack.id)
    const [a, b] = [ids.indexOf(anchor.current ?? id), ids.indexOf(id)]
    const span = range && a >= 0 ? ids.slice(Math.min(a, b), Math.max(a, b) + 1) : [id]
    const add = !next.has(id)
    for (const one of span) add ? next.add(one) : next.delete(one)
    anchor.current = id
    selected.value = next
  }

  if (state.value === 'loading' && rows.length === 0) return <Loading />
  if (state.value === 'failed' && rows.length === 0) {
    return <ProblemBox error={error.value} retry={timeline.load} />
  }
  if (rows.length === 0) {
    return (
      <div class="empty">
        <p>{isNarrowed ? 'Nothing matches these filters.' : 'Everything is dealt with.'}</p>
        {isNarrowed && (
          <button type="button" class="button" onClick={onClear}>
            Clear the filters
          </button>
        )}
      </div>
    )
  }
  return (
    <>
      {fresh.value.size > 0 && (
        <button
          type="button"
          class="button button-primary pill"
          onClick={() => {
            timeline.showFresh()
            window.scrollTo({ top: 0, behavior: 'smooth' })
          }}
        >
          {fresh.value.size} new
        </button>
      )}
      {selected.value.size > 0 && <Bulk timeline={timeline} />}
      <VirtualList
        rows={rows}
        keyOf={keyOf}
        estimate={estimate}
        onEnd={timeline.loadMore}
        onTop={timeline.setAtTop}
        reveal={current}
        render={(row) =>
          row.kind === 'day' ? (
            <h2 class="day">{dayName(row.day)}</h2>
          ) : (
            <StackCard
              stack={row.stack}
              isOpen={opened === row.stack.id}
              isCurrent={current === row.stack.id}
              isSelected={selected.value.has(row.stack.id)}
              canChange={canChange}
              onOpen={() => open(opened === row.stack.id ? null : row.stack.id)}
              onSelect={(range) => {
                setCurrent(row.stack.id)
                select(row.stack.id, range)
              }}
              onAck={() => timeline.triage([row.stack.id], row.stack.ackedAt ? 'unack' : 'ack')}
              onDismiss={() => timeline.triage([row.stack.id], row.stack.dismissedAt ? 'restore' : 'dismiss')}
            />
          )
        }
      />
      {state.value === 'more' && <p class="timeline-end soft small">Loading more …</p>}
      {state.value === 'failed' && <ProblemBox error={error.value} retry={timeline.loadMore} />}
      {state.value === 'ready' && !timeline.hasMore() && (
        <p class="timeline-end soft small">
          That is all. <Link href="/backups">Look at the backups</Link>
        </p>
      )}
    </>
  )
}

function Bulk({ timeline }: { timeline: Timeline }) {
  const ids = [...timeline.selected.value]
  return (
    <div class="bulk card" role="toolbar" aria-label="Selected stacks">
      <strong class="numeric">{ids.length} selected</strong>
      <button type="button" class="button" onClick={() => timeline.triage(ids, 'ack')}>
        Acknowledge
      </button>
      <button type="button" class="button" onClick={() => timeline.triage(ids, 'dismiss')}>
        Dismiss
      </button>
      <button type="button" class="button" onClick={() => timeline.triage(ids, 'restore')}>
        Restore
      </button>
      <button
        type="button"
        class="button button-quiet"
        onClick={() => {
          timeline.selected.value = new Set()
        }}
      >
        Cancel
      </button>
    </div>
  )
}

function Loading() {
  return (
    <div class="loading" aria-busy="true">
      <span class="visually-hidden">Loading</span>
      {Array.from({ length: 6 }, (_, index) => (
        <div class="skeleton" key={index} />
      ))}
    </div>
  )
}

function rowsOf(stacks: StackView[]): Row[] {
  const rows: Row[] = []
  let before = ''
  for (const stack of stacks) {
    const day = dayOf(stack.lastEventAt)
    if (day !== before) rows.push({ kind: 'day', day })
    before = day
    rows.push({ kind: 'stack', stack })
  }
  return rows
}

const longDate = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
})

function dayName(day: string): string {
  const today = dayOf(Date.now())
  const yesterday = dayOf(Date.now() - 86_400_000)
  const name = longDate.format(new Date(`${day}T12:00:00`))
  if (day === today) return `Today · ${name}`
  if (day === yesterday) return `Yesterday · ${name}`
  return name
}
