/** Node-RED, what many a homelab receives webhooks with: HTTP in → a function that inserts with `pg` → HTTP response. */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeBodies } from '../bodies.ts'
import { freePort, runProgram, startService } from '../child.ts'
import { type Bench, CannotRun, type Contender, type Running } from '../contender.ts'
import { PLAIN_TABLES, plainInsert } from '../plain-tables.ts'
import { runWrk } from '../wrk.ts'

const PACKAGES = ['node-red@4.1.15', 'pg@8.23.1']

const installFolder = (bench: Bench) => join(bench.folder, 'node-red')

/** For this run only; nothing of it comes near the project's own packages. */
async function install(bench: Bench): Promise<void> {
  const folder = installFolder(bench)
  if (existsSync(folder)) return
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error']
  try {
    // What the user's npm is told about registries and certificates holds here, too.
    await runProgram('npm', ['install', ...flags, ...PACKAGES], process.env, folder)
  } catch (error) {
    throw new CannotRun(
      `npm cannot install ${PACKAGES.join(' and ')}: ${(error as Error).message.split('\n')[1]}`,
    )
  }
}

const STATEMENT = plainInsert({
  node: '$1::text',
  vmid: '$2::text',
  title: '$3::text',
  startDate: 'to_timestamp($4)',
  severity: '$5::text',
  metadata: '$6::json',
})

/** A message that the database refuses is never answered, which the load generator reports. */
const INSERT = `
const { title, startDate, metadata } = msg.payload
const { NodeName, VMID, severity } = metadata
const values = [NodeName, VMID, title, startDate, severity, JSON.stringify(metadata)]
const { rows } = await global.get('pool').query({ name: 'insert', text: global.get('statement'), values })
msg.payload = { id: rows[0].id }
return msg
`

const FLOW = [
  { id: 'tab', type: 'tab', label: 'events' },
  { id: 'in', type: 'http in', z: 'tab', url: '/ingest', method: 'post', wires: [['insert']] },
  { id: 'insert', type: 'function', z: 'tab', func: INSERT, outputs: 1, libs: [], wires: [['out']] },
  { id: 'ready', type: 'http in', z: 'tab', url: '/ready', method: 'get', wires: [['out']] },
  { id: 'out', type: 'http response', z: 'tab', statusCode: '200', wires: [] },
]

/** The pool has the ten connections that it has by default, about as many as this server. */
function settings(port: number, database: string): string {
  const connection = JSON.stringify({ connectionString: database, max: 10 })
  return `const { Pool } = require('pg')
module.exports = {
  uiHost: '127.0.0.1', uiPort: ${port}, flowFile: 'flows.json', credentialSecret: false,
  telemetry: { enabled: false, updateNotification: false },
  logging: { console: { level: 'warn', metrics: false, audit: false } },
  functionGlobalContext: { pool: new Pool(${connection}), statement: ${JSON.stringify(STATEMENT)} },
}
`
}

async function start(bench: Bench): Promise<Running> {
  const database = await bench.postgres.createDatabase()
  await database.sql.unsafe(PLAIN_TABLES)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  // Inside the installation, so that its settings find pg.
  const userDir = join(installFolder(bench), `user-${port}`)
  await mkdir(userDir)
  await writeFile(join(userDir, 'flows.json'), JSON.stringify(FLOW))
  await writeFile(join(userDir, 'settings.js'), settings(port, database.url))
  const program = join(installFolder(bench), 'node_modules/node-red/red.js')
  const service = await startService({
    command: process.execPath,
    args: [program, '--userDir', userDir],
    logFile: join(userDir, 'log'),
    readyUrl: `${url}/ready`,
  })
  const target = {
    url: `${url}/ingest`,
    bodiesFile: await writeBodies(bench.folder, 'proxmox'),
    token: 'none',
  }
  return {
    pid: service.pid,
    log: service.log,
    load: (load) => runWrk(target, load),
    postmaster: bench.postgres.pid,
    countRows: async () => (await database.sql`SELECT count(*)::int AS count FROM events`)[0]!.count,
    stop: async () => {
      await service.stop()
      await database.drop()
    },
  }
}

export const nodeRed: Contender = {
  name: 'node-red',
  title: 'Node-RED, insert with pg',
  promise:
    'stored: committed and synced to disk, because this flow waits for it; no check, no token, no score',
  prepare: install,
  start,
}
