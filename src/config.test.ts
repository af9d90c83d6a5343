import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { type Environment, loadConfig, SETTINGS, settingsTable, unknownSettings } from './config.ts'
import { TempoError } from './errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'tempo-config-'))
after(() => rmSync(folder, { recursive: true }))

/** A file with this content, for NAME_FILE. */
function fileWith(content: string): string {
  const path = join(folder, `value-${content.length}`)
  writeFileSync(path, content)
  return path
}

/** The lines of a refusal. */
function problems(env: Environment): string[] {
  try {
    loadConfig(env)
  } catch (error) {
    assert.ok(error instanceof TempoError && error.code === 'bad_config')
    return error.message.split('\n')
  }
  return []
}

test('without any variable every setting has its default', () => {
  const { dataDir, ...rest } = loadConfig({})
  assert.equal(dataDir, process.getuid?.() === 0 ? '/var/lib/tempo' : resolve('data'))
  assert.deepEqual(rest, {
    host: '0.0.0.0',
    port: 7776,
    databaseUrl: null,
    scoresDir: null,
    basePath: '',
    logLevel: 'info',
    maxBodyBytes: 4 * 1024 * 1024,
    rateLimit: 0,
    quarantineMaxBodies: 1_000,
    quarantineMaxBytes: 64 * 1024 * 1024,
    deliveriesMax: 100_000,
    writeDeadlineMs: 2_000,
    writeBatch: 200,
    spoolDir: null,
    spoolMaxBytes: 1024 * 1024 * 1024,
    retention: null,
    publicUrl: null,
    channelsFile: null,
    privateTargets: 'allow',
    sessionHours: 168,
    proxyUserHeader: null,
    trustedProxies: [],
    proxyScope: 'read',
    adminToken: null,
    secretKey: null,
  })
})

test('an empty variable counts as not set, and blanks around a value do not count', () => {
  const { port, databaseUrl } = loadConfig({ TEMPO_PORT: ' 8080\n', DATABASE_URL: '' })
  assert.deepEqual([port, databaseUrl], [8080, null])
})

test('paths are made absolute, and a base path has no slash at its end', () => {
  const config = loadConfig({
    TEMPO_DATA_DIR: 'here',
    TEMPO_SCORES_DIR: '../there',
    TEMPO_BASE_PATH: '/a/b/',
  })
  assert.deepEqual([config.dataDir, config.scoresDir], [resolve('here'), resolve('../there')])
  assert.equal(config.basePath, '/a/b')
  assert.equal(loadConfig({ TEMPO_BASE_PATH: '/' }).basePath, '')
})

test('bounds and forms are held, each with a line that begins with the name', () => {
  const wrong: Record<string, string[]> = {
    TEMPO_PORT: ['65536', '-1', '80.5', 'http', '0x50'],
    TEMPO_BASE_PATH: ['tempo', '//', '/a b', '/a?b'],
    TEMPO_LOG_LEVEL: ['verbose', 'INFO'],
    TEMPO_MAX_BODY_BYTES: ['1023', '268435457', '4MiB'],
    TEMPO_RATE_LIMIT: ['-1'],
    TEMPO_DELIVERIES_MAX: ['99'],
    TEMPO_ADMIN_TOKEN: ['x'.repeat(31)],
    TEMPO_SECRET_KEY: ['x'.repeat(31)],
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const [line, ...more] = problems({ [name]: value })
      assert.ok(line?.startsWith(`${name} must `), `${name}=${value}: ${line}`)
      assert.deepEqual(more, [])
    }
  }
})

test('DATABASE_URL is taken in every form that works, and refused in those that would fail later', () => {
  const good = [
    'postgres://tempo@db/tempo',
    'postgresql://tempo:p%40ss%2Fword@db.lan:6432/tempo?sslmode=require',
    'postgres://tempo:secret@[::1]:5432/tempo',
    'postgres://tempo@/tempo?host=/run/postgresql',
    'postgres:///tempo?host=/run/postgresql',
    'postgres://localhost',
  ]
  for (const url of good) assert.equal(loadConfig({ DATABASE_URL: url }).databaseUrl, url)
  const bad = [
    'mysql://tempo@db/tempo',
    'db.lan',
    'postgres://',
    'postgres://tempo:hash#tag@db/tempo',
    'postgres://tempo:100%@db/tempo',
    'postgres://tempo:pass/word@db/tempo',
    'postgres://db:99999/tempo',
  ]
  for (const url of bad)
    assert.match(problems({ DATABASE_URL: url }).join(), /^DATABASE_URL must be a URL/, url)
})

test('a value may come from the file of NAME_FILE, without the end of its last line', () => {
  const token = 'x'.repeat(40)
  assert.equal(loadConfig({ TEMPO_ADMIN_TOKEN_FILE: fileWith(`${token}\r\n`) }).adminToken, token)
  assert.equal(loadConfig({ TEMPO_ADMIN_TOKEN_FILE: '' }).adminToken, null)
})

test('a file that is missing, empty or one source too many is refused', () => {
  assert.deepEqual(problems({ TEMPO_PORT_FILE: join(folder, 'none') }), [
    'TEMPO_PORT_FILE cannot be read: ENOENT',
  ])
  assert.deepEqual(problems({ TEMPO_PORT_FILE: folder }), ['TEMPO_PORT_FILE cannot be read: EISDIR'])
  assert.deepEqual(problems({ DATABASE_URL_FILE: fileWith(' \n') }), [
    'DATABASE_URL_FILE names an empty file',
  ])
  assert.deepEqual(problems({ TEMPO_PORT: '1', TEMPO_PORT_FILE: fileWith('12') }), [
    'TEMPO_PORT and TEMPO_PORT_FILE are both set; keep one of them',
  ])
})

test('no line of a refusal repeats a value, wherever it came from', () => {
  const value = 'sw0rdfish'
  const env: Environment = {}
  for (const { env: name } of Object.values(SETTINGS)) env[name] = value
  const direct = problems(env)
  const files = problems(
    Object.fromEntries(Object.keys(env).map((name) => [`${name}_FILE`, fileWith(`${value}!`)])),
  )
  const paths = problems(Object.fromEntries(Object.keys(env).map((name) => [`${name}_FILE`, value])))
  assert.ok(direct.length > 5 && files.length > 5)
  assert.equal(paths.length, Object.keys(env).length)
  for (const line of [...direct, ...files, ...paths]) assert.ok(!line.includes(value), line)
})

test('names that look like settings and are none are found', () => {
  const env = {
    TEMPO_PORT: '1',
    TEMPO_PORT_FILE: 'x',
    TEMPO_PROT: '1',
    TEMPO_URL: 'http://x',
    TEMPO_TEST_ANYTHING: '1',
    TEMPO_CI_ANYTHING: '1',
    DATABASE_URLS: 'x',
    PATH: '/bin',
  }
  assert.deepEqual(unknownSettings(env), ['TEMPO_PROT is not a setting; the README lists them'])
})

test('the table has a row of three cells for each setting', () => {
  const [head, line, ...rows] = settingsTable().split('\n')
  assert.deepEqual([head, line], ['| variable | default | meaning |', '|---|---|---|'])
  const settings = Object.values(SETTINGS)
  assert.equal(rows.length, settings.length)
  rows.forEach((row, index) => {
    assert.match(row, /^\|[^|]+\|[^|]+\|[^|]+\|$/)
    assert.ok(row.startsWith(`| \`${settings[index]!.env}\` | ${settings[index]!.shownDefault} |`))
  })
})

test('defaults are shown as they are', () => {
  const shown = (name: keyof typeof SETTINGS) => SETTINGS[name].shownDefault.split(' ')[0]
  for (const name of ['host', 'port', 'logLevel', 'maxBodyBytes', 'rateLimit', 'deliveriesMax'] as const) {
    assert.equal(shown(name), String(SETTINGS[name].fallback()))
  }
})
