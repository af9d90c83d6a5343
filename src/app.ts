import { readFileSync } from 'node:fs'
import { ensureAdminToken } from './admin-token.ts'
import { createTokenBook } from './auth/token-book.ts'
import type { Config } from './config.ts'
import { createBodyReader } from './http/body.ts'
import { createHealthMonitor } from './http/health.ts'
import { listenOn } from './http/listen.ts'
import { createMetrics } from './http/metrics.ts'
import { createServer } from './http/server.ts'
import { createStreamHub } from './http/stream-hub.ts'
import { createRateLimit } from './ingest/rate-limit.ts'
import { createReceiver } from './ingest/receive.ts'
import { createRecorder } from './ingest/recorder.ts'
import { createWriter } from './ingest/writer.ts'
import type { Log } from './log.ts'
import { openLibrary } from './open-library.ts'
import { openStorage } from './open-storage.ts'
import { createReleasers } from './releasers.ts'
import { listen } from './storage/changes.ts'
import { isPassing, WRITE_DEADLINE_MS, withDeadline } from './storage/database.ts'
import { insertDeliveries, pruneDeliveries } from './storage/deliveries.ts'
import { keepBody } from './storage/quarantine.ts'
import { findAnswer, forgetAnswers, storeEvents } from './storage/store-events.ts'
import { listTokens, noteTokenUse, TOKENS_CHANNEL } from './storage/tokens.ts'
import { forgetMoves } from './storage/update-event.ts'

const PACKAGE = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
export const VERSION = PACKAGE.version

/** Deliveries of senders without a token that are kept. */
const STRANGER_DELIVERIES = 1_000
/** Milliseconds that requests under way may take at the end. */
const STOP_GRACE_MS = 3_000
/** Milliseconds for all ends together but that of the database; none comes near unless the database hangs. */
const STOP_BUDGET_MS = 6_000
/** What a sender waits for beside storing; together both stay below the 10 s after which Proxmox hangs up. */
const ASK_DEADLINE_MS = 2_000
const RECORD_DEADLINE_MS = 5_000
const USES_EVERY_MS = 2_000
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

/** The one place where everything is put together. Opens the database and loads the scores; listens with `start`. */
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
  const { db, kind, close } = await openStorage(config, 'server', label, log)
  releasers.addPatient('database', close)
  const firstAdminToken = config.adminToken === null ? await ensureAdminToken(db, config.dataDir) : null

  const library = await openLibrary(config, db, log, releasers)
  const catalog = () => library.current().catalog

  const load = () => withDeadline(listTokens(db), ASK_DEADLINE_MS, 'reading tokens')
  const book = createTokenBook({ load, adminSecret: config.adminToken, now })
  await book.reload()
  const unlisten = await listen(db, TOKENS_CHANNEL, () => {
    book
      .reload()
      .catch((error) => log.warn({ err: error }, 'tokens could not be read; the known ones stay in force'))
  })
  releasers.add('token changes', unlisten)
  const noteUses = async () => {
    const uses = book.takeUses()
    if (uses.size > 0) await noteTokenUse(db, uses)
  }
  releasers.add('token uses', noteUses)
  repeat(releasers, 'token uses', USES_EVERY_MS, noteUses, log)
  repeat(releasers, 'idempotency keys', FORGET_EVERY_MS, () => forgetAnswers(db), log)
  repeat(releasers, 'moved events', FORGET_EVERY_MS, () => forgetMoves(db), log)

  const bounds = { known: config.deliveriesMax, strangers: STRANGER_DELIVERIES }
  const recorder = createRecorder({
    insert: (rows) => withDeadline(insertDeliveries(db, rows), RECORD_DEADLINE_MS, 'recording deliveries'),
    prune: () => withDeadline(pruneDeliveries(db, bounds), RECORD_DEADLINE_MS, 'dropping old deliveries'),
    log,
  })
  releasers.add('deliveries', recorder.drain)
  const writer = createWriter({
    store: (batch) => withDeadline(storeEvents(db, batch), WRITE_DEADLINE_MS, 'storing events'),
    isPassing: (error) => isPassing(error),
  })
  releasers.add('writer', writer.drain)

  const probe = () => db.read`SELECT 1`
  const health = createHealthMonitor({ version: VERSION, kind, probe })
  await health.start()
  releasers.add('health', health.stop)
  const metrics = createMetrics(() => health.current().status !== 'down')
  const hub = createStreamHub(db, log)
  await hub.start()
  releasers.add('streams', hub.stop)

  const receiver = createReceiver({
    identify: book.identify,
    rateLimit: createRateLimit(config.rateLimit, () => now().getTime()),
    catalog,
    write: writer.write,
    findAnswer: (tokenId, key) =>
      withDeadline(findAnswer(db, tokenId, key), ASK_DEADLINE_MS, 'looking up an Idempotency-Key'),
    keepBody: (entry) =>
      withDeadline(
        keepBody(db, entry, { rows: config.quarantineMaxBodies, bytes: config.quarantineMaxBytes }),
        ASK_DEADLINE_MS,
        'keeping a refused body',
      ),
    record: (delivery) => {
      metrics.countDelivery(delivery)
      recorder.record(delivery)
    },
    now,
    log,
  })
  const app = createServer({
    db,
    catalog,
    library: library.current,
    onScoreChange: library.refreshKept,
    now,
    hub,
    ...receiver,
    identify: book.identify,
    onTokenChange: book.reload,
    health: health.current,
    metrics,
    version: VERSION,
    basePath: config.basePath,
    readBody: createBodyReader(config.maxBodyBytes),
    log,
  })

  async function start(): Promise<{ port: number }> {
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

/** Does something again and again until the end; a failure is logged and the next time comes all the same. */
function repeat(
  releasers: ReturnType<typeof createReleasers>,
  name: string,
  everyMs: number,
  work: () => Promise<void>,
  log: Log,
): void {
  const timer = setInterval(() => {
    work().catch((error) => log.warn({ err: error }, `${name}: failed, it will be tried again`))
  }, everyMs)
  releasers.add(`timer of ${name}`, () => clearInterval(timer))
}
