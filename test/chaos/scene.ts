/** What the chaos tests share: servers that are started again and again, one database behind them, one load in front. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Database, openDatabase } from '../../src/storage/database.ts'
import { type LogEntry, makeDataDir, type ServerProcess, startServer } from '../helpers/process.ts'
import { findFreePort } from '../helpers/replication.ts'
import { eventually } from '../helpers/server.ts'
import { assertKept, type SteadyLoad, type SteadyOptions, startSteadyLoad } from '../helpers/steady-load.ts'

export const ADMIN = 'an-admin-token-for-the-tests-of-chaos'
/** What a sender of ours may wait for an answer, in milliseconds; Proxmox hangs up after 10 s. */
export const PATIENCE_MS = 5_000
const SETTLE_MS = 60_000

/** A server at one address, with one data folder, however often it is started. */
export type Place = {
  url: string
  server: () => ServerProcess
  /** What all its processes have written to their logs. */
  log: () => LogEntry[]
  /** Starts it, again. */
  start: () => Promise<ServerProcess>
}

export type Health = { status: string; database: { status: string }; spool: { depth: number } }

export async function makePlace(
  t: TestContext,
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<Place> {
  const dataDir = await makeDataDir(t)
  const port = await findFreePort()
  const servers: ServerProcess[] = []
  return {
    url: `http://127.0.0.1:${port}`,
    server: () => servers.at(-1)!,
    log: () => servers.flatMap((server) => server.log()),
    start: async () => {
      const server = await startServer(t, {
        DATABASE_URL: databaseUrl,
        TEMPO_DATA_DIR: dataDir,
        TEMPO_ADMIN_TOKEN: ADMIN,
        TEMPO_PORT: String(port),
        ...env,
      })
      servers.push(server)
      return server
    },
  }
}

export async function healthOf({ url }: Place): Promise<Health | null> {
  try {
    return (await (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })).json()) as Health
  } catch {
    return null
  }
}

export function startLoad(t: TestContext, places: Place[], options?: SteadyOptions): SteadyLoad {
  const urls = places.map(({ url }) => url)
  const load = startSteadyLoad(() => urls, ADMIN, options)
  t.after(load.stop)
  return load
}

/** Resolves when so many more events were answered with 200. */
export async function moreStored(load: SteadyLoad, count: number): Promise<void> {
  const before = load.stored.size
  await eventually(() => load.stored.size >= before + count, SETTLE_MS)
}

/** Resolves when so many more events were answered with 202. */
export async function moreSpooled(load: SteadyLoad, count: number): Promise<void> {
  const before = load.spooled.size
  await eventually(() => load.spooled.size >= before + count, SETTLE_MS)
}

/** Resolves when nothing waits any more. */
export async function settled(places: Place[]): Promise<void> {
  for (const place of places) {
    await eventually(async () => {
      const health = await healthOf(place)
      return health?.status === 'ok' && health.spool.depth === 0
    }, SETTLE_MS)
  }
}

/** Ends the load, waits until nothing waits any more, and looks for each event that was answered. */
export async function assertNothingLost(
  t: TestContext,
  places: Place[],
  databaseUrl: string,
  loads: SteadyLoad[],
): Promise<void> {
  await Promise.all(loads.map((load) => load.stop()))
  await settled(places)
  const db: Database = openDatabase({ url: databaseUrl }, 'test')
  try {
    await assertKept(db, loads)
  } catch (error) {
    for (const place of places) for (const line of complaints(place)) t.diagnostic(line)
    throw error
  } finally {
    await db.close()
  }
  for (const place of places) assert.equal(place.server().stderr(), '')
  for (const load of loads) t.diagnostic(describe(load))
}

/** What the log says of failures, each once. */
function complaints({ log }: Place): string[] {
  const lines = log().filter(({ level }) => level >= 40)
  const texts = lines.map(
    ({ msg, err }) => `${msg}: ${(err as { message?: string } | undefined)?.message ?? ''}`,
  )
  return [...new Set(texts)].slice(-20)
}

function describe({ stored, spooled, refused, broken, longestMs }: SteadyLoad): string {
  const others = [...refused].map(([status, count]) => `${count} times ${status}, `).join('')
  return `${stored.size} times 200, ${spooled.size} times 202, ${others}${broken()} without an answer, longest ${Math.round(longestMs())} ms`
}

/** Whatever happens to the database, who sends is answered soon, and never with a fault of ours. */
export function assertAnsweredSoon(load: SteadyLoad): void {
  assert.ok(load.longestMs() < PATIENCE_MS, `a sender waited for ${Math.round(load.longestMs())} ms`)
  assert.deepEqual(
    [...load.refused.keys()].filter((status) => status !== 503),
    [],
  )
  assert.equal(load.broken(), 0, 'every request was answered')
}
