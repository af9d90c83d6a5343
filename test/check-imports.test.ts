import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkImports } from './check-imports.ts'
import { readEnvUses, readImports, tokenize } from './read-imports.ts'

const KNOWN = { runtime: ['hono', '@hono/zod-openapi', 'drizzle-orm', 'zod'], development: ['yaml'] }

/** A tree in which every import goes the allowed way. */
const SOUND: Record<string, string> = {
  'src/errors.ts': 'export class TempoError extends Error {}\n',
  'src/event.ts': 'export type Event = { id: string }\n',
  'src/wire.ts':
    "import { z } from '@hono/zod-openapi'\nimport './event.ts'\nexport type View = z.infer<typeof z>\n",
  'src/log.ts': 'export type Log = Console\n',
  'src/config.ts': 'export const config = process.env\n',
  'src/closest.ts': 'export const closest = 1\n',
  'src/scores/load.ts': "import { readFile } from 'node:fs/promises'\nexport { readFile }\n",
  'src/scores/rules.ts': "import type { Event } from '../event.ts'\nimport '../closest.ts'\n",
  'src/adapters/json.ts': "import './json/fault.ts'\nexport const parse = JSON.parse\n",
  'src/adapters/json/fault.ts': "import '../../errors.ts'\n",
  'src/adapters/timestamp.ts': '',
  'src/adapters/tempo.ts': "import { parse } from './json.ts'\nimport './tempo/dates.ts'\n",
  'src/adapters/tempo/dates.ts': "import '../timestamp.ts'\nimport './value.ts'\nimport '../../event.ts'\n",
  'src/adapters/tempo/value.ts': "import '../../closest.ts'\n",
  'src/adapters/gotify.ts': "import { parse } from './json.ts'\n",
  'src/ingest/ingest.ts': "import '../scores/rules.ts'\nimport type { Log } from '../log.ts'\n",
  'src/storage/events.ts': "import { sql } from 'drizzle-orm'\nimport '../event.ts'\n",
  'src/http/routes/ingest.ts': "import { Hono } from 'hono'\nimport '../../ingest/ingest.ts'\n",
  'src/http/routes/health.ts': "import { Hono } from 'hono'\n",
  'src/app.ts': "import './http/routes/ingest.ts'\nimport './storage/events.ts'\nimport './config.ts'\n",
  'src/cli.ts': "const { app } = await import('./app.ts')\n",
  'test/database.ts': "import '../src/storage/events.ts'\n",
  'src/ingest/ingest.test.ts': "import '../../test/database.ts'\nimport './ingest.ts'\n",
}

function check(changes: Record<string, string>): string[] {
  return checkImports(new Map(Object.entries({ ...SOUND, ...changes })), KNOWN)
}

/** The one problem that a change makes must name the file and match. */
function refuses(file: string, source: string, expected: RegExp): void {
  const problems = check({ [file]: source })
  assert.equal(problems.length, 1, problems.join('\n') || `nothing found in ${file}: ${source}`)
  assert.match(problems[0]!, expected)
}

test('a tree whose imports go one way has no problems', () => {
  assert.deepEqual(check({}), [])
})

test('an import against the direction is found, however it is written', () => {
  const expected = /^src\/ingest\/write\.ts:\d+ imports \.\.\/storage\/events\.ts: ingest may import/
  const target = '../storage/events.ts'
  for (const source of [
    `import '${target}'`,
    `import events from "${target}"`,
    `import events, { type A, b as c } from '${target}'`,
    `import * as events from '${target}'`,
    `import type { Row } from '${target}'`,
    `import type Row from '${target}'`,
    `import {\n  a, // 'from'\n  b,\n} from '${target}' with { type: 'x' }`,
    `export * from '${target}'`,
    `export * as events from '${target}'`,
    `export { a as default } from '${target}'`,
    `export type { Row } from '${target}'`,
    `const events = await import('${target}')`,
    `const events = await import(\`${target}\`)`,
    `type Row = import('${target}').Row`,
    `const text = \`\${(await import('${target}')).name} \${\`}\`}\``,
    `const slash = /['"\`]/.test(a) ? b! / 2 : c++ / 2\nimport '${target}'`,
    `if (a) /'/.test(a)\nimport '${target}'`,
  ]) {
    refuses('src/ingest/write.ts', source, expected)
  }
})

test('text that only looks like an import is none', () => {
  const source = [
    "// import '../storage/events.ts'",
    "/* import '../storage/events.ts' */",
    'const a = "import \'../storage/events.ts\'"',
    "const b = `import '../storage/events.ts'`",
    "const c = { import: 1, from: '../storage/events.ts' }",
    "c.import\nconst from = '../storage/events.ts'",
    "export const d = import.meta.url + '../storage/events.ts'",
    "export { a }\nconst e = [from, '../storage/events.ts']",
    "const f = /import '..\\/storage'/",
  ].join('\n')
  assert.deepEqual(check({ 'src/ingest/write.ts': source }), [])
})

test('each room keeps to what it may import', () => {
  const cases: [string, string, RegExp][] = [
    ['src/ingest/a.ts', '../http/routes/health.ts', /ingest may import/],
    ['src/ingest/a.ts', '../config.ts', /ingest may import/],
    [
      'src/storage/a.ts',
      '../ingest/ingest.ts',
      /storage may import event, access, guest, channel, wire, wire-channels, errors, new-id, instant-text, log, itself only/,
    ],
    ['src/scores/a.ts', '../log.ts', /scores may import/],
    ['src/adapters/a.ts', '../scores/rules.ts', /adapters may import/],
    ['src/auth/a.ts', '../storage/events.ts', /auth may import/],
    ['src/http/a.ts', '../app.ts', /http may import/],
    ['src/errors.ts', './log.ts', /errors may import/],
    ['src/closest.ts', './errors.ts', /closest may import itself only/],
    ['src/adapters/tempo/a.ts', '../../log.ts', /adapters may import/],
    ['src/http/a.ts', '../ingest/ingest.test.ts', /must not import tests/],
    ['src/http/a.ts', '../../test/database.ts', /must not import tests/],
    ['src/http/a.ts', './missing.ts', /no such file/],
  ]
  for (const [file, target, expected] of cases) refuses(file, `import '${target}'`, expected)
  refuses('src/clock.ts', "import './config.ts'\nexport const now = Date.now", /is in no room/)
  refuses('src/http/index.ts', "export * from './routes/health.ts'", /is a barrel/)
})

test('files beside each other in routes, adapters and notify do not import each other', () => {
  refuses(
    'src/http/routes/a.ts',
    "import './health.ts'",
    /files of src\/http\/routes do not import each other/,
  )
  refuses('src/adapters/a.ts', "import './gotify.ts'", /do not import each other, but for json, timestamp/)
  const channels = { 'src/notify/channel.ts': '', 'src/notify/ntfy.ts': "import './channel.ts'" }
  assert.deepEqual(check(channels), [])
  assert.match(
    check({ ...channels, 'src/notify/a.ts': "import './ntfy.ts'" }).join(),
    /do not import each other/,
  )
})

test('a folder of adapters belongs to the dialect of its name', () => {
  const apart = /files of src\/adapters do not import each other, but for json, timestamp/
  const cases: [string, string, RegExp][] = [
    [
      'src/adapters/gotify.ts',
      './tempo/value.ts',
      /only src\/adapters\/tempo\.ts may import what belongs to it/,
    ],
    ['src/adapters/gotify/a.ts', '../tempo/value.ts', /only src\/adapters\/tempo\.ts may/],
    ['src/adapters/tempo.ts', './json/fault.ts', /only src\/adapters\/json\.ts may/],
    ['src/adapters/tempo/a.ts', '../json/fault.ts', /only src\/adapters\/json\.ts may/],
    ['src/ingest/a.ts', '../adapters/tempo/value.ts', /only src\/adapters\/tempo\.ts may/],
    ['src/adapters/gotify/a.ts', '../tempo.ts', apart],
    ['src/adapters/json/a.ts', '../tempo.ts', apart],
    ['src/adapters/tempo/a.ts', '../gotify.ts', apart],
  ]
  for (const [file, target, expected] of cases) refuses(file, `import '${target}'`, expected)
  const shared = "import '../json.ts'\nimport '../timestamp.ts'\nimport './b.ts'"
  assert.deepEqual(check({ 'src/adapters/gotify/a.ts': shared, 'src/adapters/gotify/b.ts': '' }), [])
})

test('a package stays in the room that knows it', () => {
  refuses('src/ingest/a.ts', "import { sql } from 'drizzle-orm/pg-core'", /only src\/storage may/)
  refuses('src/app.ts', "import { Hono } from 'hono'", /only src\/http may/)
  refuses('src/event.ts', "import { Hono } from 'hono'", /only src\/http may/)
  refuses('src/scores/rules.ts', "import { readFileSync } from 'node:fs'", /scores is pure/)
  refuses('src/adapters/a.ts', "import { readFile } from 'fs/promises'", /adapters is pure/)
  refuses('src/closest.ts', "import { readFile } from 'fs/promises'", /closest is pure/)
  refuses('src/app.ts', "import 'left-pad'", /not among the dependencies/)
  refuses('src/app.ts', "import { parse } from 'yaml'", /not among the dependencies/)
  assert.deepEqual(check({ 'src/app.ts': "import type { Document } from 'yaml'" }), [])
})

test('an import with a computed name is refused', () => {
  refuses('src/app.ts', 'await import(name)', /computed import/)
  refuses('src/app.ts', "await import('./' + name)", /computed import/)
  refuses('src/app.ts', 'await import(`./${name}.ts`)', /computed import/)
})

test('only the configuration reads the environment', () => {
  refuses(
    'src/app.ts',
    'const a = 1\nconst b = process.env\nconst c = 1',
    /^src\/app\.ts:2 reads process\.env/,
  )
  refuses('src/app.ts', "import { env } from 'node:process'", /only src\/config\.ts/)
  for (const source of [
    'process?.env.A',
    "process['env']",
    'const { env } = process',
    'globalThis.process.env',
  ]) {
    assert.equal(readEnvUses(tokenize(source)).length, 1, source)
  }
  for (const source of ['process.envoy', "'process.env'", 'process.exit(env)', '// process.env']) {
    assert.equal(readEnvUses(tokenize(source)).length, 0, source)
  }
})

test('a cycle is found, also one of types and one through tests', () => {
  refuses(
    'src/errors.ts',
    "import type { Event } from './errors.ts'",
    /cycle: src\/errors\.ts → src\/errors\.ts/,
  )
  const round = check({
    'src/http/a.ts': "import type { B } from './b.ts'",
    'src/http/b.ts': "import './c.ts'",
    'src/http/c.ts': "import './a.ts'",
  })
  assert.deepEqual(round, ['cycle: src/http/a.ts → src/http/b.ts → src/http/c.ts → src/http/a.ts'])
  const inTests = check({ 'test/a.ts': "import './b.test.ts'", 'test/b.test.ts': "import './a.ts'" })
  assert.deepEqual(inTests, ['cycle: test/a.ts → test/b.test.ts → test/a.ts'])
})

test('tests may import whatever they test', () => {
  const source = "import '../storage/events.ts'\nimport 'left-pad'\nconst a = process.env\n"
  assert.deepEqual(check({ 'src/ingest/write.test.ts': source }), [])
})

test('a text that cannot be read is an error, not an empty answer', () => {
  for (const source of [
    "const a = 'open",
    'const a = `open',
    'const a = {',
    'const a = /open',
    'const a = "\n"',
  ]) {
    assert.throws(() => readImports(tokenize(source)), SyntaxError, source)
  }
})
