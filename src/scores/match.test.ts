import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Metadata } from '../event.ts'
import type { Match } from './format.ts'
import { compileMatch, matchHolds } from './match.ts'
import { createMetadataReader } from './metadata.ts'

function matches(match: Match, metadata: Metadata): boolean {
  return matchHolds(compileMatch(match), createMetadataReader(metadata))
}

test('all keys must hold', () => {
  assert.ok(matches({ a: 'x', b: 'y' }, { a: 'x', b: 'y', c: 'z' }))
  assert.ok(!matches({ a: 'x', b: 'y' }, { a: 'x', b: 'z' }))
  assert.ok(matches({}, {}))
})

test('values compare as text without regard to case', () => {
  assert.ok(matches({ a: 'ERROR' }, { a: 'Error' }))
  assert.ok(matches({ a: 'true' }, { a: true }))
  assert.ok(matches({ a: false }, { a: 'False' }))
  assert.ok(!matches({ a: 'err' }, { a: 'error' }))
})

test('plain decimals compare as numbers, in either spelling', () => {
  const zeros = [0, '0', '0.0', -0, '0.00']
  for (const pattern of zeros)
    for (const value of zeros) assert.ok(matches({ a: pattern }, { a: value }), `${value}`)
  assert.ok(matches({ a: 1.5 }, { a: '1.50' }))
  assert.ok(matches({ a: '-2.0' }, { a: -2 }))
  assert.ok(!matches({ a: 0 }, { a: '' }))
  assert.ok(!matches({ a: 0 }, { a: false }))
})

test('names that look like numbers stay texts', () => {
  assert.ok(!matches({ a: 7 }, { a: '007' }))
  assert.ok(!matches({ a: '1000' }, { a: '1e3' }))
  assert.ok(!matches({ a: '12345678901234567890' }, { a: '12345678901234567891' }))
  assert.ok(matches({ a: '12345678901234567890' }, { a: '12345678901234567890' }))
})

test('null, missing and empty are one: only an explicit null matches them', () => {
  for (const metadata of [{}, { a: null }, { a: '' }]) {
    assert.ok(matches({ a: null }, metadata))
    for (const pattern of ['*', '', 'null', 0, false])
      assert.ok(!matches({ a: pattern }, metadata), `${pattern}`)
  }
  assert.ok(!matches({ a: null }, { a: 0 }))
  assert.ok(!matches({ a: '' }, { a: 'x' }))
})

test('a key is a metadata name as it is, else a dotted path', () => {
  assert.ok(matches({ 'a.b': 'x' }, { 'a.b': 'x', a: { b: 'y' } }))
  assert.ok(matches({ 'a.b': 'y' }, { a: { b: 'y' } }))
  assert.ok(matches({ 'a.b': 'y' }, { 'a.b': null, a: { b: 'y' } }))
  assert.ok(matches({ 'a.1.b': 'y' }, { a: [null, { b: 'y' }] }))
  assert.ok(matches({ 'a.length': null }, { a: [1, 2] }))
  assert.ok(matches({ 'a.0': null }, { a: 'text' }))
})

test('objects and arrays compare as compact JSON', () => {
  assert.ok(matches({ a: '*"disk"*' }, { a: { kind: 'disk' } }))
  assert.ok(matches({ a: '[1,2]' }, { a: [1, 2] }))
})

test('inherited names are ordinary names', () => {
  for (const name of [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'a.__proto__',
    'a.constructor.name',
  ]) {
    assert.ok(!matches({ [name]: '*' } as Match, { a: {} }), name)
  }
  const metadata = JSON.parse('{"__proto__": "x", "constructor": {"name": "y"}}')
  assert.ok(matches(JSON.parse('{"__proto__": "X"}'), metadata))
  assert.ok(matches({ 'constructor.name': 'y' }, metadata))
  assert.ok(!matches({ name: '*' }, metadata))
})

test('a value matches its own text, however it is written', () => {
  const scalar = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.integer(),
  )
  fc.assert(
    fc.property(fc.string(), scalar, (name, value) => {
      fc.pre(!/[*?]/.test(String(value)))
      const metadata = JSON.parse(`{${JSON.stringify(name)}: ${JSON.stringify(value)}}`) as Metadata
      const match = JSON.parse(`{${JSON.stringify(name)}: ${JSON.stringify(String(value))}}`) as Match
      assert.ok(matches(match, metadata))
    }),
  )
})

test('forty rules fold a message of 3 MiB once', () => {
  const reader = createMetadataReader({ Message: 'Lorem Ipsum '.repeat(262_144) })
  const rules = Array.from({ length: 40 }, (_, n) => compileMatch({ Message: `*needle ${n}` }))
  matchHolds(rules[0]!, reader)
  assert.equal(reader.folded('Message'), reader.folded('Message'))
  const start = performance.now()
  for (const rule of rules) assert.equal(matchHolds(rule, reader), false)
  assert.ok(performance.now() - start < 10)
})
