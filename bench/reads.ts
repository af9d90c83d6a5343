/**
 * Whether reading stays flat: databases of growing size, each query of the API against all of them, in turn. Run by
 * `npm run bench:reads`; `--sizes 10000,1000000` for fewer events, `--rounds 20` for more rounds, `--only q:` for some
 * queries, `--keep folder` to keep the databases and find them there the next time.
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { silentLog } from '../src/log.ts'
import { createClient } from '../src/storage/database.ts'
import { startEmbedded } from '../src/storage/embedded.ts'
import { migrateDatabase } from '../src/storage/migrate.ts'
import { fillDatabase } from './reads-database.ts'
import { IN_THE_MIDDLE, QUERIES } from './reads-queries.ts'

const TOKEN = 'bench-reads-token-of-no-use-elsewhere-0123456789'
const WARM_UP = 3

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,1000000,5000000' },
    rounds: { type: 'string', default: '9' },
    only: { type: 'string', default: '' },
    keep: { type: 'string' },
  },
})
const sizes = options.sizes.split(',').map(Number)
const rounds = Number(options.rounds)

type Ask = (path: string) => Promise<{ ms: number; body: { nextCursor?: string | null } }>
type Server = { size: number; ask: Ask; stop: () => Promise<void> }

const dataDir = options.keep ? resolve(options.keep) : await mkdtemp(join(tmpdir(), 'tempo-reads-'))
await mkdir(dataDir, { recursive: true })
// PostgreSQL, which as root runs as another user, must be able to pass.
await chmod(dataDir, 0o755)
const embedded = await startEmbedded({
  dataDir: join(dataDir, 'data'),
  role: 'command',
  label: 'bench reads',
})
const servers: Server[] = []
try {
  for (const size of sizes) servers.push(await openServer(size))
  await printSettings()
  const wanted = QUERIES.filter(({ name }) => name.includes(options.only))
  const middle = wanted.filter(({ name }) => IN_THE_MIDDLE.some((filter) => name.endsWith(`, ${filter}`)))
  const rows = []
  for (const { name, path } of wanted) rows.push(await measure(name, () => path))
  for (const { name, path } of middle) rows.push(await measureMiddle(name, path))
  console.log(`\nms, medians of ${rounds}; ratio of the last to the first\n`)
  console.log(`| query | ${sizes.map((size) => size.toLocaleString('en')).join(' | ')} | ratio |`)
  console.log(`|---|${sizes.map(() => '---:|').join('')}---:|`)
  for (const row of rows) console.log(row)
} finally {
  for (const server of servers) await server.stop()
  await embedded.stop()
  if (!options.keep) await rm(dataDir, { recursive: true, force: true })
}

/** A whole server on a database of so many events, which is made if it is not there yet. */
async function openServer(size: number): Promise<Server> {
  const database = `events_${size}`
  const { host, port, user } = embedded
  const admin = createClient({ host, port, user, database: embedded.database }, { max: 1 }).sql
  const [known] = await admin`SELECT 1 FROM pg_database WHERE datname = ${database}`
  if (!known) {
    console.error(`${size} events are being made`)
    const making = `${database}_making`
    await admin.unsafe(`DROP DATABASE IF EXISTS ${making}`)
    await admin.unsafe(`CREATE DATABASE ${making}`)
    const target = { host, port, user, database: making }
    await migrateDatabase(target)
    const { sql } = createClient(target, { max: 1 })
    await fillDatabase(sql, size)
    await sql.end()
    await admin.unsafe(`ALTER DATABASE ${making} RENAME TO ${database}`)
  }
  await admin.end()
  const url = `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
  const config = loadConfig({ DATABASE_URL: url, TEMPO_DATA_DIR: dataDir, TEMPO_ADMIN_TOKEN: TOKEN })
  const app = await createApp(config, silentLog)
  const ask: Ask = async (path) => {
    const start = performance.now()
    const request = new Request(`http://localhost/api/v1${path}`, { headers: { 'X-Tempo-Token': TOKEN } })
    const answer = await app.fetch(request)
    const text = await answer.text()
    const ms = performance.now() - start
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`)
    return { ms, body: JSON.parse(text) }
  }
  return { size, ask, stop: app.stop }
}

/** One query against all servers in turn, so that what else the machine does meets them all. */
async function measure(name: string, pathOf: (server: Server) => string): Promise<string> {
  const times = new Map(servers.map((server) => [server, [] as number[]]))
  for (const server of servers) for (let n = 0; n < WARM_UP; n++) await server.ask(pathOf(server))
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) times.get(server)!.push((await server.ask(pathOf(server))).ms)
  }
  const medians = [...times.values()].map(median)
  const ratio = medians.at(-1)! / medians[0]!
  const row = `| ${name} | ${medians.map((ms) => ms.toFixed(1)).join(' | ')} | ${ratio.toFixed(2)} |`
  console.error(row)
  return row
}

/** The page after about half of the list, by its cursor. */
async function measureMiddle(name: string, path: string): Promise<string> {
  const cursors = new Map<Server, string>()
  for (const server of servers) {
    const { body } = await server.ask(`${path}&limit=1`)
    if (!body.nextCursor) throw new Error(`${path} has one page only`)
    const [, id, snapshot] = JSON.parse(Buffer.from(body.nextCursor, 'base64url').toString())
    const at = Date.now() - 182 * 86_400_000
    cursors.set(server, Buffer.from(JSON.stringify([at, id, snapshot])).toString('base64url'))
  }
  return measure(`${name}, in the middle`, (server) => `${path}&cursor=${cursors.get(server)}`)
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

async function printSettings(): Promise<void> {
  const { host, port, user, database } = embedded
  const { sql } = createClient({ host, port, user, database }, { max: 1 })
  const rows = await sql<{ text: string }[]>`
    SELECT name || ' = ' || current_setting(name) AS text FROM unnest(string_to_array(
      'server_version,shared_buffers,work_mem,effective_cache_size,random_page_cost,jit,fsync', ',')) name`
  await sql.end()
  console.log(rows.map(({ text }) => text).join(', '))
}
