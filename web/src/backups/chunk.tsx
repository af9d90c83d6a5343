import type { ComponentChildren, RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

type ChunkProps = {
  /** What scrolls. */
  root: RefObject<HTMLElement>
  rows: number
  rowRem: number
  columns: number
  /** Few rows in all: they are simply there. */
  isAlways: boolean
  children: () => ComponentChildren
}

const NEAR = '800px'

/** A part of a long table that is in the document only while it is in sight, or nearly. */
export function Chunk({ root, rows, rowRem, columns, isAlways, children }: ChunkProps) {
  const body = useRef<HTMLTableSectionElement>(null)
  const [isNear, setNear] = useState(isAlways)
  useEffect(() => {
    if (isAlways || !body.current) return
    const watcher = new IntersectionObserver(([entry]) => setNear(entry!.isIntersecting), {
      root: root.current,
      rootMargin: NEAR,
    })
    watcher.observe(body.current)
    return () => watcher.disconnect()
  }, [isAlways])
  return (
    <tbody ref={body}>
      {isAlways || isNear ? (
        children()
      ) : (
        <tr style={{ height: `${rows * rowRem}rem` }}>
          <td colSpan={columns} />
        </tr>
      )}
    </tbody>
  )
}
