import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLibrary } from './library.ts'
import { parseScore } from './load.ts'

const BUNDLED = join(import.meta.dirname, '../../scores')
const CATALOG = join(import.meta.dirname, '../../test/fixtures/catalog')

/** What the library makes of the bundled scores and a folder. */
async function load(ownDir: string | null) {
  return (await createLibrary({ bundledDir: BUNDLED, ownDir })).current()
}

async function folder(t: TestContext, files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tempo-scores-'))
  t.after(() => rm(dir, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return dir
}

function score(providerIdentifier: string, displayName = 'x'): string {
  return JSON.stringify({ providerIdentifier, displayName })
}

test('all bundled scores are valid', async () => {
  const { scores, problems } = await load(null)
  assert.deepEqual(problems, [])
  assert.deepEqual(
    scores.map(({ score, origin }) => [score.providerIdentifier, origin]),
    [
      ['com.proxcenter', 'bundled'],
      ['com.proxmox', 'bundled'],
      ['com.proxmox.backup', 'bundled'],
      ['scripts', 'bundled'],
      ['tempo.watch', 'bundled'],
    ],
  )
})

test('files of the public catalogue load unchanged, and replace a bundled score', async () => {
  const { scores, problems } = await load(CATALOG)
  assert.deepEqual(problems, [])
  assert.deepEqual(
    scores.map(({ score, origin }) => [score.providerIdentifier, origin]),
    [
      ['com.proxcenter', 'bundled'],
      ['com.proxmox', 'bundled'],
      ['com.proxmox.backup', 'own'],
      ['com.synology', 'own'],
      ['net.pi-hole.pi-hole', 'own'],
      ['org.jellyfin', 'own'],
      ['scripts', 'bundled'],
      ['tempo.watch', 'bundled'],
    ],
  )
})

test('a broken own file is reported and leaves the bundled score in force', async (t) => {
  const ownDir = await folder(t, {
    'a.json': '{\n  "providerIdentifier": "com.proxmox",\n  "displayName" "x"\n}',
    'b.json': '{"providerIdentifier": "com.proxmox", "displayname": "x"}',
    'c.tempo-score': score('com.example'),
  })
  const { scores, problems } = await load(ownDir)
  assert.deepEqual(
    scores.map(({ score }) => score.providerIdentifier),
    ['com.example', 'com.proxcenter', 'com.proxmox', 'com.proxmox.backup', 'scripts', 'tempo.watch'],
  )
  assert.deepEqual(
    problems.map(({ file }) => file),
    [join(ownDir, 'a.json'), join(ownDir, 'b.json')],
  )
  assert.match(problems[0]!.problems[0]!.message, /colon expected at line 3, column 17/)
  assert.equal(problems[1]!.problems.find(({ meant }) => meant)?.meant, 'displayName')
})

test('of two own files with one identifier the first by name counts', async (t) => {
  const ownDir = await folder(t, { 'b.json': score('abc', 'B'), 'a.tempo-score': score('abc', 'A') })
  const { scores, problems } = await load(ownDir)
  assert.equal(scores.find(({ score }) => score.providerIdentifier === 'abc')?.score.displayName, 'A')
  assert.deepEqual(problems, [
    {
      file: join(ownDir, 'b.json'),
      problems: [
        {
          path: 'providerIdentifier',
          message: 'abc is already the score in a.tempo-score, which stays in force',
        },
      ],
    },
  ])
})

test('other files in the folder are left alone', async (t) => {
  const ownDir = await folder(t, {
    'README.md': 'x',
    '._a.json': 'x',
    'my.schema.json': '{}',
    'a.json~': 'x',
  })
  await mkdir(join(ownDir, 'folder.json'))
  const { problems } = await load(ownDir)
  assert.deepEqual(problems, [
    { file: join(ownDir, 'folder.json'), problems: [{ path: '', message: 'cannot be read (EISDIR)' }] },
  ])
})

test('a folder that is not there is reported', async (t) => {
  const ownDir = join(await folder(t, {}), 'none')
  const { scores, problems } = await load(ownDir)
  assert.ok(scores.length > 0)
  assert.deepEqual(problems, [{ file: ownDir, problems: [{ path: '', message: 'cannot be read (ENOENT)' }] }])
})

test('what is in the way of JSON is told with line and column', () => {
  for (const [text, where] of [
    ['', /line 1, column 1/],
    ['{', /line 1, column 2/],
    ['{\n  "a": 1,\n}', /line 3, column 1/],
    ['{\n  // note\n}', /comment.* at line 2, column 3/],
    ['{"a": "x\ny"}', /line 1/],
  ] as const) {
    const result = parseScore(text)
    assert.ok('problems' in result)
    assert.match(result.problems[0]!.message, where, JSON.stringify(text))
  }
})

test('every problem of a text carries the line and column of what is wrong', () => {
  const text = [
    '{',
    '  "providerIdentifier": "com.example",',
    '  "colour": "#FFFFFF",',
    '  "severityRules": [',
    '    { "match": {}, "severity": "eror" },',
    '    { "match": {} }',
    '  ],',
    '  "tagRules": [{ "match": {}, "tag": "${metdata.x}" }]',
    '}',
  ].join('\n')
  const placesOf = (text: string) => {
    const result = parseScore(text)
    assert.ok('problems' in result)
    return result.problems.map(({ path, line, column }) => [path, line, column])
  }
  const expected = [
    ['displayName', 1, 1],
    ['colour', 3, 3],
    ['severityRules[0].severity', 5, 32],
    ['severityRules[1].severity', 6, 5],
  ]
  assert.deepEqual(placesOf(text).sort(), expected.sort())
  assert.deepEqual(placesOf(`\uFEFF${text}`), placesOf(text))
  const mended = text.replace('"colour": "#FFFFFF"', '"displayName": "x"').replace('eror', 'ok')
  assert.deepEqual(placesOf(mended.replace('{} }', '{}, "severity": "ok" }')), [['tagRules[0].tag', 8, 38]])
  assert.deepEqual(placesOf('{\n  "a" 1\n}'), [['', 2, 7]])
})

test('a text that nests too deep is a problem without a place', () => {
  for (const text of ['['.repeat(300_000), '['.repeat(300_000) + ']'.repeat(300_000)]) {
    const result = parseScore(text)
    assert.ok('problems' in result && result.problems[0]!.line === undefined)
  }
})

test('a byte order mark is no fault', () => {
  assert.ok('score' in parseScore(`\uFEFF${score('abc')}`))
})
