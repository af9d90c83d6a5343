import { createRoute, z } from '@hono/zod-openapi'
import { notFound } from '../../errors.ts'
import { providerIdentifier } from '../../event.ts'
import type { LoadedScores } from '../../scores/load.ts'
import { createApi } from '../api.ts'
import { json, notFoundProblem, problems } from '../parameters.ts'

export type ScoreDeps = { loaded: () => LoadedScores }

const scoreSchema = z
  .object({
    provider: z.string(),
    displayName: z.string(),
    color: z.string(),
    origin: z.enum(['bundled', 'own', 'kept']),
    rules: z.int(),
  })
  .openapi('Score')

const problemSchema = z.object({
  file: z.string(),
  problems: z.array(z.object({ path: z.string(), message: z.string(), meant: z.string().optional() })),
})

/** The scores in force, and files that could not be loaded. */
export function scoreRoutes({ loaded }: ScoreDeps) {
  const api = createApi()

  api.openapi(
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
      const { scores, problems } = loaded()
      const items = scores.map(({ score, origin }) => ({
        provider: score.providerIdentifier,
        displayName: score.displayName,
        color: score.color ?? '#8E8E93',
        origin,
        rules: score.severityRules?.length ?? 0,
      }))
      return c.json({ items, problems }, 200)
    },
  )

  api.openapi(
    createRoute({
      method: 'get',
      path: '/scores/{provider}',
      summary: 'One score, as its file says',
      request: { params: z.object({ provider: providerIdentifier }) },
      responses: {
        200: json(z.record(z.string(), z.unknown()), 'The score file'),
        ...problems,
        ...notFoundProblem,
      },
    }),
    (c) => {
      const { provider } = c.req.valid('param')
      const found = loaded().scores.find(({ score }) => score.providerIdentifier === provider)
      if (!found) throw notFound(`A score of ${provider}`)
      return c.json({ ...found.score } as Record<string, unknown>, 200)
    },
  )

  return api
}
