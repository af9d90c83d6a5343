import { Command } from 'commander'
import { ADMIN_TOKEN_WRITTEN, adminTokenPath } from '../admin-token.ts'
import { createApp } from '../app.ts'
import { type Config, loadConfig, unknownSettings } from '../config.ts'
import { createLog, type Log } from '../log.ts'
import { VERSION } from '../version.ts'
import { takePrecedence } from './precedence.ts'
import type { Terminal } from './terminal.ts'

/** `tempo serve`: runs until a signal, and then ends without losing an accepted event. */
export function serveCommand(terminal: Terminal): Command {
  return new Command('serve').description('Run the server').action(async () => {
    const config = loadConfig()
    const log = createLog(config.logLevel, terminal.out)
    for (const sentence of unknownSettings()) log.warn({}, sentence)
    endOnFault(log)
    const stopped = nextSignal()
    const app = await createApp(config, log)
    try {
      const { port } = await app.start()
      takePrecedence(log)
      log.info(
        { version: VERSION, host: config.host, port, database: config.databaseUrl ? 'postgres' : 'embedded' },
        'listening',
      )
      greet(terminal, config, port, app.firstAdminToken, log)
      log.info({ signal: await stopped }, 'stopping')
    } finally {
      await app.stop()
    }
    log.info({}, 'stopped')
  })
}

/** Milliseconds in which a signal counts as the same: Ctrl-C reaches us from the terminal and once more through npm. */
const SAME_SIGNAL_MS = 1_000

/**
 * Listened for from the beginning, so that a signal during the start ends it in order too. SIGHUP comes when the
 * terminal is closed. Who sends another signal later does not want to wait any more.
 */
function nextSignal(): Promise<string> {
  let first = 0
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        first ||= Date.now()
        if (Date.now() - first > SAME_SIGNAL_MS) process.exit(1)
        resolve(signal)
      })
    }
  })
}

/** A fault of ours goes through the log, which hides what errors carry, and ends us: nobody knows our state then. */
function endOnFault(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a fault of the server ends it')
    process.exit(1)
  })
}

/**
 * Says what to do next. The first admin token is shown on a terminal only: elsewhere the output is a log, and no log
 * holds a secret.
 */
function greet(terminal: Terminal, config: Config, port: number, adminToken: string | null, log: Log): void {
  const path = adminTokenPath(config.dataDir)
  if (adminToken && !terminal.out.isTTY) log.info({ path }, ADMIN_TOKEN_WRITTEN)
  if (!terminal.out.isTTY) return
  const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host
  const lines = [
    '',
    `  Tempo server ${VERSION} is ready at http://${host}:${port}${config.basePath}/`,
    ...(adminToken ? ['', `  Admin token, shown once and kept in ${path}:`, `  ${adminToken}`] : []),
    '',
    '  Next: make a token for Proxmox in a second terminal, and paste it there as the README shows.',
    '  npx tempo token create --name pve --provider com.proxmox',
    '',
  ]
  terminal.out.write(`${lines.join('\n')}\n`)
}
