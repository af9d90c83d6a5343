import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read } from './testing.ts'

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
