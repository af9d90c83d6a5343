import { createRoute, z } from '@hono/zod-openapi'
import { invalidInput, notFound } from '../../errors.ts'
import type { Database } from '../../storage/database.ts'
import {
  closeEpisode,
  EPISODE_STATES,
  type Episode,
  isEpisodeOpen,
  listEpisodes,
} from '../../storage/episodes.ts'
import { createApi } from '../api.ts'
import { idParam, json, limit, notFoundProblem, problems, storable } from '../parameters.ts'

export type EpisodeDeps = { db: Database; now: () => Date }

const time = z.iso.datetime()
const episodeSchema = z
  .object({
    id: z.uuid(),
    provider: z.string(),
    title: z.string().openapi({ description: 'Of the latest failure' }),
    node: z.string().nullable(),
    vmid: z.string().nullable(),
    jobId: z.string().nullable(),
    openedAt: time.openapi({ description: 'When the first failure was' }),
    lastEventAt: time.openapi({ description: 'When the latest failure was: silent since then' }),
    count: z.int(),
    latestEventId: z.uuid().nullable().openapi({ description: 'Null when the event is gone' }),
    stackId: z.uuid().nullable(),
    state: z.enum(['open', 'closed']),
    closedAt: time.nullable(),
    closedBy: z.string().nullable().openapi({ description: '"score", or the name of who closed it' }),
    reason: z.string().nullable(),
  })
  .openapi('Episode')

/** `lastEventAt|id` of the last row of a page. */
const position = z
  .string()
  .max(100)
  .transform((text, context) => {
    const [at, id] = text.split('|')
    const date = new Date(at ?? '')
    if (!Number.isNaN(date.getTime()) && z.uuid().safeParse(id).success) return { at: date, id: id! }
    context.addIssue({ code: 'custom', message: 'is not a cursor of this list' })
    return z.NEVER
  })
  .openapi({ type: 'string' })

/** Troubles of which Proxmox never says that they are over, such as a failing replication. */
export function episodeRoutes({ db, now }: EpisodeDeps) {
  return createApi()
    .openapi(
      createRoute({
        method: 'get',
        path: '/episodes',
        summary: 'Troubles that nobody has said to be over, the latest failure first',
        request: {
          query: z.object({
            state: z.enum(EPISODE_STATES).default('open'),
            limit,
            cursor: position.optional(),
          }),
        },
        responses: {
          200: json(
            z.object({ items: z.array(episodeSchema), nextCursor: z.string().nullable() }),
            'A page of episodes',
          ),
          ...problems,
        },
      }),
      async (c) => {
        const { state, limit, cursor } = c.req.valid('query')
        const found = await listEpisodes(db, state, cursor ?? null, limit + 1)
        const rows = found.slice(0, limit)
        const last = rows.at(-1)
        const more = found.length > limit && last
        const nextCursor = more ? `${last.lastEventAt.toISOString()}|${last.id}` : null
        return c.json({ items: rows.map(episodeView), nextCursor }, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/episodes/{id}/close',
        summary: 'Say that a trouble is over; the next failure opens a new episode',
        request: {
          params: idParam,
          body: {
            // Checked below, so that an id that does not exist is the first thing that is said.
            required: false,
            content: {
              'application/json': {
                schema: z.strictObject({ reason: storable().trim().min(1).max(500) }),
              },
            },
          },
        },
        responses: { 200: json(episodeSchema, 'The episode, closed'), ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { id } = c.req.valid('param')
        const { reason } = c.req.valid('json') as { reason?: string }
        if (!(await isEpisodeOpen(db, id))) throw notFound(`An open episode ${id}`)
        if (reason === undefined) {
          throw invalidInput('request', [{ path: 'reason', message: 'must say why it is over' }])
        }
        const episode = await closeEpisode(db, id, { by: c.get('caller').name, reason, at: now() })
        if (!episode) throw notFound(`An open episode ${id}`)
        return c.json(episodeView(episode), 200)
      },
    )
}

function episodeView(episode: Episode) {
  return {
    ...episode,
    openedAt: episode.openedAt.toISOString(),
    lastEventAt: episode.lastEventAt.toISOString(),
    closedAt: episode.closedAt?.toISOString() ?? null,
  }
}
