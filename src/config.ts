/** Every setting once, and the only place that reads the environment. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { z } from 'zod'
import { fatal } from './errors.ts'
import { parseRetention } from './retention/parse.ts'
import type { Retention } from './retention/policy.ts'

type Setting<T> = {
  env: string
  schema: z.ZodType<T, string>
  /** Value when the variable is not set, and how the documentation shows it. */
  fallback: () => T
  shownDefault: string
  doc: string
  secret?: boolean
}

function setting<T>(value: Setting<T>): Setting<T> {
  return value
}

const text = z.string().min(1, 'must not be empty')
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`)

const MIB = 1024 * 1024
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** Root is the usual user inside containers, where the working folder is often not writable for PostgreSQL's user. */
function defaultDataDir(): string {
  return process.getuid?.() === 0 ? '/var/lib/tempo' : resolve('data')
}

/** Scheme and user, the hosts, and the rest; an unescaped `@` belongs to the password. */
const DATABASE_URL_PARTS = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#@]*)(.*)$/s

/**
 * What both `URL` and postgres.js can read, for one host or several (PostgreSQL, 32.1.1.2 Connection URIs). A socket
 * needs no host: postgres://user@/tempo?host=/run/postgresql.
 */
function isDatabaseUrl(text: string): boolean {
  const [, start, authority, rest] = DATABASE_URL_PARTS.exec(text) ?? []
  if (authority === undefined) return false
  const hosts = authority.split(',')
  const isAlone = hosts.length === 1
  try {
    const urls = hosts.map(
      (host) => new URL(`${start}${isAlone && rest !== '' ? host || 'localhost' : host}${rest}`),
    )
    for (const url of urls)
      for (const part of [url.username, url.password, url.hostname, url.pathname]) decodeURIComponent(part)
    return urls.every(({ hostname }) => hostname !== '') && hasAsManyPorts(urls[0]!.searchParams)
  } catch {
    return false
  }
}

/** `?host=a,b` takes one port for all, or one for each. */
function hasAsManyPorts(parameters: URLSearchParams): boolean {
  const hosts = parameters.get('host')?.split(',') ?? []
  const ports = parameters.get('port')?.split(',') ?? []
  const isPort = (text: string) => /^\d{0,5}$/.test(text) && Number(text) <= 65_535
  const isSound = ports.every(isPort) && (ports.length <= 1 || ports.length === hosts.length)
  return isSound && (hosts.length <= 1 || !hosts.includes(''))
}

/** Whether it leads to a server that can be written to (PostgreSQL, 32.1.2 target_session_attrs). */
function isForWriting(text: string): boolean {
  const [, wanted = 'any'] = /[?&]target_session_attrs=([^&]*)/.exec(text) ?? []
  return ['any', 'primary', 'read-write'].includes(wanted)
}

/** `10.0.0.2`, `10.0.0.0/8`, `fd00::/8`. */
function isNetwork(text: string): boolean {
  const [address, bits, more] = text.split('/')
  const family = isIP(address!)
  if (family === 0 || more !== undefined) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

export const SETTINGS = {
  host: setting({
    env: 'TEMPO_HOST',
    schema: text,
    fallback: () => '0.0.0.0',
    shownDefault: '0.0.0.0',
    doc: 'Address to listen on.',
  }),
  port: setting({
    env: 'TEMPO_PORT',
    schema: wholeNumber(0, 65_535),
    fallback: () => 7776,
    shownDefault: '7776',
    doc: 'Port to listen on; 0 takes any free one.',
  }),
  databaseUrl: setting<string | null>({
    env: 'DATABASE_URL',
    schema: z
      .string()
      .refine(
        isDatabaseUrl,
        'must be a URL such as postgres://user:password@host:5432/tempo; write special characters of the password as %XX',
      )
      .refine(
        isForWriting,
        'must lead to a server that can be written to: target_session_attrs may be primary or read-write',
      ),
    fallback: () => null,
    shownDefault: 'embedded PostgreSQL',
    doc: 'A PostgreSQL server, 15 or later. Unset: an embedded one in `TEMPO_DATA_DIR`.',
    secret: true,
  }),
  dataDir: setting({
    env: 'TEMPO_DATA_DIR',
    schema: text.transform((path) => resolve(path)),
    fallback: defaultDataDir,
    shownDefault: './data (root: /var/lib/tempo)',
    doc: 'Folder for the embedded database, the spool, and the files `admin-token`, `secret-key` and `tokens.json`.',
  }),
  scoresDir: setting<string | null>({
    env: 'TEMPO_SCORES_DIR',
    schema: text.transform((path) => resolve(path)),
    fallback: () => null,
    shownDefault: 'none',
    doc: 'Folder with your own score files; they replace bundled ones of the same provider.',
  }),
  basePath: setting({
    env: 'TEMPO_BASE_PATH',
    schema: z
      .string()
      .regex(/^(\/[A-Za-z0-9._~-]+)*\/?$/, 'must look like /tempo')
      .transform((path) => path.replace(/\/$/, '')),
    fallback: () => '',
    shownDefault: '/',
    doc: 'Path under which a proxy shows the server.',
  }),
  logLevel: setting({
    env: 'TEMPO_LOG_LEVEL',
    schema: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`),
    fallback: () => 'info' as const,
    shownDefault: 'info',
    doc: `${LOG_LEVELS.slice(0, -1).join(', ')} or ${LOG_LEVELS.at(-1)}.`,
  }),
  maxBodyBytes: setting({
    env: 'TEMPO_MAX_BODY_BYTES',
    schema: wholeNumber(1_024, 256 * MIB),
    fallback: () => 4 * MIB,
    shownDefault: '4194304 (4 MiB)',
    doc: 'Largest body that is accepted, in bytes.',
  }),
  rateLimit: setting({
    env: 'TEMPO_RATE_LIMIT',
    schema: wholeNumber(0, 1_000_000),
    fallback: () => 0,
    shownDefault: '0 (off)',
    doc: 'Events per minute that one token may send; above it the answer is 429.',
  }),
  quarantineMaxBodies: setting({
    env: 'TEMPO_QUARANTINE_MAX_BODIES',
    schema: wholeNumber(1, 1_000_000),
    fallback: () => 1_000,
    shownDefault: '1000',
    doc: 'Refused bodies that are kept for repair; the oldest go first.',
  }),
  quarantineMaxBytes: setting({
    env: 'TEMPO_QUARANTINE_MAX_BYTES',
    schema: wholeNumber(1_024, 16_384 * MIB),
    fallback: () => 64 * MIB,
    shownDefault: '67108864 (64 MiB)',
    doc: 'Bytes of refused bodies that are kept in all.',
  }),
  deliveriesMax: setting({
    env: 'TEMPO_DELIVERIES_MAX',
    schema: wholeNumber(100, 100_000_000),
    fallback: () => 100_000,
    shownDefault: '100000',
    doc: 'Deliveries that are kept, under load up to 250 more; of senders without a valid token 1000 at the most.',
  }),
  writeDeadlineMs: setting({
    env: 'TEMPO_WRITE_DEADLINE_MS',
    schema: wholeNumber(100, 60_000),
    fallback: () => 2_000,
    shownDefault: '2000',
    doc: 'Milliseconds that the database may take to store an event; then it goes to the spool.',
  }),
  writeBatch: setting({
    env: 'TEMPO_WRITE_BATCH',
    schema: wholeNumber(1, 1_000),
    fallback: () => 200,
    shownDefault: '200',
    doc: 'Events that are stored with one commit at the most; there for measurements.',
  }),
  spoolDir: setting<string | null>({
    env: 'TEMPO_SPOOL_DIR',
    schema: text.transform((path) => resolve(path)),
    fallback: () => null,
    shownDefault: '`spool` in `TEMPO_DATA_DIR`',
    doc: 'Folder for what is accepted while the database is away; several servers may share it.',
  }),
  spoolMaxBytes: setting({
    env: 'TEMPO_SPOOL_MAX_BYTES',
    schema: wholeNumber(1_024, 1_048_576 * MIB),
    fallback: () => 1_024 * MIB,
    shownDefault: '1073741824 (1 GiB)',
    doc: 'Bytes that the spool may take; beyond it events are answered 503.',
  }),
  retention: setting<Retention | null>({
    env: 'TEMPO_RETENTION',
    schema: z.string().transform((text, context) => {
      const parsed = parseRetention(text)
      if ('retention' in parsed) return parsed.retention
      for (const message of parsed.problems) context.addIssue({ code: 'custom', message })
      return z.NEVER
    }),
    fallback: () => null,
    shownDefault: 'everything is kept',
    doc: 'How long events are kept, as in `info=90d, warning=1y`; [docs/retention.md](docs/retention.md).',
  }),
  publicUrl: setting<string | null>({
    env: 'TEMPO_PUBLIC_URL',
    schema: z
      .string()
      .regex(/^https?:\/\/[^\s?#]+$/, 'must be an address such as https://tempo.lan')
      .transform((url) => url.replace(/\/+$/, '')),
    fallback: () => null,
    shownDefault: 'none',
    doc: 'Where people reach this server, for links in notifications.',
  }),
  channelsFile: setting<string | null>({
    env: 'TEMPO_CHANNELS_FILE',
    schema: text.transform((path) => resolve(path)),
    fallback: () => null,
    shownDefault: 'none',
    doc: 'YAML file of notification channels, read at the start and when it changes; [docs/notifications.md](docs/notifications.md).',
  }),
  privateTargets: setting({
    env: 'TEMPO_PRIVATE_TARGETS',
    schema: z.enum(['allow', 'refuse'], 'must be allow or refuse'),
    fallback: () => 'allow' as const,
    shownDefault: 'allow',
    doc: 'Whether channels may send to private addresses and to this machine; link-local ones are always refused.',
  }),
  sessionHours: setting({
    env: 'TEMPO_SESSION_HOURS',
    schema: wholeNumber(1, 8_760),
    fallback: () => 168,
    shownDefault: '168 (a week)',
    doc: 'Hours after which the page asks for a token again.',
  }),
  proxyUserHeader: setting<string | null>({
    env: 'TEMPO_PROXY_USER_HEADER',
    schema: z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header, such as Remote-User'),
    fallback: () => null,
    shownDefault: 'none',
    doc: 'Header in which a proxy that signs people in names them; believed from `TEMPO_TRUSTED_PROXIES` alone.',
  }),
  trustedProxies: setting({
    env: 'TEMPO_TRUSTED_PROXIES',
    schema: z.string().transform((value, context) => {
      const parts = value
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean)
      if (parts.every(isNetwork)) return parts
      context.addIssue({
        code: 'custom',
        message: 'must be addresses such as 10.0.0.2 or 10.0.0.0/8, with commas',
      })
      return z.NEVER
    }),
    fallback: () => [] as string[],
    shownDefault: 'none',
    doc: 'Addresses of proxies whose `TEMPO_PROXY_USER_HEADER` is believed.',
  }),
  proxyScope: setting({
    env: 'TEMPO_PROXY_SCOPE',
    schema: z.enum(['read', 'admin'], 'must be read or admin'),
    fallback: () => 'read' as const,
    shownDefault: 'read',
    doc: 'What people whom a proxy names may do: `read`, or `admin` for changes, too.',
  }),
  adminToken: setting<string | null>({
    env: 'TEMPO_ADMIN_TOKEN',
    schema: z.string().min(32, 'must have at least 32 characters; make one with: openssl rand -hex 32'),
    fallback: () => null,
    shownDefault: 'made at the first start',
    doc: 'A token with all rights, chosen by you.',
    secret: true,
  }),
  secretKey: setting<string | null>({
    env: 'TEMPO_SECRET_KEY',
    schema: z.string().min(32, 'must have at least 32 characters; make one with: openssl rand -hex 32'),
    fallback: () => null,
    shownDefault: 'made at the first start',
    doc: 'Key under which secrets are stored; the same for all servers of a database. Unset: the file `secret-key`.',
    secret: true,
  }),
}

export type Config = {
  [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never
}

export type Environment = Record<string, string | undefined>

/**
 * Reads the settings from `env`. `NAME_FILE` gives the path of a file that holds the value of `NAME`.
 * Throws one fatal with a line per problem; no line repeats a value, which may be a secret.
 */
export function loadConfig(env: Environment = process.env): Config {
  const problems: string[] = []
  const entries = Object.entries(SETTINGS).map(([name, definition]) => {
    const raw = readRaw(env, definition.env, problems)
    if (raw === undefined) return [name, definition.fallback()]
    const parsed = (definition.schema as z.ZodType).safeParse(raw)
    for (const { message } of parsed.error?.issues ?? []) problems.push(`${definition.env} ${message}`)
    return [name, parsed.data]
  })
  if (problems.length > 0) throw fatal('bad_config', problems.join('\n'))
  return Object.fromEntries(entries) as Config
}

function readRaw(env: Environment, name: string, problems: string[]): string | undefined {
  const direct = env[name]
  const file = env[`${name}_FILE`]
  if (!file) return direct?.trim() || undefined
  if (direct) {
    problems.push(`${name} and ${name}_FILE are both set; keep one of them`)
    return undefined
  }
  try {
    const value = readFileSync(file, 'utf8').trim()
    if (value) return value
    problems.push(`${name}_FILE names an empty file`)
  } catch (error) {
    problems.push(`${name}_FILE cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}`)
  }
  return undefined
}

/** Sentences about variables that look like settings and are none: a misspelt one would silently do nothing. */
export function unknownSettings(env: Environment = process.env): string[] {
  const known = new Set(Object.values(SETTINGS).flatMap(({ env: name }) => [name, `${name}_FILE`]))
  for (const name of COMMAND_VARIABLES) known.add(name)
  return Object.keys(env)
    .filter((name) => /^TEMPO_(?!TEST_|CI_)/.test(name) && !known.has(name))
    .map((name) => `${name} is not a setting; the README lists them`)
}

/** Variables of commands, not of the server. */
const COMMAND_VARIABLES = ['TEMPO_URL', 'TEMPO_TOKEN']

/** The settings as a Markdown table, for the README. */
export function settingsTable(): string {
  const rows = Object.values(SETTINGS).map(
    ({ env, shownDefault, doc }) => `| \`${env}\` | ${shownDefault} | ${doc} |`,
  )
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

/** A variable that the file of channels refers to; null when it is not set. */
export function environmentVariable(name: string, env: Environment = process.env): string | null {
  return env[name] ?? null
}

/** What the command line takes from the environment beside the settings. */
export function commandVariables(env: Environment = process.env): {
  url: string | undefined
  token: string | undefined
} {
  return { url: env.TEMPO_URL || undefined, token: env.TEMPO_TOKEN || undefined }
}
