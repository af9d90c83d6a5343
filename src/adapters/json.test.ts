import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadFixtures } from '../../test/helpers/fixtures.ts'
import { read, refusalOf } from './json/testing.ts'
import { readJsonBody } from './json.ts'

test('an object is given back as it is', () => {
  assert.deepEqual(read('{"title":"x","metadata":{"a":[1,null,true]}}'), {
    value: { title: 'x', metadata: { a: [1, null, true] } },
    warnings: [],
  })
})

test('every fixture is read as JSON.parse reads it', () => {
  const bodies = ['pve', 'pve-tera', 'pve-native', 'gotify'].flatMap(loadFixtures)
  assert.ok(bodies.length >= 24)
  for (const { bytes } of bodies) {
    assert.deepEqual(readJsonBody(bytes), { value: JSON.parse(bytes.toString('utf8')), warnings: [] })
  }
})

test('a byte order mark is no fault and does not count as a column', () => {
  assert.deepEqual(read('\ufeff{"a":1}').value, { a: 1 })
  assert.equal(refusalOf('\ufeff{"a":x}').column, 6)
})

test('bytes that are not UTF-8 are replaced, with a warning', () => {
  const body = readJsonBody(Buffer.from('{"title":"Gr\xfc\xdfe"}', 'latin1'))
  assert.deepEqual(body.value, { title: 'Gr\ufffd\ufffde' })
  assert.equal(body.warnings.length, 1)
  assert.match(body.warnings[0]!, /not valid UTF-8/)
})

test('UTF-16 is named as such', () => {
  assert.match(refusalOf(Buffer.from('\ufeff{"a":1}', 'utf16le')).detail, /UTF-16/)
  assert.match(refusalOf(Buffer.from('{"a":1}', 'utf16le')).hint, /UTF-8/)
})

for (const [name, body] of [
  ['empty', ''],
  ['blank', ' \r\n\t'],
  ['a byte order mark', '\ufeff'],
] as const) {
  test(`a body that is ${name} is refused as empty`, () => {
    const { code, detail, line, column } = refusalOf(body)
    assert.deepEqual({ code, line, column }, { code: 'invalid_json', line: 1, column: 1 })
    assert.match(detail, /empty body/)
  })
}

for (const [body, what] of [
  ['[{"title":"x"}]', /not an array; send one event per request/],
  ['"text"', /not a text/],
  ['"{\\"title\\":\\"x\\"}"', /encoded twice/],
  ['12', /not a number/],
  ['true', /not a boolean/],
  ['null', /not null/],
] as const) {
  test(`${body} is refused, because it is no object`, () => {
    const { code, detail } = refusalOf(body)
    assert.equal(code, 'invalid_input')
    assert.match(detail, what)
  })
}

test('bombs of 4 MiB are refused quickly', () => {
  const size = 4 << 20
  const bombs = [
    '['.repeat(size),
    '{"a":'.repeat(size / 5),
    `{"a":${'['.repeat(size / 2)}${']'.repeat(size / 2)}}`,
    `{"a":${'9'.repeat(size)}`,
    `{"a":${'9'.repeat(size)}x}`,
    `{"a":1.${'9'.repeat(size)}e}`,
    `{"a":${'x'.repeat(size)}}`,
    `{"a":"${'\\n'.repeat(size / 2)}\n"}`,
    `{"a":"${'\\u0041'.repeat(size / 6)}`,
    `{"a":x${'{{ '.repeat(size / 3)}`,
    `{"a":x${'{'.repeat(size)}`,
    `{"a":x${'\n'.repeat(size)}`,
    `${' '.repeat(size)}x`,
    `{${'"a":[],'.repeat(size / 7)}`,
    '"'.repeat(size),
    `{"a":"${'😀'.repeat(size / 4)}"x}`,
  ]
  for (const bomb of bombs) {
    const started = performance.now()
    refusalOf(bomb)
    const took = performance.now() - started
    assert.ok(took < 3000, `${bomb.slice(0, 12)} took ${took} ms`)
  }
})

test('any JSON object comes through unchanged', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 8, noUnicodeString: false })),
      (object) => {
        const text = JSON.stringify(object)
        if (/\\u(?:0000|d)/i.test(text)) return
        assert.equal(JSON.stringify(read(text).value), text)
      },
    ),
  )
})
