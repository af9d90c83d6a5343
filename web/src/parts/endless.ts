import { useEffect, useRef, useState } from 'preact/hooks'
import { usePolling } from './loading.ts'

type Page<Row> = { items: Row[]; nextCursor: string | null }

/** A list, newest first by id, that is followed at its top and read on at its end. */
export function useEndless<Row extends { id: string }>(
  ask: (cursor: string | null) => Promise<Page<Row>>,
  everyMs: number,
) {
  const [rows, setRows] = useState<Row[] | null>(null)
  const [cursor, setCursor] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const isAlive = useRef(true)

  /** The newest page again; what was loaded further down stays. */
  const refresh = async () => {
    try {
      const page = await ask(null)
      if (!isAlive.current) return
      setError(null)
      setRows((before) => {
        const last = page.items.at(-1)
        const reachesOld = before?.some(({ id }) => last && id >= last.id)
        if (!before || !last || !reachesOld) {
          setCursor(page.nextCursor)
          return page.items
        }
        return [...page.items, ...before.filter(({ id }) => id < last.id)]
      })
    } catch (failure) {
      if (isAlive.current) setError(failure)
    }
  }
  const more = async () => {
    if (!cursor) return
    try {
      const page = await ask(cursor)
      if (!isAlive.current) return
      setRows((before) => [...(before ?? []), ...page.items])
      setCursor(page.nextCursor)
    } catch (failure) {
      setError(failure)
    }
  }
  useEffect(() => {
    isAlive.current = true
    refresh()
    return () => {
      isAlive.current = false
    }
  }, [])
  usePolling(refresh, everyMs)
  return { rows, error, refresh, more: cursor === null ? null : more }
}
