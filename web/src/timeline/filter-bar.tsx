import { useEffect, useRef, useState } from 'preact/hooks'
import { overviewApi, read } from '../api/client.ts'
import { Icon } from '../parts/icon.tsx'
import { type Filters, NO_FILTERS } from './filters.ts'

type BarProps = { filters: Filters; onChange: (filters: Filters) => void }

const TYPING_MS = 250

/** Everything that the timeline can be narrowed by; `/` leads to the words. */
export function FilterBar({ filters, onChange }: BarProps) {
  const [sources, setSources] = useState<{ provider: string; displayName: string }[]>([])
  const [words, setWords] = useState(filters.q)
  const [isOpen, setOpen] = useState(
    Boolean(filters.node || filters.vmid || filters.from || filters.to || filters.state),
  )
  const typing = useRef<number>()
  const set = (changes: Partial<Filters>) => onChange({ ...filters, ...changes })

  useEffect(() => {
    read(overviewApi.sources.$get()).then(
      ({ items }) => setSources(items),
      () => {},
    )
  }, [])
  useEffect(() => setWords(filters.q), [filters.q])
  useEffect(() => () => clearTimeout(typing.current), [])

  const isNarrowed = Object.values(filters).some(Boolean)
  return (
    <search class="filters">
      <div class="filters-main">
        <label class="filters-search">
          <span class="visually-hidden">Words in title and message</span>
          <Icon name="search" />
          <input
            id="search"
            class="input"
            type="search"
            placeholder="Search title and message"
            value={words}
            maxLength={200}
            onInput={(event) => {
              const q = event.currentTarget.value
              setWords(q)
              clearTimeout(typing.current)
              typing.current = window.setTimeout(() => set({ q: q.trim() }), TYPING_MS)
            }}
          />
        </label>
        <label>
          <span class="visually-hidden">Source</span>
          <select
            class="select"
            value={filters.provider}
            onChange={(event) => set({ provider: event.currentTarget.value })}
          >
            <option value="">All sources</option>
            {sources.map(({ provider, displayName }) => (
              <option key={provider} value={provider}>
                {displayName}
              </option>
            ))}
            {filters.provider && !sources.some(({ provider }) => provider === filters.provider) && (
              <option value={filters.provider}>{filters.provider}</option>
            )}
          </select>
        </label>
        <label>
          <span class="visually-hidden">Severity</span>
          <select
            class="select"
            value={filters.severity}
            onChange={(event) => set({ severity: event.currentTarget.value })}
          >
            <option value="">Any severity</option>
            <option value="warning">Warning and worse</option>
            <option value="error">Error and worse</option>
            <option value="critical">Critical</option>
          </select>
        </label>
        <button
          type="button"
          class="button"
          aria-expanded={isOpen}
          aria-controls="more-filters"
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name="settings" />
          More
        </button>
        {isNarrowed && (
          <button type="button" class="button button-quiet" onClick={() => onChange(NO_FILTERS)}>
            <Icon name="cross" />
            Clear
          </button>
        )}
      </div>
      {isOpen && (
        <div class="filters-more" id="more-filters">
          <TextFilter label="Node" value={filters.node} onChange={(node) => set({ node })} />
          <TextFilter label="Guest (VMID)" value={filters.vmid} onChange={(vmid) => set({ vmid })} />
          <label class="field">
            <span>State</span>
            <select
              class="select"
              value={filters.state}
              onChange={(event) => set({ state: event.currentTarget.value })}
            >
              <option value="">Not dismissed</option>
              <option value="acked">Acknowledged</option>
              <option value="dismissed">Dismissed</option>
              <option value="all">All</option>
            </select>
          </label>
          <label class="field">
            <span>From</span>
            <input
              class="input"
              type="date"
              value={filters.from}
              max={filters.to || undefined}
              onChange={(event) => set({ from: event.currentTarget.value })}
            />
          </label>
          <label class="field">
            <span>To</span>
            <input
              class="input"
              type="date"
              value={filters.to}
              min={filters.from || undefined}
              onChange={(event) => set({ to: event.currentTarget.value })}
            />
          </label>
        </div>
      )}
    </search>
  )
}

function TextFilter(props: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <input
        class="input mono"
        value={props.value}
        maxLength={255}
        onChange={(event) => props.onChange(event.currentTarget.value.trim())}
      />
    </label>
  )
}
