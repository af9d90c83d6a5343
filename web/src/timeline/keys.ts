import { useEffect, useRef } from 'preact/hooks'
import { mayChange } from '../session.ts'
import type { Timeline } from './store.ts'

type KeyDeps = {
  timeline: Timeline
  current: string | null
  setCurrent: (id: string) => void
  open: (id: string | null) => void
  opened: string | null
}

/** j and k walk, Enter opens, e acknowledges, d dismisses, x selects, / searches, Escape closes. */
export function useKeys(deps: KeyDeps): void {
  // The next key may come before the page is drawn anew.
  const latest = useRef(deps)
  latest.current = { ...deps, current: deps.current }
  useEffect(() => {
    const move = (step: number) => {
      const { timeline, current, setCurrent, open, opened } = latest.current
      const ids = timeline.items.value.map(({ id }) => id)
      if (ids.length === 0) return
      const at = current === null ? -1 : ids.indexOf(current)
      const next = ids[Math.min(Math.max(at + step, 0), ids.length - 1)]!
      latest.current.current = next
      setCurrent(next)
      if (opened) open(next)
    }
    const stack = () => {
      const { timeline, current } = latest.current
      return timeline.items.value.find(({ id }) => id === current)
    }
    const triage = (flip: 'ackedAt' | 'dismissedAt') => {
      const one = stack()
      if (!one || !mayChange()) return
      const isDone = one[flip] !== null
      const verb = flip === 'ackedAt' ? (isDone ? 'unack' : 'ack') : isDone ? 'restore' : 'dismiss'
      if (flip === 'dismissedAt') move(1)
      latest.current.timeline.triage([one.id], verb)
    }
    const toggle = () => {
      const { timeline, current } = latest.current
      if (!current || !mayChange()) return
      const next = new Set(timeline.selected.value)
      if (!next.delete(current)) next.add(current)
      timeline.selected.value = next
    }
    const actions: Record<string, () => void> = {
      j: () => move(1),
      k: () => move(-1),
      Enter: () => {
        const { current, opened, open } = latest.current
        if (current) open(opened === current ? null : current)
      },
      e: () => triage('ackedAt'),
      d: () => triage('dismissedAt'),
      x: toggle,
      '/': () => document.querySelector<HTMLInputElement>('#search')?.focus(),
      Escape: () => {
        if (latest.current.opened) latest.current.open(null)
      },
    }
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return
      const target = event.target as HTMLElement
      if (document.querySelector('dialog[open]')) return
      if (target.closest('input:not([type=checkbox]), textarea, select')) {
        if (event.key === 'Escape') target.blur()
        return
      }
      if (event.key === 'Enter' && target.closest('button, a, summary')) return
      const action = actions[event.key]
      if (!action) return
      event.preventDefault()
      action()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
}
