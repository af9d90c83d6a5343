import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { getPath } from 'hono/utils/url'
import type { SessionBook } from '../auth/session-book.ts'
import { bodyTooLarge, notFound } from '../errors.ts'
import { dialectOf } from '../ingest/dialects.ts'
import type { Log } from '../log.ts'
import { createApi } from './api.ts'
import type { BodyReader } from './body.ts'
import { type CallerDeps, createCallerFinder } from './caller.ts'
import { type Env, requireToken } from './guard.ts'
import type { Health } from './health.ts'
import type { Metrics } from './metrics.ts'
import { describeApi } from './openapi.ts'
import type { Page } from './page.ts'
import { answerProblem, SAFE_HEADERS } from './problem.ts'
import { type BacktestDeps, backtestRoutes } from './routes/backtest.ts'
import { type BackupDeps, backupRoutes } from './routes/backups.ts'
import { type ChannelDeps, channelRoutes } from './routes/channels.ts'
import { connectRoutes } from './routes/connect.ts'
import { type DeliveryDeps, deliveryRoutes } from './routes/deliveries.ts'
import { docsRoutes } from './routes/docs.ts'
import { episodeRoutes } from './routes/episodes.ts'
import { type ExplainDeps, explainRoutes } from './routes/explain.ts'
import { gotifyRoutes } from './routes/gotify.ts'
import { healthRoutes } from './routes/health.ts'
import { type IngestDeps, ingestRoutes } from './routes/ingest.ts'
import { type NotificationDeps, notificationRoutes } from './routes/notifications.ts'
import { type OverviewDeps, overviewRoutes } from './routes/overview.ts'
import { pageRoutes } from './routes/page.ts'
import { type QuarantineDeps, quarantineRoutes } from './routes/quarantine.ts'
import { type ScoreDeps, scoreRoutes } from './routes/scores.ts'
import { sessionRoutes } from './routes/session.ts'
import { type SilenceDeps, silenceRoutes } from './routes/silences.ts'
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
  BackupDeps &
  ChannelDeps &
  SilenceDeps &
  NotificationDeps &
  Omit<QuarantineDeps, 'dialectOf'> & {
    identify: CallerDeps['identify']
    sessions: SessionBook
    proxyUser: CallerDeps['proxyUser']
    /** Null: the page was not built. */
    page: Page | null
    vault: TokenDeps['vault']
    onTokenChange: TokenDeps['onChange']
    health: () => Health
    metrics: Metrics
    version: string
    basePath: string
    readBody: BodyReader
    log: Log
  }

/** What answers requests, and the routes that it has. */
export type HttpServer = Pick<Hono, 'fetch' | 'routes'>

/** All routes and guards. Everything under /api and /metrics wants a token; ingest paths check theirs themselves. */
export function createServer(deps: ServerDeps): HttpServer {
  const pathOf = (request: Request) => pathWithin(deps.basePath, getPath(request))
  const app = createApi(pathOf)
  const findCaller = createCallerFinder(deps)
  const guard = requireToken(findCaller)

  // Before the next, and with headers of their own: an answer whose headers are added later costs as much as an event.
  app.route('/', ingestRoutes(deps))
  app.route('/', gotifyRoutes(deps))
  const front = createFront(app, pathOf)
  app.use(async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(SAFE_HEADERS)) c.header(name, value)
  })
  app.use('/api/*', async (c, next) => (c.req.path === '/api/v1/openapi.json' ? next() : guard(c, next)))
  app.use('/metrics', guard)
  const maxSize = deps.readBody.limit
  const limitBody = bodyLimit({ maxSize, onError: () => Promise.reject(bodyTooLarge(maxSize)) })
  app.use('/api/*', (c, next) => (c.req.method === 'GET' ? next() : limitBody(c, next)))

  app.route('/', pageRoutes(deps))
  app.route('/', sessionRoutes({ ...deps, findCaller }))
  app.route('/', healthRoutes(deps.health))
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
  api.route('/', backupRoutes(deps))
  api.route('/', connectRoutes({ ...deps, onChange: deps.onTokenChange }))
  api.route('/', episodeRoutes(deps))
  api.route('/', channelRoutes(deps))
  api.route('/', silenceRoutes(deps))
  api.route('/', notificationRoutes(deps))
  api.route('/', quarantineRoutes({ ...deps, dialectOf }))
  app.route('/api/v1', api)

  describeApi(app, deps.version)
  app.notFound((c) => answerProblem(c, notFound(`${c.req.method} ${c.req.path}`), deps.log))
  for (const each of [app, front]) each.onError((error, c) => answerProblem(c, error, deps.log))
  return { fetch: front.fetch, routes: app.routes }
}

/**
 * Finds the POST routes that `app` has so far by their path alone, and passes all else on to it. A search among all
 * routes, and a chain with the guards of others, would cost an event a third of what judging it does.
 */
function createFront(app: Hono<Env>, getPath: (request: Request) => string): Hono<Env> {
  const front = new Hono<Env>({ getPath })
  for (const { method, path, handler } of app.routes) if (method === 'POST') front.post(path, handler)
  return front.notFound((c) => app.fetch(c.req.raw, c.env))
}

/** A path with the base path taken off, if it is there: some proxies strip it, others do not. */
function pathWithin(basePath: string, path: string): string {
  if (path === basePath) return '/'
  return basePath !== '' && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path
}
