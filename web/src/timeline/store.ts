import { batch, signal } from '@preact/signals'
import { BASE, read, timelineApi, triageApi } from '../api/client.ts'
import type { StackView } from '../api/routes.ts'
import { toast } from '../parts/toasts.tsx'
import { apiQuery, type Filters } from './filters.ts'

export type Verb = 'ack' | 'unack' | 'dismiss' | 'restore'

const PAGE = 50
/** Letters of a message that a row may show; the panel asks for the whole. */
const KEPT_TEXT = 300
const UNDO: Record<Verb, Verb> = { ack: 'unack', unack: 'ack', dismiss: 'restore', restore: 'dismiss' }
const DONE: Record<Verb, string> = {
  ack: 'Acknowledged',
  unack: 'Not acknowledged any more',
  dismiss: 'Dismissed',
  restore: 'Restored',
}

/** The rows of the timeline under one set of filters, kept up to date by the server's stream. */
export function createTimeline(filters: Filters) {
  const items = signal<StackView[]>([])
  /** Stacks that changed while the reader was further down. */
  const fresh = signal<Map<string, StackView>>(new Map())
  const state = signal<'loading' | 'more' | 'ready' | 'failed'>('loading')
  const error = signal<unknown>(null)
  const selected = signal<Set<string>>(new Set())
  const isLive = signal(false)
  let cursor: string | null = null
  let isAtTop = true
  let stream: EventSource | null = null
  let ended = false
  let refreshing: number | undefined

  const query = (more?: string) => ({
    ...apiQuery(filters),
    limit: String(PAGE),
    ...(more && { cursor: more }),
  })

  async function load(): Promise<void> {
    state.value = 'loading'
    try {
      const page = await read(timelineApi.timeline.$get({ query: query() as never }))
      if (ended) return
      cursor = page.nextCursor
      batch(() => {
        items.value = page.items.map(lean)
        fresh.value = new Map()
        state.value = 'ready'
      })
      listen()
    } catch (failure) {
      error.value = failure
      state.value = 'failed'
    }
  }

  async function loadMore(): Promise<void> {
    if (state.value !== 'ready' || !cursor) return
    state.value = 'more'
    try {
      const page = await read(timelineApi.timeline.$get({ query: query(cursor) as never }))
      if (ended) return
      cursor = page.nextCursor
      const known = new Set(items.value.map(({ id }) => id))
      items.value = [...items.value, ...page.items.filter(({ id }) => !known.has(id)).map(lean)]
      state.value = 'ready'
    } catch (failure) {
      error.value = failure
      state.value = 'failed'
    }
  }

  function listen(): void {
    if (stream || ended) return
    const narrow = new URLSearchParams()
    for (const key of ['provider', 'node', 'vmid', 'severity'] as const) {
      if (filters[key]) narrow.set(key, filters[key])
    }
    stream = new EventSource(new URL(`api/v1/stream?${narrow}`, BASE))
    stream.addEventListener('ready', () => {
      isLive.value = true
    })
    stream.addEventListener('stack', ({ data }) => take(JSON.parse(data)))
    stream.addEventListener('reset', () => refresh())
    stream.addEventListener('error', () => {
      isLive.value = false
    })
  }

  /** Only the server knows which stacks hold a word, or lie in a span. */
  const needsServer = Boolean(filters.q || filters.from || filters.to)

  function take(stack: StackView): void {
    if (needsServer) refresh()
    else apply(lean(stack))
  }

  function refresh(): void {
    clearTimeout(refreshing)
    refreshing = window.setTimeout(async () => {
      const page = await read(timelineApi.timeline.$get({ query: query() as never })).catch(() => null)
      if (page && !ended) for (const stack of page.items.toReversed()) apply(lean(stack))
    }, 300)
  }

  /** Puts a changed stack where it belongs; never moves what the reader is looking at. */
  function apply(stack: StackView): void {
    const index = items.value.findIndex(({ id }) => id === stack.id)
    if (!isWanted(stack, filters.state)) {
      if (index >= 0) items.value = items.value.toSpliced(index, 1)
      return
    }
    const before = items.value[index]
    if (before && before.lastEventAt === stack.lastEventAt) {
      items.value = items.value.with(index, stack)
    } else if (isAtTop) {
      items.value = insert(before ? items.value.toSpliced(index, 1) : items.value, stack)
    } else if (isNewer(stack, items.value[0])) {
      fresh.value = new Map(fresh.value).set(stack.id, stack)
    } else {
      items.value = insert(before ? items.value.toSpliced(index, 1) : items.value, stack)
    }
  }

  function showFresh(): void {
    const waiting = [...fresh.value.values()]
    batch(() => {
      fresh.value = new Map()
      const ids = new Set(waiting.map(({ id }) => id))
      items.value = waiting.reduce(
        insert,
        items.value.filter(({ id }) => !ids.has(id)),
      )
    })
  }

  function setAtTop(value: boolean): void {
    isAtTop = value
    if (value && fresh.value.size > 0) showFresh()
  }

  /** Acknowledges, dismisses, or takes back; at once in the page, with an undo. */
  async function triage(ids: string[], verb: Verb, quiet = false): Promise<void> {
    if (ids.length === 0) return
    const before = items.value
    const at = new Date().toISOString()
    const wanted = new Set(ids)
    items.value = before
      .map((stack) => (wanted.has(stack.id) ? changed(stack, verb, at) : stack))
      .filter((stack) => !wanted.has(stack.id) || isWanted(stack, filters.state))
    selected.value = new Set()
    try {
      await read(triageApi.stacks[':verb'].$post({ param: { verb }, json: { ids } }))
    } catch (failure) {
      items.value = before
      toast(failure instanceof Error ? failure.message : 'That did not work')
      return
    }
    if (quiet) return
    const what = ids.length === 1 ? DONE[verb] : `${DONE[verb]}: ${ids.length}`
    toast(what, {
      label: 'Undo',
      run: async () => {
        await triage(ids, UNDO[verb], true)
        const back = before.filter(({ id }) => wanted.has(id) && !items.value.some((one) => one.id === id))
        items.value = back.filter((stack) => isWanted(stack, filters.state)).reduce(insert, items.value)
      },
    })
  }

  function stop(): void {
    ended = true
    clearTimeout(refreshing)
    stream?.close()
  }

  return {
    items,
    fresh,
    state,
    error,
    selected,
    isLive,
    load,
    loadMore,
    showFresh,
    setAtTop,
    triage,
    stop,
    hasMore: () => cursor !== null,
  }
}

export type Timeline = ReturnType<typeof createTimeline>

function isNewer(one: StackView, other: StackView | undefined): boolean {
  return !other || one.lastEventAt > other.lastEventAt
}

/** Newest first, as the server sorts: by the last event, then by id. */
function insert(items: StackView[], stack: StackView): StackView[] {
  const index = items.findIndex(
    (one) =>
      one.lastEventAt < stack.lastEventAt || (one.lastEventAt === stack.lastEventAt && one.id < stack.id),
  )
  return items.toSpliced(index < 0 ? items.length : index, 0, stack)
}

function isWanted({ ackedAt, dismissedAt }: StackView, state: string): boolean {
  if (state === 'all') return true
  if (state === 'dismissed') return dismissedAt !== null
  if (state === 'acked') return ackedAt !== null && dismissedAt === null
  return dismissedAt === null
}

function changed(stack: StackView, verb: Verb, at: string): StackView {
  if (verb === 'ack') return { ...stack, ackedAt: stack.ackedAt ?? at }
  if (verb === 'unack') return { ...stack, ackedAt: null }
  if (verb === 'dismiss') return { ...stack, dismissedAt: stack.dismissedAt ?? at }
  return { ...stack, dismissedAt: null }
}

/** Thousands of rows stay small: long texts are left to the panel. */
function lean(stack: StackView): StackView {
  const metadata = Object.fromEntries(
    Object.entries(stack.latest.metadata).filter(
      ([, value]) => typeof value !== 'object' && String(value).length <= KEPT_TEXT,
    ),
  )
  return { ...stack, latest: { ...stack.latest, metadata, actions: [] } }
}
