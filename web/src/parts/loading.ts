import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export type Loaded<T> = {
  /** What came last; kept while it is asked for again. */
  value: T | null
  error: unknown
  reload: () => Promise<void>
}

/** Asks on the first showing, and whenever `depends` changes; an answer that was overtaken is dropped. */
export function useLoad<T>(ask: () => Promise<T>, depends: unknown[]): Loaded<T> {
  const [value, setValue] = useState<T | null>(null)
  const [error, setError] = useState<unknown>(null)
  const latest = useRef(0)
  const reload = useCallback(async () => {
    const mine = ++latest.current
    try {
      const answer = await ask()
      if (mine !== latest.current) return
      setValue(answer)
      setError(null)
    } catch (failure) {
      if (mine === latest.current) setError(failure)
    }
  }, depends)
  useEffect(() => {
    reload()
    return () => {
      latest.current++
    }
  }, [reload])
  return { value, error, reload }
}

/** Calls again and again while the page is in sight, the next time only after the last has ended. */
export function usePolling(call: () => Promise<unknown>, everyMs: number): void {
  const current = useRef(call)
  current.current = call
  useEffect(() => {
    let timer: number | undefined
    const plan = () => {
      timer = window.setTimeout(async () => {
        if (document.visibilityState === 'visible') await current.current()
        if (timer !== undefined) plan()
      }, everyMs)
    }
    plan()
    return () => {
      clearTimeout(timer)
      timer = undefined
    }
  }, [everyMs])
}
