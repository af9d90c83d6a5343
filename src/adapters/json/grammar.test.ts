import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadFixtures } from '../../../test/helpers/fixtures.ts'
import { assertFault, type BrokenBody, read, refusalOf } from './testing.ts'

const BODIES = ['pve', 'pve-tera', 'pve-native', 'gotify'].flatMap(loadFixtures)

const template = /did not run its template/
const FAULTS: Record<string, BrokenBody> = {
  'cut after a value': { body: '{"a":1', reason: 'the body ends too early', column: 7, hint: /cut it off/ },
  'cut after a brace': { body: '{', reason: 'the body ends too early', column: 2 },
  'cut after a name': { body: '{"a"', reason: 'the body ends too early', column: 5 },
  'cut after a colon': { body: '{"a":', reason: 'the body ends too early', column: 6 },
  'cut after a comma': { body: '{"a":1,\n\n', reason: 'the body ends too early', column: 8 },
  'missing colon': { body: '{"a" 1}', reason: 'a missing colon after a name', column: 6 },
  'second object': {
    body: '{"a":1}\n{"a":2}',
    reason: 'more text after the end of the JSON',
    line: 2,
    column: 1,
  },
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
}

for (const [name, fault] of Object.entries(FAULTS)) {
  test(`fault: ${name}`, () => assertFault(fault))
}

test('a body cut anywhere is refused with a place inside it', () => {
  for (const { bytes } of BODIES) {
    const text = bytes.toString('utf8').trimEnd()
    const step = Math.ceil(text.length / 200)
    for (let end = 1; end < text.length; end += step) {
      const { code, detail, line } = refusalOf(text.slice(0, end))
      assert.equal(code, 'invalid_json')
      assert.match(detail, /the body ends too early/)
      assert.equal(line, text.slice(0, end).trimEnd().split('\n').length)
    }
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
      const fault = refusalOf(text)
      assert.equal(fault.code, 'invalid_json')
      assert.doesNotMatch(fault.detail, /unreadable/)
    }),
    { numRuns: 2000 },
  )
})
