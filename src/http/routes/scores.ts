import { createRoute, z } from '@hono/zod-openapi'
import { notFound } from '../../errors.ts'
import { NEUTRAL_COLOR } from '../../scores/format.ts'
import type { Library } from '../../scores/library.ts'
import type { Database } from '../../storage/database.ts'
import { forgetScore, keepScore } from '../../storage/scores.ts'
import { providerIdentifier } from '../../wire.ts'
import { createApi } from '../api.ts'
import type { BodyReader } from '../body.ts'
import { json, notFoundProblem, problems, rawJson } from '../parameters.ts'
import { requireScore } from '../score-body.ts'

export type ScoreDeps = {
  db: Database
  library: () => Library
  onScoreChange: () => Promise<void>
  now: () => Date
  readBody: BodyReader
}

const scoreSchema = z
  .object({
    provider: z.string(),
    displayName: z.string(),
    color: z.string(),
    origin: z.enum(['bundled', 'own', 'kept']).openapi({
      description: 'kept: sent to the API, before own: a file of TEMPO_SCORES_DIR, before bundled',
    }),
    rules: z.int(),
  })
  .openapi('Score')

const problemSchema = z.object({
  file: z.string(),
  problems: z.array(
    z.object({
      path: z.string(),
      message: z.string(),
      meant: z.string().optional(),
      line: z.int().optional(),
      column: z.int().optional(),
    }),
  ),
})

const fileSchema = z.record(z.string(), z.unknown())
const providerParam = z.object({ provider: providerIdentifier })

/** The scores in force, files that could not be loaded, and scores kept in the database. */
export function scoreRoutes({ db, library, onScoreChange, now, readBody }: ScoreDeps) {
  return createApi()
    .openapi(
      createRoute({
        method: 'get',
        path: '/scores',
        summary: 'Scores in force, and files with problems',
        responses: {
          200: json(z.object({ items: z.array(scoreSchema), problems: z.array(problemSchema) }), 'Scores'),
          ...problems,
        },
      }),
      (c) => {
        const { scores, problems } = library()
        const items = scores.map(({ score, origin }) => ({
          provider: score.providerIdentifier,
          displayName: score.displayName,
          color: score.color ?? NEUTRAL_COLOR,
          origin,
          rules: score.severityRules?.length ?? 0,
        }))
        return c.json({ items, problems }, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'get',
        path: '/scores/{provider}',
        summary: 'One score, as its file says',
        request: { params: providerParam },
        responses: { 200: json(fileSchema, 'The score file'), ...problems, ...notFoundProblem },
      }),
      (c) => {
        const { provider } = c.req.valid('param')
        const found = library().scores.find(({ score }) => score.providerIdentifier === provider)
        if (!found) throw notFound(`A score of ${provider}`)
        return c.json({ ...found.score } as Record<string, unknown>, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'post',
        path: '/scores',
        summary: 'Check a score and keep it; it is in force at once, on all servers',
        request: {
          query: z.object({ dryRun: z.enum(['true', 'false']).default('false') }),
          body: rawJson('A score file'),
        },
        responses: { 200: json(fileSchema, 'The score as it is kept'), ...problems },
      }),
      async (c) => {
        const source = new TextDecoder().decode(await readBody(c))
        const score = requireScore(source)
        if (c.req.valid('query').dryRun === 'false') {
          const provider = score.providerIdentifier
          await keepScore(db, { provider, source, updatedAt: now(), updatedBy: c.get('caller').name })
          await onScoreChange()
        }
        return c.json({ ...score } as Record<string, unknown>, 200)
      },
    )
    .openapi(
      createRoute({
        method: 'delete',
        path: '/scores/{provider}',
        summary: 'Forget a kept score; a file of the same provider is in force again',
        request: { params: providerParam },
        responses: { 204: { description: 'Forgotten' }, ...problems, ...notFoundProblem },
      }),
      async (c) => {
        const { provider } = c.req.valid('param')
        const forgotten = await forgetScore(db, provider)
        await onScoreChange()
        if (!forgotten) throw notFound(`A kept score of ${provider}`)
        return c.body(null, 204)
      },
    )
}
