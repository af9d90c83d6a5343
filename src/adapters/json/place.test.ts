import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFixtures } from '../../../test/helpers/fixtures.ts'
import { assertFault, refusalOf } from './testing.ts'

const BODIES = ['pve', 'pve-tera', 'pve-native', 'gotify'].flatMap(loadFixtures)

test('a column counts characters, not code units', () => {
  assertFault({ body: '{"a":"😀é",b}', reason: 'a name without double quotes', column: 11 })
})

test('a raw newline in Message is found at its line and column in every fixture', () => {
  for (const { bytes } of BODIES) {
    const text = bytes.toString('utf8')
    const at = text.indexOf('\\n')
    const broken = `${text.slice(0, at)}\n${text.slice(at + 2)}`
    const before = broken.slice(0, at)
    const { line, column, excerpt } = refusalOf(broken)
    assert.equal(line, before.split('\n').length)
    assert.equal(column, at - before.lastIndexOf('\n'))
    assert.ok(excerpt.includes('␊'))
  }
})

test('the excerpt is one line of at most 120 characters around the fault, whole characters only', () => {
  const { excerpt } = refusalOf(`{"a":"${'😀'.repeat(99)}\x1b[31m${'😀'.repeat(99)}"}`)
  assert.ok(excerpt.length <= 120)
  assert.match(excerpt, /^…(?:😀)+␛\[31m(?:😀)+…$/u)
})
