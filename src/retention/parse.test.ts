import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BANDS, type Band } from '../event.ts'
import { parseRetention } from './parse.ts'
import { type Age, ageOf, describeAge, parseAge, type Retention } from './policy.ts'

const DAY = 86_400_000

function parsed(text: string): Retention {
  const result = parseRetention(text)
  assert.ok('retention' in result, JSON.stringify(result))
  return result.retention
}

function problemsOf(text: string): string[] {
  const result = parseRetention(text)
  return 'problems' in result ? result.problems : []
}

test('a bare age is for everything, and a band beside it is an exception', () => {
  const all = parsed('365d')
  for (const band of BANDS) assert.equal(ageOf(all, 'com.example', band), 365 * DAY)
  const some = parsed('1y, info=30d')
  assert.deepEqual(
    BANDS.map((band) => ageOf(some, 'com.example', band)),
    [30 * DAY, 365 * DAY, 365 * DAY, 365 * DAY],
  )
})

test('the most specific provider that names the band wins, and dots part providers', () => {
  const policy = parsed(
    'info=90d, error=3y; com.proxmox.backup: info=30d; com.proxmox: info=forever, warning=2w',
  )
  const ages = (provider: string) => BANDS.map((band) => describeAge(ageOf(policy, provider, band)))
  assert.deepEqual(ages('com.example'), ['90d', 'forever', '3y', 'forever'])
  assert.deepEqual(ages('com.proxmox'), ['forever', '14d', '3y', 'forever'])
  assert.deepEqual(ages('com.proxmox.backup.eu'), ['30d', '14d', '3y', 'forever'])
  assert.deepEqual(ages('com.proxmox.backups'), ['forever', '14d', '3y', 'forever'])
})

test('the whole of the example is understood, in lines as well as in one', () => {
  const text =
    'info=90d, warning=1y, error=3y, critical=forever; com.proxmox.backup: info=30d; messages>16KiB=30d; ' +
    'deliveries=30d; quarantine=90d'
  const policy = parsed(text)
  assert.deepEqual(parsed(text.replaceAll('; ', '\n')), policy)
  assert.deepEqual([policy.deliveries, policy.quarantine], [30 * DAY, 90 * DAY])
  assert.deepEqual(
    policy.sections.map(({ provider, messages }) => ({ provider, messages })),
    [
      { provider: null, messages: { bytes: 16_384, age: 30 * DAY } },
      { provider: 'com.proxmox.backup', messages: null },
    ],
  )
  assert.equal(parsed('messages > 1 MiB = 12 h').sections[0]!.messages!.bytes, 1_048_576)
})

test('each wrong item is told by its number, and what is meant by a mistyped name', () => {
  const wrong: [text: string, ...problems: RegExp[]][] = [
    ['warnign=30d', /^item 1 must be .* \(warning\?\)$/],
    ['info=30d, ok=30d', /^item 2 must be .* \(info\?\)$/],
    ['info=30', /^item 1 must have an age behind "=": 12h/],
    ['info=0d; error=-1d', /^item 1 must have an age/, /^item 2 must have an age/],
    ['info', /^item 1 must be an age/],
    ['info=1001y', /at most 1000y/],
    ['info=30d, info=40d', /^item 2 says again/],
    ['30d; 40d', /^item 2 says again/],
    ['messages=30d', /^item 1 must have a size/],
    ['messages>0KiB=30d', /^item 1 must have a size/],
    ['messages>16KB=30d', /^item 1 must have a size/],
    ['info>16KiB=30d', /^item 1 must have no ">"/],
    ['com.example: deliveries=30d', /^item 1 must stand in a section without a provider/],
    ['1y; Com Example: 30d', /^item 2 must follow a provider/],
    ['1y; com.example:', /^has a provider without an age, after item 1$/],
    [';', /^must have an age/],
  ]
  for (const [text, ...expected] of wrong) {
    const problems = problemsOf(text)
    assert.equal(problems.length, expected.length, `${text}: ${problems.join(' | ')}`)
    expected.forEach((pattern, index) => {
      assert.match(problems[index]!, pattern)
    })
  }
})

test('no text is too strange, and what is refused is never repeated', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (noise) => {
      const result = parseRetention(`info=30d, zz${noise}zz`)
      if ('problems' in result)
        for (const problem of result.problems) assert.ok(!problem.includes(`zz${noise}zz`), problem)
    }),
  )
})

const ages = fc.oneof(
  fc.constant('forever'),
  fc
    .tuple(fc.integer({ min: 1, max: 900 }), fc.constantFrom('h', 'd', 'w', 'y'))
    .map(([n, unit]) => `${n}${unit}`),
)
const providers = fc.constantFrom('com.a', 'com.a.b', 'com.a.b.c', 'com.ab', 'org')
const bandAges = fc.dictionary(fc.constantFrom(...BANDS), ages, { minKeys: 1 })

test('every policy that can be written is read as it is meant', () => {
  fc.assert(
    fc.property(bandAges, fc.dictionary(providers, bandAges), providers, (general, own, asked) => {
      const write = (items: Record<string, string>) =>
        Object.entries(items)
          .map(([band, age]) => `${band}=${age}`)
          .join(', ')
      const text = [write(general), ...Object.entries(own).map(([root, items]) => `${root}: ${write(items)}`)]
      const policy = parsed(text.join('; '))
      for (const band of BANDS)
        assert.equal(ageOf(policy, asked, band), expectedAge(general, own, asked, band))
    }),
  )
})

/** Goes up from the provider, part by part, until somebody names the band. */
function expectedAge(
  general: Record<string, string>,
  own: Record<string, Record<string, string>>,
  provider: string,
  band: Band,
): Age {
  for (let root = provider; root !== ''; root = root.slice(0, Math.max(0, root.lastIndexOf('.')))) {
    const age = Object.hasOwn(own, root) ? own[root]![band] : undefined
    if (age !== undefined) return parseAge(age)!
  }
  return general[band] === undefined ? null : parseAge(general[band])!
}

test('an age is shown as one that reads the same', () => {
  fc.assert(
    fc.property(ages, (text) => {
      assert.equal(parseAge(describeAge(parseAge(text)!)), parseAge(text))
    }),
  )
})
