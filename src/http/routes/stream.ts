import { createRoute, z } from '@hono/zod-openapi'
import { type SSEMessage, streamSSE } from 'hono/streaming'
import { isWithinProvider, severityRank } from '../../event.ts'
import type { Catalog } from '../../scores/catalog.ts'
import { type Changes, isPosition } from '../../storage/changes.ts'
import type { EventView, StackView } from '../../wire.ts'
import { createApi } from '../api.ts'
import { dropConnection } from '../connection.ts'
import { filterShape, problems } from '../parameters.ts'
import type { StreamHub } from '../stream-hub.ts'
import { eventView, stackView } from '../views.ts'

export type StreamDeps = { hub: StreamHub; catalog: () => Catalog }

const { provider, node, vmid, severity } = filterShape
const querySchema = z.object({ provider, node, vmid, severity })
const headersSchema = z.object({
  'last-event-id': z
    .string()
    .optional()
    .refine((text) => !text || isPosition(text), 'is not an id of this stream')
    .openapi({ description: 'Id of the last message that was read; what came since is sent first' }),
})
type StreamFilter = z.infer<typeof querySchema>

const HEARTBEAT_MS = 15_000
/** Characters that a slow client may be behind; then it is let go, and resumes where it was. */
const MAX_BEHIND = 16_000_000

/** Server-sent events (HTML Standard, 9.2): what is stored, and how stacks change, as it happens. */
export function streamRoutes({ hub, catalog }: StreamDeps) {
  const api = createApi()

  api.openapi(
    createRoute({
      method: 'get',
      path: '/stream',
      summary: 'Server-sent events: "event" and "stack" as they change; resumes with Last-Event-ID',
      description:
        'Messages: "ready" with the position, "event" with an Event, "stack" with a Stack, "reset" when too much ' +
        'happened to list: load the timeline anew. After a reconnect a message may come twice; ids tell.',
      request: { query: querySchema, headers: headersSchema },
      responses: {
        200: { description: 'The stream', content: { 'text/event-stream': { schema: z.string() } } },
        ...problems,
      },
    }),
    async (c) => {
      const filter = c.req.valid('query')
      const since = c.req.valid('header')['last-event-id'] || null
      c.header('X-Accel-Buffering', 'no')
      // A body that nobody reads would never end.
      if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })

      const queue = createQueue()
      const first = { pending: true }
      const onChanges = (changes: Changes) => {
        if (first.pending) queue.push({ event: 'ready', data: '{}', id: since ?? changes.position })
        first.pending = false
        for (const message of messagesOf(changes, filter, catalog())) queue.push(message)
        if (queue.size() > MAX_BEHIND) {
          queue.end()
          dropConnection(c)
        }
      }
      const unsubscribe = await hub.subscribe({ onChanges, end: queue.end }, since)
      return streamSSE(c, async (stream) => {
        stream.onAbort(queue.end)
        try {
          for (;;) {
            const messages = await queue.take(HEARTBEAT_MS)
            if (messages === null) break
            if (messages.length === 0) await stream.write(': still here\n\n')
            for (const message of messages) await stream.writeSSE(message)
          }
        } finally {
          unsubscribe()
        }
      })
    },
  )

  return api
}

/** Only the last message carries the id: who breaks off before it gets the whole lot again. */
function messagesOf(changes: Changes, filter: StreamFilter, catalog: Catalog): SSEMessage[] {
  if (changes.overflow) return [{ event: 'reset', data: '{}', id: changes.position }]
  const events = changes.events.map((event) => ({
    event: 'event',
    view: eventView(event, catalog),
    node: event.node,
    vmid: event.vmid,
  }))
  const stacks = changes.stacks.map((stack) => ({
    event: 'stack',
    view: stackView(stack, catalog),
    node: stack.node,
    vmid: stack.vmid,
  }))
  const wanted: SSEMessage[] = [...events, ...stacks]
    .filter((change) => isWanted(change, filter))
    .map(({ event, view }) => ({ event, data: JSON.stringify(view) }))
  const last = wanted.at(-1)
  if (last) last.id = changes.position
  return wanted
}

type Change = { view: EventView | StackView; node: string | null; vmid: string | null }

function isWanted({ view, node, vmid }: Change, filter: StreamFilter): boolean {
  return (
    (!filter.provider || isWithinProvider(view.provider, filter.provider)) &&
    (!filter.node || filter.node === node) &&
    (!filter.vmid || filter.vmid === vmid) &&
    (!filter.severity || severityRank(view.severity) >= severityRank(filter.severity))
  )
}

/** What waits to be written to one client. */
function createQueue() {
  let messages: SSEMessage[] = []
  let size = 0
  let ended = false
  let notify: (() => void) | null = null

  /** The waiting messages; none after `ms` without any; null when it has ended. */
  async function take(ms: number): Promise<SSEMessage[] | null> {
    if (messages.length === 0 && !ended) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        notify = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      notify = null
    }
    if (ended) return null
    const taken = messages
    messages = []
    size = 0
    return taken
  }

  return {
    take,
    size: () => size,
    push: (message: SSEMessage) => {
      if (ended) return
      messages.push(message)
      size += (message.data as string).length
      notify?.()
    },
    end: () => {
      ended = true
      messages = []
      notify?.()
    },
  }
}
