/** This server, as `npm start` starts it. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import program from '../../package.json' with { type: 'json' }
import { unknownSettings } from '../../src/config.ts'
import { WATCH_PROVIDER } from '../../src/ingest/verdict-event.ts'
import { createClient, type DatabaseTarget, type Sql } from '../../src/storage/database.ts'
import { DATABASE } from '../../src/storage/embedded-cluster.ts'
import { locate, SOCKET_PORT } from '../../src/storage/embedded-folder.ts'
import { findPostmaster } from '../../src/storage/embedded-postmaster.ts'
import { averageSize, type BodyKind, writeBodies } from '../bodies.ts'
import { type Child, type Env, freePort, runProgram, startService } from '../child.ts'
import { type Bench, CannotRun, type Contender, type Running } from '../contender.ts'
import { readSettings } from '../postgres.ts'
import { runWrk, type Target } from '../wrk.ts'

export const CLI = fileURLToPath(new URL('../../src/tempo.js', import.meta.url))
/** What `npm start` tells Node itself. */
const OPTIONS = program.scripts.start.split(' ').filter((word) => word.startsWith('--'))
const PROMISE = 'stored: committed and synced to disk'

export type TempoServer = { service: Child; target: Target; dataDir: string }

/** Starts it with an empty data folder, and makes a token as for Proxmox. */
export async function startTempo(
  bench: Pick<Bench, 'folder' | 'makeFolder'>,
  env: Env,
  bodies: BodyKind = 'proxmox',
): Promise<TempoServer> {
  const dataDir = await bench.makeFolder('tempo')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const all = { TEMPO_HOST: '127.0.0.1', TEMPO_PORT: String(port), TEMPO_DATA_DIR: dataDir, ...env }
  const service = await startService({
    command: process.execPath,
    args: [...OPTIONS, CLI, 'serve'],
    env: all,
    logFile: join(bench.folder, `tempo-${port}.log`),
    readyUrl: `${url}/health`,
  })
  const create = [CLI, 'token', 'create', '--name', 'bench', '--provider', 'com.proxmox']
  const token = (await runProgram(process.execPath, create, all)).trim()
  const bodiesFile = await writeBodies(bench.folder, bodies)
  return { service, target: { url: `${url}/ingest`, bodiesFile, token }, dataDir }
}

/** Where its embedded database answers, and the process that it is. */
export async function embeddedTarget(dataDir: string): Promise<{ target: DatabaseTarget; pid: number }> {
  const postmaster = await findPostmaster(await locate(dataDir))
  if (!postmaster?.socketDir) throw new Error(`no database runs in ${dataDir}`)
  const target = { host: postmaster.socketDir, port: SOCKET_PORT, user: DATABASE, database: DATABASE }
  return { target, pid: postmaster.pid }
}

/** Without what the server itself has to say, as of a guest that a backup left out. */
async function countSent(sql: Sql): Promise<number> {
  const [row] = await sql<
    [{ count: number }]
  >`SELECT count(*)::int AS count FROM events WHERE provider <> ${WATCH_PROVIDER}`
  return row.count
}

/** On the PostgreSQL of the benchmark; `setUp` is done before anything is sent. */
export async function startOnPostgres(
  bench: Bench,
  env: Env,
  setUp: (server: TempoServer) => Promise<void> = async () => {},
  bodies?: BodyKind,
): Promise<Running> {
  const database = await bench.postgres.createDatabase()
  const server = await startTempo(bench, { DATABASE_URL: database.url, ...env }, bodies)
  await setUp(server)
  const { service, target } = server
  return {
    pid: service.pid,
    log: service.log,
    load: (load) => runWrk(target, load),
    postmaster: bench.postgres.pid,
    countRows: () => countSent(database.sql),
    stop: async () => {
      await service.stop()
      await database.drop()
    },
  }
}

/** With its own embedded database, as `npm start` does. */
async function startOutOfTheBox(bench: Bench): Promise<Running> {
  const { service, target, dataDir } = await startTempo(bench, {})
  const embedded = await embeddedTarget(dataDir)
  const { sql } = createClient(embedded.target, { max: 1 })
  bench.note(`the embedded database: ${await readSettings(sql)}`)
  return {
    pid: service.pid,
    log: service.log,
    load: (load) => runWrk(target, load),
    postmaster: embedded.pid,
    countRows: () => countSent(sql),
    stop: async () => {
      await sql.end()
      await service.stop()
    },
  }
}

const ONE_BY_ONE = { TEMPO_WRITE_BATCH: '1' }

export const tempoOneByOne: Contender = {
  name: 'one-by-one',
  title: 'this server, one transaction per event',
  promise: PROMISE,
  prepare: async () => {
    const [unknown] = unknownSettings(ONE_BY_ONE)
    if (unknown) throw new CannotRun(unknown)
  },
  start: (bench) => startOnPostgres(bench, ONE_BY_ONE),
}

export const tempo: Contender = {
  name: 'tempo',
  title: 'this server',
  promise: PROMISE,
  start: (bench) => startOnPostgres(bench, {}),
}

/** Each backup report also writes the backup of its guest, and what is known of that guest. */
export const tempoReports: Contender = {
  name: 'reports',
  title: `this server, whole backup reports (${averageSize('reports')} bytes)`,
  promise: 'stored, with the backup of each guest: committed and synced to disk',
  start: (bench) => startOnPostgres(bench, {}, undefined, 'reports'),
}

/** On the build that the embedded database has, but with the default settings of PostgreSQL. */
export const tempoPackaged: Contender = {
  name: 'packaged',
  title: 'this server, packaged PostgreSQL apart',
  promise: PROMISE,
  prepare: async ({ packaged }) => {
    if (!packaged) throw new CannotRun('the PostgreSQL of the benchmark is the packaged one already')
  },
  start: async (bench) => startOnPostgres({ ...bench, postgres: await bench.packaged!() }, {}),
}

export const tempoEmbedded: Contender = {
  name: 'embedded',
  title: 'this server, out of the box',
  promise: PROMISE,
  start: startOutOfTheBox,
}
