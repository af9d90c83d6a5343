import {
  measureElement,
  observeWindowOffset,
  observeWindowRect,
  Virtualizer,
  windowScroll,
} from '@tanstack/virtual-core'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

type ListProps<Row> = {
  rows: Row[]
  keyOf: (row: Row) => string
  estimate: (row: Row) => number
  render: (row: Row) => ComponentChildren
  /** Called when the last rows come near. */
  onEnd: () => void
  /** Tells whether the reader is at the top. */
  onTop: (isAtTop: boolean) => void
  /** The row that is to be in sight. */
  reveal: string | null
}

const TOP_PX = 80
const NEAR_END = 15

/** Rows of any height in the window's own scrolling; only those in sight are in the document. */
export function VirtualList<Row>({ rows, keyOf, estimate, render, onEnd, onTop, reveal }: ListProps<Row>) {
  const parent = useRef<HTMLDivElement>(null)
  const [, redraw] = useState({})
  const [virtualizer] = useState(
    () =>
      new Virtualizer<Window, HTMLDivElement>({
        count: 0,
        getScrollElement: () => window,
        estimateSize: () => 76,
        observeElementRect: observeWindowRect,
        observeElementOffset: observeWindowOffset,
        scrollToFn: windowScroll,
        measureElement,
        overscan: 8,
        initialOffset: () => window.scrollY,
      }),
  )
  virtualizer.setOptions({
    ...virtualizer.options,
    count: rows.length,
    estimateSize: (index) => estimate(rows[index]!),
    getItemKey: (index) => keyOf(rows[index]!),
    scrollMargin: parent.current?.offsetTop ?? 0,
    onChange: () => redraw({}),
  })
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer])
  useLayoutEffect(() => virtualizer._willUpdate())

  const shown = virtualizer.getVirtualItems()
  const last = shown.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= rows.length - NEAR_END) onEnd()
  }, [last, rows.length])

  useEffect(() => {
    const look = () => onTop(window.scrollY < TOP_PX)
    window.addEventListener('scroll', look, { passive: true })
    look()
    return () => window.removeEventListener('scroll', look)
  }, [onTop])

  useEffect(() => {
    if (reveal === null) return
    const index = rows.findIndex((row) => keyOf(row) === reveal)
    if (index >= 0) virtualizer.scrollToIndex(index, { align: 'auto' })
  }, [reveal])

  return (
    <div class="virtual" ref={parent} style={{ height: `${virtualizer.getTotalSize()}px` }}>
      {shown.map((item) => (
        <div
          class="virtual-row"
          key={item.key as string}
          data-index={item.index}
          ref={(element) => {
            if (element) virtualizer.measureElement(element)
          }}
          style={{ transform: `translateY(${item.start - virtualizer.options.scrollMargin}px)` }}
        >
          {render(rows[item.index]!)}
        </div>
      ))}
    </div>
  )
}
