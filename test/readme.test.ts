import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { withSettings } from './check-readme.ts'

test('the README shows the current settings', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  assert.ok(readme === withSettings(readme), 'bring it up to date with: node test/check-readme.ts --write')
})

test('the table goes between its marks and leaves the rest alone', () => {
  const text = 'before $&\n<!-- settings -->\nold\n<!-- /settings -->\nafter\n'
  const expected = 'before $&\n<!-- settings -->\n| $1 |\n<!-- /settings -->\nafter\n'
  assert.equal(withSettings(text, '| $1 |'), expected)
  assert.equal(withSettings(expected, '| $1 |'), expected)
  assert.throws(() => withSettings('no marks'), /there is no <!-- settings -->/)
})
