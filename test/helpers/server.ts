import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scope } from '../../src/access.ts'
import { adminTokenPath } from '../../src/admin-token.ts'
import { type App, createApp, type Overrides } from '../../src/app.ts'
import { makeToken } from '../../src/auth/secret.ts'
import { loadConfig } from '../../src/config.ts'
import type { Log } from '../../src/log.ts'
import type { Database } from '../../src/storage/database.ts'
import { insertToken } from '../../src/storage/tokens.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

export type LogLine = { level: string; facts: Record<string, unknown>; message: string }

export type TestServer = {
  url: string
  app: App
  database: TestDatabase
  db: Database
  dataDir: string
  adminToken: string
  log: LogLine[]
  /** Makes a token, bound to these providers. */
  token: (providers?: string[], scopes?: Scope[], expiresAt?: Date | null) => Promise<string>
  post: (
    path: string,
    token: string | null,
    body: unknown,
    headers?: Record<string, string>,
  ) => Promise<Answer>
  get: (path: string, token?: string | null) => Promise<Answer>
  /** Any other request, with the admin token unless headers say otherwise. */
  request: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
  stop: () => Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes.
export type Answer = { status: number; headers: Headers; text: string; body: any }

type Options = { env?: Record<string, string>; database?: TestDatabase; overrides?: Overrides }

/** A whole server on a free port and a database of its own (or the one given, for several servers on one). */
export async function startTestServer({
  env = {},
  database,
  overrides = {},
}: Options = {}): Promise<TestServer> {
  const own = database ?? (await createTestDatabase())
  const dataDir = await mkdtemp(join(tmpdir(), 'tempo-data-'))
  const log: LogLine[] = []
  const config = loadConfig({
    TEMPO_HOST: '127.0.0.1',
    TEMPO_PORT: '0',
    DATABASE_URL: own.url,
    TEMPO_DATA_DIR: dataDir,
    TEMPO_LOG_LEVEL: 'debug',
    // A busy disk must not turn an answer of 200 into one of 202; tests of outages set their own.
    TEMPO_WRITE_DEADLINE_MS: '20000',
    ...env,
  })
  const app = await createApp(config, collectingLog(log), overrides)
  const { port } = await app.start()
  const url = `http://127.0.0.1:${port}`
  const adminToken =
    env.TEMPO_ADMIN_TOKEN ?? (await readFile(adminTokenPath(dataDir), 'utf8').catch(() => '')).trim()
  const db = own.open()
  return {
    url,
    app,
    database: own,
    db,
    dataDir,
    adminToken,
    log,
    token: async (providers = [], scopes = ['ingest'], expiresAt = null) => {
      const { secret, token } = makeToken({ name: `test ${providers}`, scopes, providers, expiresAt })
      await insertToken(db, token)
      return secret
    },
    post: (path, token, body, headers = {}) =>
      send(url + path, 'POST', body, { ...(token ? { 'X-Tempo-Token': token } : {}), ...headers }),
    get: (path, token = adminToken) =>
      send(url + path, 'GET', undefined, token ? { 'X-Tempo-Token': token } : {}),
    request: (method, path, body, headers = { 'X-Tempo-Token': adminToken }) =>
      send(url + path, method, body, {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      }),
    stop: async () => {
      await app.stop()
      if (!database) await own.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Text and bytes are sent as they are, anything else as JSON. */
async function send(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array
  const content = (raw ? body : JSON.stringify(body)) as string | Uint8Array<ArrayBuffer> | undefined
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'manual',
    ...(content === undefined ? {} : { body: content }),
  })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null }
}

function collectingLog(lines: LogLine[]): Log {
  const at = (level: string) => (facts: Record<string, unknown>, message: string) => {
    lines.push({ level, facts, message })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), fatal: at('fatal') }
}

/** Polls until `look` gives a value that is not null, undefined or false; fails after `ms`. */
export async function eventually<T>(
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  ms = 5_000,
): Promise<T> {
  const end = Date.now() + ms
  for (;;) {
    const value = await look()
    if (value !== null && value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${look}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The content of a fixture, as text. */
export function fixture(path: string): Promise<string> {
  return readFile(new URL(`../fixtures/${path}`, import.meta.url), 'utf8')
}
