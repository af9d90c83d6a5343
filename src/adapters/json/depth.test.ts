import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read, refusalOf } from './testing.ts'

test('32 levels are read, 33 are refused', () => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`
  assert.ok(read(nested(32)))
  assert.match(refusalOf(nested(33)).detail, /more than 32 levels/)
  assert.ok(read(`{"a":"${'['.repeat(1000)}\\"${'['.repeat(1000)}"}`), 'brackets in a text do not count')
})

test('a stray quote in a log full of brackets is reported as such, not as nesting', () => {
  assert.match(refusalOf(`{"a":"x "y","b":"${'['.repeat(100)}"}`).detail, /unescaped quote/)
})
