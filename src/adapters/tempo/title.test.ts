import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRefused, assertWarned, event, type Payload, parse } from './testing.ts'

const REFUSED: Record<string, [Payload, path: string, message: RegExp]> = {
  'no title': [{ title: undefined }, 'title', /is missing; add a text/],
  'empty title': [{ title: null }, 'title', /is empty/],
  'blank title': [{ title: ' \u00a0\n' }, 'title', /is empty/],
  'title under another name': [{ title: undefined, Title: 'x' }, 'title', /rename "Title" to it/],
  'title a number': [{ title: 5 }, 'title', /must be a text, not a number/],
  'title an object': [{ title: {} }, 'title', /must be a text, not an object/],
}

for (const [name, [changes, path, message]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => assertRefused(changes, path, message))
}

const WARNED: Record<string, [Payload, RegExp]> = {
  'an unrendered title': [{ title: 'On {{ fields.hostname }}' }, /^title holds \{\{ … \}\}/],
}

for (const [name, [changes, warning]] of Object.entries(WARNED)) {
  test(`accepted with a warning: ${name}`, () => assertWarned(changes, warning))
}

test('a long title is cut to 1,000 characters, never inside of one', () => {
  const { event: parsed, warnings } = parse(event({ title: `x${'😀'.repeat(1000)}` }))
  assert.equal(parsed.title, `x${'😀'.repeat(999)}`)
  assert.deepEqual(warnings, ['title is over 1000 characters and was cut'])
  assert.equal(parse(event({ title: '😀'.repeat(1000) })).warnings.length, 0)
})
