import { createRoute, z } from '@hono/zod-openapi'
import type { Silence } from '../../channel.ts'
import type { ChannelBook } from '../../dispatch/book.ts'
import { invalidInput, notFound } from '../../errors.ts'
import { endSilence, insertSilence, listSilences } from '../../storage/channels.ts'
import type { Database } from '../../storage/database.ts'
import { SilenceInputSchema, SilenceSchema } from '../../wire-channels.ts'
import { createApi } from '../api.ts'
import { idParam, json, notFoundProblem, problems } from '../parameters.ts'

export type SilenceDeps = {
  db: Database
  channelBook: Pick<ChannelBook, 'reload'>
  newId: () => string
  now: () => Date
}

/** Times in which what matches is not told. */
export function silenceRoutes({ db, channelBook, newId, now }: SilenceDeps) {
  return createApi()
    .openapi(
      createRoute({
        method: 'get',
        path: '/silences',
        summary: 'Silences that hold, are to come, or ended within a month',
        responses: { 200: json(z.object({ items: z.array(SilenceSchema) }), 'Silences'), ...problems },
      }),
      async (c) => c.json({ items: (await listSilences(db)).map(silenceView) }, 200),
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/silences',
        summary: 'Tell nothing of what matches until a time',
        request: {
          body: { required: true, content: { 'application/json': { schema: SilenceInputSchema } } },
        },
        responses: { 201: json(SilenceSchema, 'The silence'), ...problems },
      }),
      async (c) => {
        const { from, to, ...wish } = c.req.valid('json')
        const at = now()
        const silence: Silence = {
          ...wish,
          id: newId(),
          from: from === undefined ? at : new Date(from),
          to: new Date(to),
          createdBy: c.get('caller').name,
          createdAt: at,
        }
        if (silence.to <= silence.from || silence.to <= at) {
          throw invalidInput('request', [
            { path: 'to', message: 'must be later than its beginning and than now' },
          ])
        }
        await insertSilence(db, silence)
        await channelBook.reload()
        return c.json(silenceView(silence), 201)
      },
    )
    .openapi(
      createRoute({
        method: 'delete',
        path: '/silences/{id}',
        summary: 'End a silence now',
        request: { params: idParam },
        responses: { 204: { description: 'Ended' }, ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { id } = c.req.valid('param')
        if (!(await endSilence(db, id, now()))) throw notFound(`A silence ${id} that is not over`)
        await channelBook.reload()
        return c.body(null, 204)
      },
    )
}

function silenceView({ from, to, createdAt, ...silence }: Silence) {
  return {
    ...silence,
    from: from.toISOString(),
    to: to.toISOString(),
    createdAt: createdAt.toISOString(),
  }
}
