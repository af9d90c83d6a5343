import { useEffect, useRef, useState } from 'preact/hooks'
import { Icon } from '../parts/icon.tsx'
import { Segments } from '../parts/segments.tsx'
import { type GridFilter, SPANS, writeGridFilter } from './address.ts'

type ToolsProps = {
  filter: GridFilter
  counts: Record<GridFilter['wanted'], number> | null
  onChange: (filter: GridFilter) => void
}

const TYPING_MS = 200
const WANTED = [
  ['', 'All'],
  ['trouble', 'In trouble'],
  ['parked', 'Parked'],
] as const

/** How many days, and which guests. */
export function GridTools({ filter, counts, onChange }: ToolsProps) {
  const [words, setWords] = useState(filter.words)
  const typing = useRef<number>()
  useEffect(() => setWords(filter.words), [filter.words])
  useEffect(() => () => clearTimeout(typing.current), [])
  const hrefOf = (change: Partial<GridFilter>) => `/backups${writeGridFilter({ ...filter, ...change })}`
  return (
    <search class="grid-filter">
      <label class="grid-words">
        <span class="visually-hidden">Name, VMID or cluster</span>
        <Icon name="search" />
        <input
          class="input"
          type="search"
          placeholder="Name, VMID or cluster"
          value={words}
          maxLength={200}
          onInput={(event) => {
            const text = event.currentTarget.value
            setWords(text)
            clearTimeout(typing.current)
            typing.current = window.setTimeout(() => onChange({ ...filter, words: text.trim() }), TYPING_MS)
          }}
        />
      </label>
      <Segments
        label="Guests"
        items={WANTED.map(([wanted, label]) => ({
          label: counts ? `${label} ${counts[wanted]}` : label,
          href: hrefOf({ wanted }),
          isHere: filter.wanted === wanted,
        }))}
      />
      <Segments
        label="Span"
        items={SPANS.map((days) => ({
          label: `${days} days`,
          href: hrefOf({ days }),
          isHere: filter.days === days,
        }))}
      />
    </search>
  )
}
