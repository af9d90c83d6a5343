import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { TempoError } from '../errors.ts'
import { type ReadBody, readJsonBody } from './json.ts'

const FIXTURES = new URL('../../test/fixtures/', import.meta.url)
const BODIES = ['pve', 'pve-tera', 'pve-native', 'gotify'].flatMap((dialect) =>
  readdirSync(new URL(`${dialect}/`, FIXTURES)).map((name) =>
    readFileSync(new URL(`${dialect}/${name}`, FIXTURES)),
  ),
)

function read(text: string): ReadBody {
  return readJsonBody(Buffer.from(text))
}

/** The refusal of a body, flattened to what the sender sees. */
function refusal(body: string | Uint8Array) {
  try {
    readJsonBody(typeof body === 'string' ? Buffer.from(body) : body)
  } catch (error) {
    assert.ok(error instanceof TempoError, String(error))
    assert.equal(error.status, 422)
    const { line, column, excerpt, hint } = error.extra
    return {
      code: error.code,
      detail: error.message,
      line,
      column,
      excerpt: String(excerpt),
      hint: String(hint),
    }
  }
  return assert.fail('was not refused')
}

test('an object is given back as it is', () => {
  assert.deepEqual(read('{"title":"x","metadata":{"a":[1,null,true]}}'), {
    value: { title: 'x', metadata: { a: [1, null, true] } },
    warnings: [],
  })
})

test('every fixture is read as JSON.parse reads it', () => {
  assert.ok(BODIES.length >= 24)
  for (const body of BODIES) {
    assert.deepEqual(readJsonBody(body), { value: JSON.parse(body.toString('utf8')), warnings: [] })
  }
})

test('a byte order mark is no fault and does not count as a column', () => {
  assert.deepEqual(read('\ufeff{"a":1}').value, { a: 1 })
  assert.equal(refusal('\ufeff{"a":x}').column, 6)
})

test('bytes that are not UTF-8 are replaced, with a warning', () => {
  const body = readJsonBody(Buffer.from('{"title":"Gr\xfc\xdfe"}', 'latin1'))
  assert.deepEqual(body.value, { title: 'Gr\ufffd\ufffde' })
  assert.equal(body.warnings.length, 1)
  assert.match(body.warnings[0]!, /not valid UTF-8/)
})

test('UTF-16 is named as such', () => {
  assert.match(refusal(Buffer.from('\ufeff{"a":1}', 'utf16le')).detail, /UTF-16/)
  assert.match(refusal(Buffer.from('{"a":1}', 'utf16le')).hint, /UTF-8/)
})

for (const [name, body] of [
  ['empty', ''],
  ['blank', ' \r\n\t'],
  ['a byte order mark', '\ufeff'],
] as const) {
  test(`a body that is ${name} is refused as empty`, () => {
    const { code, detail, line, column } = refusal(body)
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
    const { code, detail } = refusal(body)
    assert.equal(code, 'invalid_input')
    assert.match(detail, what)
  })
}

type Case = { body: string; reason: string; line?: number; column: number; hint?: RegExp }
const json = /\{\{ json message \}\}/
const template = /did not run its template/
const FAULTS: Record<string, Case> = {
  'raw newline': { body: '{"a":"x\ny"}', reason: 'a raw line break inside a string', column: 8, hint: json },
  'raw CRLF': { body: '{"a":"x\r\ny"}', reason: 'a raw line break inside a string', column: 8, hint: json },
  'raw tab': { body: '{"a":"x\ty"}', reason: 'a raw tab inside a string', column: 8, hint: json },
  'raw NUL': {
    body: '{"a":"x\0y"}',
    reason: 'a raw control character inside a string',
    column: 8,
    hint: json,
  },
  'newline in a name': {
    body: '{"a\n":1}',
    reason: 'a raw line break inside a string',
    column: 4,
    hint: json,
  },
  'unescaped quote': {
    body: '{"a":"x "y" z"}',
    reason: 'an unescaped quote inside a string',
    column: 10,
    hint: json,
  },
  'doubled quote': {
    body: '{"a":"x ""y"}',
    reason: 'an unescaped quote inside a string',
    column: 10,
    hint: json,
  },
  'unknown escape': {
    body: '{"a":"C:\\dir"}',
    reason: 'a backslash escape that JSON does not know',
    column: 9,
  },
  'short escape': {
    body: '{"a":"\\u12g4"}',
    reason: 'a backslash escape that JSON does not know',
    column: 7,
  },
  'cut in a string': {
    body: '{"a":"xyz',
    reason: 'the body ends too early, inside a string',
    column: 10,
    hint: /cut it off/,
  },
  'cut in an escape': {
    body: '{"a":"x\\u00',
    reason: 'the body ends too early, inside a string',
    column: 12,
  },
  'cut at a backslash': { body: '{"a":"x\\', reason: 'the body ends too early, inside a string', column: 9 },
  'cut after a value': { body: '{"a":1', reason: 'the body ends too early', column: 7, hint: /cut it off/ },
  'cut after a brace': { body: '{', reason: 'the body ends too early', column: 2 },
  'cut after a name': { body: '{"a"', reason: 'the body ends too early', column: 5 },
  'cut after a colon': { body: '{"a":', reason: 'the body ends too early', column: 6 },
  'cut after a comma': { body: '{"a":1,\n\n', reason: 'the body ends too early', column: 8 },
  'cut in a literal': { body: '{"a":tru', reason: 'the body ends too early', column: 9 },
  'cut in a number': { body: '{"a":1.', reason: 'the body ends too early', column: 8 },
  'trailing comma': {
    body: '{"a":1,}',
    reason: 'a comma before the closing }',
    column: 8,
    hint: /last comma/,
  },
  'trailing comma in an array': { body: '{"a":[1,]}', reason: 'a comma before the closing ]', column: 9 },
  'two commas': { body: '{"a":1,,"b":2}', reason: 'two commas in a row', column: 8 },
  'missing comma': { body: '{"a":"x"\n"b":1}', reason: 'a missing comma', line: 2, column: 1 },
  'missing comma after a number': { body: '{"a":1 "b":1}', reason: 'a missing comma', column: 8 },
  'missing colon': { body: '{"a" 1}', reason: 'a missing colon after a name', column: 6 },
  'wrong bracket': { body: '{"a":[1}', reason: 'a } where a ] is missing', column: 8 },
  'empty placeholder': { body: '{"a": ,"b":1}', reason: 'a missing value', column: 7, hint: /gave nothing/ },
  'empty last placeholder': { body: '{"a": }', reason: 'a missing value', column: 7, hint: /gave nothing/ },
  'single quotes': {
    body: "{'a':1}",
    reason: 'single quotes instead of double quotes',
    column: 2,
    hint: /json\.dumps/,
  },
  'single quoted value': { body: `{"a":'x'}`, reason: 'single quotes instead of double quotes', column: 6 },
  'typographic quotes': { body: '{“a”:1}', reason: 'typographic quotes instead of straight ones', column: 2 },
  'name without quotes': { body: '{a:1}', reason: 'a name without double quotes', column: 2 },
  'Python None': {
    body: '{"a":None}',
    reason: 'None, which JSON does not know',
    column: 6,
    hint: /null, true and false/,
  },
  'Python True': {
    body: '{"a":[True]}',
    reason: 'True, which JSON does not know',
    column: 7,
    hint: /null, true and false/,
  },
  NaN: { body: '{"a":NaN}', reason: 'NaN, which JSON does not know', column: 6 },
  'minus infinity': { body: '{"a":-Infinity}', reason: '-Infinity, which JSON does not know', column: 6 },
  'leading zero': { body: '{"a":007}', reason: 'a number in a form that JSON does not know', column: 6 },
  'leading plus': { body: '{"a":+7}', reason: 'a number in a form that JSON does not know', column: 6 },
  'unquoted text': {
    body: '{"title": backup ok}',
    reason: 'a text without quotes',
    column: 11,
    hint: /\{\{ json title \}\}/,
  },
  'unquoted date': { body: '{"a":2026-11-21T00:00:00Z}', reason: 'a text without quotes', column: 6 },
  comment: { body: '{"a":1, // x\n"b":2}', reason: 'a comment', column: 9 },
  'second object': {
    body: '{"a":1}\n{"a":2}',
    reason: 'more text after the end of the JSON',
    line: 2,
    column: 1,
  },
  form: {
    body: 'title=x&message=y',
    reason: 'something other than a JSON object',
    column: 1,
    hint: /one JSON object/,
  },
  'no-break space': { body: '{\u00a0"a":1}', reason: 'an invisible or broken character (U+00A0)', column: 2 },
  'Handlebars left over': {
    body: '{"a":{{ json title }}}',
    reason: 'a template expression that was not filled in',
    column: 6,
    hint: template,
  },
  'Tera left over': {
    body: '{"a":{{ title | json }}}',
    reason: 'a template expression that was not filled in',
    column: 6,
    hint: template,
  },
  'block left over': {
    body: '{"a":1,\n{% if fields.vmid %}"b":2{% endif %}}',
    reason: 'a template expression that was not filled in',
    line: 2,
    column: 1,
    hint: template,
  },
  'template in a string, fault elsewhere': {
    body: '{"t":"{{title}}","a":"x\ny"}',
    reason: 'a raw line break inside a string',
    column: 24,
    hint: template,
  },
  'guestname in a log is no template': {
    body: '{"t":"--notes-template \'{{guestname}}\'\ny"}',
    reason: 'a raw line break inside a string',
    column: 39,
    hint: json,
  },
  'characters, not code units': { body: '{"a":"😀é",b}', reason: 'a name without double quotes', column: 11 },
}

for (const [name, fault] of Object.entries(FAULTS)) {
  test(`fault: ${name}`, () => {
    const { code, detail, line, column, excerpt, hint } = refusal(fault.body)
    const where = { line: fault.line ?? 1, column: fault.column }
    assert.deepEqual({ code, line, column }, { code: 'invalid_json', ...where })
    assert.equal(
      detail,
      `The body is not JSON: ${fault.reason} at line ${where.line}, column ${where.column}.`,
    )
    assert.ok(excerpt.length <= 120 && !/[\u0000-\u001f]/.test(excerpt), excerpt)
    assert.match(hint, fault.hint ?? /./)
  })
}

test('a raw newline in Message is found at its line and column in every fixture', () => {
  for (const body of BODIES) {
    const text = body.toString('utf8')
    const at = text.indexOf('\\n')
    const broken = `${text.slice(0, at)}\n${text.slice(at + 2)}`
    const before = broken.slice(0, at)
    const { line, column, excerpt } = refusal(broken)
    assert.equal(line, before.split('\n').length)
    assert.equal(column, at - before.lastIndexOf('\n'))
    assert.ok(excerpt.includes('␊'))
  }
})

test('a body cut anywhere is refused with a place inside it', () => {
  for (const body of BODIES) {
    const text = body.toString('utf8').trimEnd()
    const step = Math.ceil(text.length / 200)
    for (let end = 1; end < text.length; end += step) {
      const { code, detail, line } = refusal(text.slice(0, end))
      assert.equal(code, 'invalid_json')
      assert.match(detail, /the body ends too early/)
      assert.equal(line, text.slice(0, end).trimEnd().split('\n').length)
    }
  }
})

test('the excerpt is one line of at most 120 characters around the fault, whole characters only', () => {
  const { excerpt } = refusal(`{"a":"${'😀'.repeat(99)}\x1b[31m${'😀'.repeat(99)}"}`)
  assert.ok(excerpt.length <= 120)
  assert.match(excerpt, /^…(?:😀)+␛\[31m(?:😀)+…$/u)
})

test('NUL and lone surrogates become U+FFFD in keys and texts, with one warning', () => {
  const { value, warnings } = read('{"a\\u0000":"x\\u0000y","b":["\\uD800",{"\\udc00":"\\ud83d\\ude00"}]}')
  assert.deepEqual(value, { 'a\ufffd': 'x\ufffdy', b: ['\ufffd', { '\ufffd': '😀' }] })
  assert.equal(warnings.length, 1)
})

test('an escape that is written out or well paired is no reason for a warning', () => {
  const { value, warnings } = read('{"a":"\\\\u0000","b":"\\uD83D\\uDE00"}')
  assert.deepEqual(value, { a: '\\u0000', b: '😀' })
  assert.deepEqual(warnings, [])
})

test('__proto__ stays an ordinary key, also when the body is mended', () => {
  for (const tail of ['', ',"x":"\\u0000"']) {
    const { value } = read(`{"__proto__":{"polluted":1},"constructor":2${tail}}`)
    assert.deepEqual(Object.keys(value).slice(0, 2), ['__proto__', 'constructor'])
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
    assert.equal(value.polluted, undefined)
  }
})

test('32 levels are read, 33 are refused', () => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`
  assert.ok(read(nested(32)))
  assert.match(refusal(nested(33)).detail, /more than 32 levels/)
  assert.ok(read(`{"a":"${'['.repeat(1000)}\\"${'['.repeat(1000)}"}`), 'brackets in a text do not count')
})

test('a stray quote in a log full of brackets is reported as such, not as nesting', () => {
  assert.match(refusal(`{"a":"x "y","b":"${'['.repeat(100)}"}`).detail, /unescaped quote/)
})

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
    refusal(bomb)
    const took = performance.now() - started
    assert.ok(took < 3000, `${bomb.slice(0, 12)} took ${took} ms`)
  }
})

test('bodies are refused exactly when JSON.parse refuses them', () => {
  const pieces = fc.array(
    fc.constantFrom(
      ...'{}[]:,"\\\n \'a1-.e/',
      '{"a":',
      '"b"',
      'true',
      'null',
      '{{',
      '\\u00',
      '1.5',
      '":"',
      '",',
    ),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(pieces, (middle) => {
      const text = `{"a":${middle.join('')}}`
      let valid = true
      try {
        JSON.parse(text)
      } catch {
        valid = false
      }
      if (valid) return assert.ok(read(text))
      const fault = refusal(text)
      assert.equal(fault.code, 'invalid_json')
      assert.doesNotMatch(fault.detail, /unreadable/)
    }),
    { numRuns: 2000 },
  )
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
