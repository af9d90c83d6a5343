import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { getPath } from 'hono/utils/url'
import type { TokenBook } from '../auth/token-book.ts'
import { bodyTooLarge, notFound } from '../errors.ts'
import type { Log } from '../log.ts'
import { createApi } from './api.ts'
import type { BodyReader } from './body.ts'
import { requireToken } from './guard.ts'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'
import { describeApi } from './openapi.ts'
import { answerProblem } from './problem.ts'
import { type BacktestDeps, backtestRoutes } from './routes/backtest.ts'
import { type DeliveryDeps, deliveryRoutes } from './routes/deliveries.ts'
import { docsRoutes } from './routes/docs.ts'
import { type ExplainDeps, explainRoutes } from './routes/explain.ts'
import { healthRoutes } from './routes/health.ts'
import { dialectOf, type IngestDeps, ingestRoutes } from './routes/ingest.ts'
import { type OverviewDeps, overviewRoutes } from './routes/overview.ts'
import { type QuarantineDeps, quarantineRoutes } from './routes/quarantine.ts'
import { type ScoreDeps, scoreRoutes } from './routes/scores.ts'
import { type StreamDeps, streamRoutes } from './routes/stream.ts'
import { type TimelineDeps, timelineRoutes } from './routes/timeline.ts'
import { type TokenDeps, tokenRoutes } from './routes/tokens.ts'
import { triageRoutes } from './routes/triage.ts'

export type ServerDeps = TimelineDeps &
  OverviewDeps &
  ScoreDeps &
  ExplainDeps &
  BacktestDeps &
  StreamDeps &
  IngestDeps &
  DeliveryDeps &
  Omit<QuarantineDeps, 'dialectOf'> & {
    identify: TokenBook['identify']
    onTokenChange: TokenDeps['onChange']
    health: () => Health
    metrics: Metrics
    version: string
    basePath: string
    readBody: BodyReader
    log: Log
  }

/** All routes and guards. Everything under /api and /metrics wants a token; ingest paths check theirs themselves. */
export function createServer(deps: ServerDeps): Hono {
  const app = createApi((request) => pathWithin(deps.basePath, getPath(request)))
  const guard = requireToken(deps.identify)

  app.use(async (c, next) => {
    await next()
    c.header('X-Content-Type-Options', 'nosniff')
    c.header('Referrer-Policy', 'no-referrer')
  })
  app.use('/api/*', async (c, next) => (c.req.path === '/api/v1/openapi.json' ? next() : guard(c, next)))
  app.use('/metrics', guard)
  const maxSize = deps.readBody.limit
  const limitBody = bodyLimit({ maxSize, onError: () => Promise.reject(bodyTooLarge(maxSize)) })
  app.use('/api/*', (c, next) => (c.req.method === 'GET' ? next() : limitBody(c, next)))

  app.get('/', (c) => c.text(`Tempo server ${deps.version}. API: docs, openapi.json. Health: health.\n`))
  app.route('/', healthRoutes(deps.health))
  app.route('/', ingestRoutes(deps))
  app.route('/', docsRoutes())
  app.get('/metrics', async (c) => c.text(await deps.metrics.registry.metrics()))

  const api = createApi()
  api.route('/', timelineRoutes(deps))
  api.route('/', triageRoutes(deps))
  api.route('/', overviewRoutes(deps))
  api.route('/', streamRoutes(deps))
  api.route('/', tokenRoutes({ ...deps, onChange: deps.onTokenChange }))
  api.route('/', scoreRoutes(deps))
  api.route('/', backtestRoutes(deps))
  api.route('/', explainRoutes(deps))
  api.route('/', deliveryRoutes(deps))
  api.route('/', quarantineRoutes({ ...deps, dialectOf }))
  app.route('/api/v1', api)

  describeApi(app, deps.version)
  app.notFound((c) => answerProblem(c, notFound(`${c.req.method} ${c.req.path}`), deps.log))
  app.onError((error, c) => answerProblem(c, error, deps.log))
  return app as unknown as Hono
}

/** A path with the base path taken off, if it is there: some proxies strip it, others do not. */
function pathWithin(basePath: string, path: string): string {
  if (path === basePath) return '/'
  return basePath !== '' && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path
}
