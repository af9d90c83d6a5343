import { createRoute, z } from '@hono/zod-openapi'
import { readJsonBody } from '../../adapters/json.ts'
import type { StoredChannel } from '../../channel.ts'
import type { ChannelBook } from '../../dispatch/book.ts'
import type { ChannelChanges, Trial } from '../../dispatch/changes.ts'
import type { openChannel } from '../../dispatch/settings.ts'
import { channelView } from '../../dispatch/view.ts'
import { invalidInput, notFound } from '../../errors.ts'
import { listChannelStates, listChannels } from '../../storage/channels.ts'
import type { Database } from '../../storage/database.ts'
import { type Attempt, listAttempts } from '../../storage/notifications.ts'
import { resendRows } from '../../storage/outbox.ts'
import { ChannelInputSchema, ChannelSchema, type ChannelView, ExchangeSchema } from '../../wire-channels.ts'
import { createApi } from '../api.ts'
import { idParam, instant, json, limit, notFoundProblem, problems, rawJson } from '../parameters.ts'

export type ChannelDeps = {
  db: Database
  channelBook: ChannelBook
  channelChanges: ChannelChanges
  vault: Parameters<typeof openChannel>[1]
  now: () => Date
}

const attemptSchema = z
  .object({
    id: z.uuid(),
    messageId: z.uuid(),
    at: z.iso.datetime(),
    durationMs: z.int(),
    result: z.enum(['sent', 'passing', 'permanent']),
    status: z.int().nullable(),
    request: z.string(),
    answer: z.string(),
    kind: z.enum(['event', 'group', 'summary', 'test']),
    title: z.string(),
    because: z.string().nullable(),
    events: z.int(),
    state: z.enum(['open', 'sent', 'failed']),
    nextTryAt: z.iso.datetime().nullable(),
  })
  .openapi('Attempt')

const RESEND_ADVICE = 'must be {"messageId": an id} or {"since": an instant}'
const resendBody = z.union(
  [z.strictObject({ messageId: z.uuid() }), z.strictObject({ since: instant })],
  RESEND_ADVICE,
)

/** Channels: made, changed, removed, tested; what was sent, and once more. */
export function channelRoutes({ db, channelBook, channelChanges, vault, now }: ChannelDeps) {
  async function viewOf(stored: StoredChannel): Promise<ChannelView> {
    const states = await listChannelStates(db)
    return channelView(
      stored,
      states.find(({ channelId }) => channelId === stored.id),
      vault,
    )
  }
  async function requireChannel(id: string): Promise<StoredChannel> {
    const found = (await listChannels(db)).find((one) => one.id === id)
    if (!found) throw notFound(`A channel ${id}`)
    return found
  }

  return createApi()
    .openapi(
      createRoute({
        method: 'get',
        path: '/channels',
        summary: 'All channels, never their secrets',
        responses: { 200: json(z.object({ items: z.array(ChannelSchema) }), 'Channels'), ...problems },
      }),
      async (c) => {
        const [rows, states] = await Promise.all([listChannels(db), listChannelStates(db)])
        const byId = new Map(states.map((state) => [state.channelId, state]))
        return c.json({ items: rows.map((row) => channelView(row, byId.get(row.id), vault)) }, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/channels',
        summary: 'Make a channel',
        request: {
          body: { required: true, content: { 'application/json': { schema: ChannelInputSchema } } },
        },
        responses: { 201: json(ChannelSchema, 'The channel'), ...problems },
      }),
      async (c) => {
        const stored = await channelChanges.create(c.req.valid('json'))
        await channelBook.reload()
        return c.json(await viewOf(stored), 201)
      },
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/channels/test',
        summary: 'Send the test of a channel that is not saved',
        description: 'With `id`, what is left out is taken from that channel, its secrets too.',
        request: {
          body: rawJson('A channel, as for making one; `id` is optional'),
          query: z.object({ id: z.uuid().optional() }),
        },
        responses: { 200: json(ExchangeSchema, 'What the receiver said'), ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { id } = c.req.valid('query')
        const value = await readObject(c.req.raw)
        return c.json(trialView(await channelChanges.tryOut(value, id ?? null)), 200)
      },
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/channels/{id}',
        summary: 'One channel',
        request: { params: idParam },
        responses: { 200: json(ChannelSchema, 'The channel'), ...problems, ...notFoundProblem },
      }),
      async (c) => c.json(await viewOf(await requireChannel(c.req.valid('param').id)), 200),
    )
    .openapi(
      createRoute({
        method: 'patch',
        path: '/channels/{id}',
        summary: 'Change a channel; what is left out stays, secrets too',
        request: { params: idParam, body: rawJson('Fields of a channel') },
        responses: { 200: json(ChannelSchema, 'The channel afterwards'), ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { id } = await requireChannel(c.req.valid('param').id)
        const stored = await channelChanges.change(id, await readObject(c.req.raw))
        await channelBook.reload()
        return c.json(await viewOf(stored), 200)
      },
    )
    .openapi(
      createRoute({
        method: 'delete',
        path: '/channels/{id}',
        summary: 'Remove a channel with its history',
        request: { params: idParam },
        responses: { 204: { description: 'Removed' }, ...problems, ...notFoundProblem },
      }),
      async (c) => {
        await channelChanges.remove(c.req.valid('param').id)
        await channelBook.reload()
        return c.body(null, 204)
      },
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/channels/{id}/test',
        summary: 'Send a test, and say what the receiver answered',
        request: { params: idParam },
        responses: { 200: json(ExchangeSchema, 'What the receiver said'), ...problems, ...notFoundProblem },
      }),
      async (c) => c.json(trialView(await channelChanges.test(c.req.valid('param').id)), 200),
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/channels/{id}/attempts',
        summary: 'Every try to send to a channel, the newest first',
        request: {
          params: idParam,
          query: z.object({ limit, cursor: z.uuid('is not a cursor of this list').optional() }),
        },
        responses: {
          200: json(
            z.object({ items: z.array(attemptSchema), nextCursor: z.string().nullable() }),
            'A page of tries',
          ),
          ...problems,
          ...notFoundProblem,
        },
      }),
      async (c) => {
        const { id } = await requireChannel(c.req.valid('param').id)
        const { limit, cursor } = c.req.valid('query')
        const found = await listAttempts(db, id, cursor ?? null, limit + 1)
        const rows = found.slice(0, limit)
        const nextCursor = found.length > limit ? rows.at(-1)!.id : null
        return c.json({ items: rows.map(attemptView), nextCursor }, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/channels/{id}/resend',
        summary: 'Tell once more what was told, or should have been',
        request: {
          params: idParam,
          // Checked below, so that an id that does not exist is the first thing that is said.
          body: { required: false, content: { 'application/json': { schema: resendBody } } },
        },
        responses: {
          202: json(z.object({ events: z.int() }), 'Events that will be told again'),
          ...problems,
          ...notFoundProblem,
        },
      }),
      async (c) => {
        const { id } = await requireChannel(c.req.valid('param').id)
        const what = c.req.valid('json') as Partial<z.infer<typeof resendBody>>
        if (!('messageId' in what) && !('since' in what)) {
          throw invalidInput('request', [{ path: 'body', message: RESEND_ADVICE }])
        }
        return c.json({ events: await resendRows(db, id, what as z.infer<typeof resendBody>, now()) }, 202)
      },
    )
}

function attemptView({ at, nextTryAt, state, ...attempt }: Attempt) {
  return {
    ...attempt,
    at: at.toISOString(),
    state: state as 'open' | 'sent' | 'failed',
    nextTryAt: nextTryAt?.toISOString() ?? null,
  }
}

function trialView({ result, status, request, answer, durationMs }: Trial) {
  return { result, status, request, answer, durationMs }
}

/** Their faults are told with their places; a schema would fill in what is left out. */
async function readObject(request: Request): Promise<Record<string, unknown>> {
  return readJsonBody(new Uint8Array(await request.arrayBuffer())).value
}
