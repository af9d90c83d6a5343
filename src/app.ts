import { ADMIN_TOKEN_WRITTEN, adminTokenPath, ensureAdminToken } from './admin-token.ts'
import { createSessionBook } from './auth/session-book.ts'
import type { Config } from './config.ts'
import { createBodyReader } from './http/body.ts'
import { createProxyUser } from './http/caller.ts'
import { createHealthMonitor } from './http/health.ts'
import { listenOn } from './http/listen.ts'
import { createMetrics } from './http/metrics.ts'
import { loadPage } from './http/page.ts'
import { createServer } from './http/server.ts'
import { createStreamHub } from './http/stream-hub.ts'
import { dialectOf } from './ingest/dialects.ts'
import { createRateLimit } from './ingest/rate-limit.ts'
import { createRecorder } from './ingest/recorder.ts'
import type { Log } from './log.ts'
import { newId } from './new-id.ts'
import { openChannelFile } from './open-channel-file.ts'
import { openChannels, openServerVault } from './open-channels.ts'
import { openIngest } from './open-ingest.ts'
import { openLibrary } from './open-library.ts'
import { connectStorage } from './open-storage.ts'
import { openTokens } from './open-tokens.ts'
import { createReadiness } from './readiness.ts'
import { createReleasers } from './releasers.ts'
import { repeat } from './repeat.ts'
import { openDispatch } from './start-dispatch.ts'
import { startIndexing } from './start-indexing.ts'
import { startRetention } from './start-retention.ts'
import { startWatching } from './start-watching.ts'
import { withDeadline } from './storage/database.ts'
import { insertDeliveries } from './storage/deliveries.ts'
import { createChunk } from './storage/delivery-chunks.ts'
import { isRefusedForGood } from './storage/failures.ts'
import { forgetAnswers } from './storage/kept-answers.ts'
import { findPageSession, insertPageSession, removePageSession } from './storage/page-sessions.ts'
import { pruneDeliveries } from './storage/prune-deliveries.ts'
import { forgetMoves } from './storage/update-event.ts'
import { VERSION } from './version.ts'

/** Deliveries of senders without a token that are kept. */
const STRANGER_DELIVERIES = 1_000
/** Milliseconds that requests under way may take at the end. */
const STOP_GRACE_MS = 3_000
/** Milliseconds for all ends together but that of the database; none comes near unless the database hangs. */
const STOP_BUDGET_MS = 6_000
const RECORD_DEADLINE_MS = 5_000
const FORGET_EVERY_MS = 3_600_000

export type App = {
  /** Answers a request; needs no socket. */
  fetch: (request: Request) => Response | Promise<Response>
  /** Listens, and says where. */
  start: () => Promise<{ port: number }>
  /** Ends everything in the reverse order of its start; no accepted event is lost. */
  stop: () => Promise<void>
  /** The admin token, when this start made the first one. */
  firstAdminToken: string | null
}

export type Overrides = { now?: () => Date }

/**
 * The one place where everything is put together. Waits for the database, but not for ever, and loads the scores; listens
 * with `start`.
 */
export async function createApp(config: Config, log: Log, overrides: Overrides = {}): Promise<App> {
  const releasers = createReleasers(STOP_BUDGET_MS)
  const stop = () => releasers.run((name, error) => log.error({ err: error }, `${name} did not end well`))
  try {
    return { ...(await build(config, log, overrides.now ?? (() => new Date()), releasers)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function build(
  config: Config,
  log: Log,
  now: () => Date,
  releasers: ReturnType<typeof createReleasers>,
) {
  const label = `tempo serve, pid ${process.pid}, port ${config.port}`
  const { db, kind, migrate, close } = await connectStorage(config, 'server', label, log)
  releasers.addPatient('database', close)
  const vault = await openServerVault(config)
  let isStoreGone = () => false
  const channels = openChannels({ db, vault, isAway: () => isStoreGone(), log, releasers })
  const ingest = await openIngest({
    config,
    db,
    dialectOf,
    address: channels.book.address,
    now,
    log,
    releasers,
  })
  isStoreGone = ingest.isAway
  const library = await openLibrary(config, db, log, releasers)
  const catalog = () => library.current().catalog

  const tokens = await openTokens({ config, db, vault, isAway: ingest.isAway, now, log, releasers })
  const { book } = tokens
  repeat(releasers, 'idempotency keys', FORGET_EVERY_MS, () => forgetAnswers(db), log)
  repeat(releasers, 'moved events', FORGET_EVERY_MS, () => forgetMoves(db), log)
  startRetention(config.retention, db, now, log, releasers)

  const bounds = { known: config.deliveriesMax, strangers: STRANGER_DELIVERIES }
  const recorder = createRecorder({
    insert: (rows, chunks) =>
      withDeadline(insertDeliveries(db, rows, chunks), RECORD_DEADLINE_MS, 'recording deliveries'),
    createChunk,
    prune: () => withDeadline(pruneDeliveries(db, bounds), RECORD_DEADLINE_MS, 'dropping old deliveries'),
    log,
  })
  releasers.add('deliveries', recorder.drain)
  const hub = createStreamHub(db, log)
  releasers.add('streams', hub.stop)

  let firstAdminToken: string | null = null
  let isListening = false
  let isFollowed = false
  let isIndexing = false
  /** Everything that needs the database before an event may go there. */
  const prepare = async () => {
    await migrate()
    if (config.adminToken === null) firstAdminToken ??= await ensureAdminToken(db, config.dataDir)
    await vault.ensureKey().catch((error) => log.warn({ err: error }, 'secrets cannot be stored'))
    await library.follow()
    await tokens.follow()
    await channels.follow()
    await channelFile?.begin()
    if (!isFollowed) await hub.start()
    isFollowed = true
    if (isIndexing) return
    isIndexing = true
    await startIndexing(db, log, releasers)
  }
  const { write, isAway: isStoreAway } = ingest
  const watching = startWatching({
    db,
    catalog,
    write,
    isAway: isStoreAway,
    isWaiting: () => ingest.spool.state().depth > 0,
    now,
    log,
    releasers,
  })
  const dispatch = openDispatch({
    config,
    db,
    vault,
    book: channels.book,
    catalog,
    isAway: isStoreAway,
    now,
    log,
    releasers,
  })
  const { channelsFile } = config
  const channelFile =
    channelsFile === null
      ? null
      : openChannelFile({
          path: channelsFile,
          apply: dispatch.changes.apply,
          reload: channels.book.reload,
          isAway: isStoreAway,
          log,
          releasers,
        })
  const readiness = createReadiness({
    prepare,
    onReady: () => {
      ingest.goLive()
      watching.start()
      dispatch.start()
      if (isListening && firstAdminToken)
        log.info({ path: adminTokenPath(config.dataDir) }, ADMIN_TOKEN_WRITTEN)
    },
    isRefusedForGood,
    mayWait: tokens.areKnown,
    log,
  })
  releasers.add('waiting for the database', readiness.stop)
  await readiness.begin()

  const probe = () => db.read`SELECT 1`
  const { spool, isAway } = ingest
  const health = createHealthMonitor({ version: VERSION, kind, probe, isAway, spool, now })
  await health.start()
  releasers.add('health', health.stop)
  const metrics = createMetrics(
    () => health.current().status !== 'down',
    () => health.current().spool,
  )
  const receiver = ingest.receiver({
    identify: book.identify,
    rateLimit: createRateLimit(config.rateLimit, () => now().getTime()),
    catalog,
    record: (delivery, isNew) => {
      metrics.countDelivery(delivery)
      recorder.record(delivery, isNew)
    },
  })
  const app = createServer({
    db,
    catalog,
    library: library.current,
    onScoreChange: library.refreshKept,
    now,
    hub,
    ...receiver,
    expected: watching.expected,
    identify: book.identify,
    sessions: createSessionBook({
      book,
      insert: (session) => insertPageSession(db, session),
      find: (hash) => findPageSession(db, hash),
      remove: (hash) => removePageSession(db, hash),
      lifetimeMs: config.sessionHours * 3_600_000,
      now,
    }),
    proxyUser: createProxyUser({
      header: config.proxyUserHeader,
      addresses: config.trustedProxies,
      scope: config.proxyScope,
    }),
    page: loadPage(config.basePath),
    vault,
    channelBook: channels.book,
    channelChanges: dispatch.changes,
    newId,
    onTokenChange: book.reload,
    health: health.current,
    metrics,
    version: VERSION,
    basePath: config.basePath,
    readBody: createBodyReader(config.maxBodyBytes),
    log,
  })

  async function start(): Promise<{ port: number }> {
    isListening = true
    const { port, close } = await listenOn(app, config.host, config.port, (error) =>
      log.error({ err: error }, 'a connection could not be taken'),
    )
    releasers.add('connections', async () => {
      const closed = close(STOP_GRACE_MS)
      await hub.stop()
      await closed
    })
    return { port }
  }
  return { fetch: (request: Request) => app.fetch(request), start, firstAdminToken }
}
