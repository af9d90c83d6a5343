import { stat } from 'node:fs/promises'
import { Command } from 'commander'
import { adminTokenPath } from '../admin-token.ts'
import { type Config, loadConfig, unknownSettings } from '../config.ts'
import { spoolDir } from '../open-ingest.ts'
import { createLibrary } from '../scores/library.ts'
import { BUNDLED_DIR } from '../scores/load.ts'
import { inspectFolder } from '../spool/adopt.ts'
import { listTokens } from '../storage/tokens.ts'
import { checkChannels } from './doctor-channels.ts'
import { explain } from './explain.ts'
import { serverUrl } from './server-access.ts'
import type { Terminal } from './terminal.ts'
import { withDatabase } from './with-database.ts'

type Finding = { level: 'good' | 'note' | 'bad'; text: string }

/** `tempo doctor`: looks at everything that commonly goes wrong and says what to do; exit code 1 when something is. */
export function doctorCommand(terminal: Terminal): Command {
  return new Command('doctor')
    .description('Check configuration, database, server, scores, tokens and channels')
    .action(async () => {
      const config = loadConfig()
      for (const check of [
        checkSettings,
        checkServer,
        checkDatabase,
        checkSpool,
        checkScores,
        checkAdminToken,
      ]) {
        for (const { level, text } of await check(config)) {
          terminal.out.write(`${level.padEnd(5)} ${text}\n`)
          if (level === 'bad') terminal.exitCode = 1
        }
      }
    })
}

async function checkSettings(): Promise<Finding[]> {
  const unknown = unknownSettings()
  if (unknown.length === 0) return [{ level: 'good', text: 'settings are valid' }]
  return unknown.map((text) => ({ level: 'note', text }))
}

async function checkServer(config: Config): Promise<Finding[]> {
  const url = `${serverUrl(config)}/health`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3_000) })
    const { status, version, spool } = (await response.json()) as {
      status: string
      version: string
      spool?: { depth: number }
    }
    const level = status === 'ok' ? 'good' : 'bad'
    const depth = spool?.depth ?? 0
    return [
      { level, text: `server ${version} at ${url} says it is ${status}` },
      ...(depth > 0
        ? [{ level: 'note', text: `its spool: ${depth} event(s) wait for the database` } as const]
        : []),
    ]
  } catch {
    return [{ level: 'note', text: `no Tempo server answers at ${url}; start it with: npm start` }]
  }
}

async function checkDatabase(config: Config): Promise<Finding[]> {
  const kind = config.databaseUrl
    ? 'the PostgreSQL of DATABASE_URL'
    : `the embedded PostgreSQL in ${config.dataDir}`
  try {
    return await withDatabase('doctor', async (db) => {
      const [row] = await db.write<{ version: string; off: string | null }[]>`
        SELECT current_setting('server_version') AS version,
               (SELECT string_agg(name, ' and ') FROM pg_settings
                WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off') AS off`
      const now = new Date()
      const inForce = (await listTokens(db)).filter(
        ({ revokedAt, expiresAt }) => !revokedAt && (!expiresAt || expiresAt > now),
      )
      const ingest = inForce.filter((token) => token.scopes.includes('ingest'))
      return [
        { level: 'good', text: `${kind} answers: version ${row?.version}, schema up to date` },
        row?.off
          ? {
              level: 'bad',
              text: `with ${row.off} off, a power cut can lose events that were answered with 200`,
            }
          : { level: 'good', text: 'what is answered with 200 survives a power cut' },
        ingest.length > 0
          ? { level: 'good', text: `${ingest.length} token(s) for senders` }
          : {
              level: 'note',
              text: 'no token for senders yet: tempo token create --name pve --provider com.proxmox',
            },
        ...(await checkChannels(db, config)),
      ]
    })
  } catch (error) {
    return [{ level: 'bad', text: `${kind}: ${explain(error)}` }]
  }
}

async function checkSpool(config: Config): Promise<Finding[]> {
  const folder = spoolDir(config)
  try {
    const { files, bytes, damaged } = await inspectFolder(folder)
    const findings: Finding[] = damaged.map((path) => ({
      level: 'bad',
      text: `${path} is a part of the spool that could not be read; look at it, and remove it`,
    }))
    if (files === 0) return [{ level: 'good', text: 'nothing waits in the spool' }, ...findings]
    const text = `${folder} holds ${bytes} bytes that wait; the server stores them when the database answers`
    return [{ level: 'note', text }, ...findings]
  } catch (error) {
    return [{ level: 'bad', text: `the spool cannot be looked at: ${explain(error)}` }]
  }
}

async function checkScores(config: Config): Promise<Finding[]> {
  const library = await createLibrary({ bundledDir: BUNDLED_DIR, ownDir: config.scoresDir })
  const { scores, problems } = library.current()
  return [
    { level: 'good', text: `${scores.length} scores load` },
    ...problems.flatMap(({ file, problems: found }) =>
      found.map(({ path, message }): Finding => ({ level: 'bad', text: `${file}: ${path} ${message}` })),
    ),
  ]
}

async function checkAdminToken(config: Config): Promise<Finding[]> {
  if (config.adminToken) return [{ level: 'good', text: 'the admin token comes from the configuration' }]
  const path = adminTokenPath(config.dataDir)
  try {
    const open = ((await stat(path)).mode & 0o077) !== 0
    if (open) return [{ level: 'bad', text: `${path} can be read by others: chmod 600 ${path}` }]
    return [{ level: 'good', text: `${path} is there, and private` }]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') return [{ level: 'bad', text: `${path} cannot be looked at (${code})` }]
    const advice = 'make a token with: tempo token create --scope admin --name admin'
    return [{ level: 'note', text: `${path} is not there; ${advice}` }]
  }
}
