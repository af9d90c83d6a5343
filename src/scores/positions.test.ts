import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createPositions, positionIn } from './positions.ts'

const JSON_TEXT = `{
  "a": 1,
  "rules": [
    { "match": { "x.y": "*" } },
    {
      "label": "text"
    }
  ],
  "a": [true, null]
}`

test('points at values, or at their keys', () => {
  const { of } = createPositions(JSON_TEXT)!
  assert.deepEqual(of(['rules', 1, 'label']), { line: 6, column: 16 })
  assert.deepEqual(of(['rules', '1', 'label'], 'key'), { line: 6, column: 7 })
  assert.deepEqual(of(['rules', 0, 'match', 'x.y']), { line: 4, column: 25 })
  assert.deepEqual(of([]), { line: 1, column: 1 })
})

test('of a key that is there twice the last is meant', () => {
  assert.deepEqual(createPositions(JSON_TEXT)!.of(['a', 1]), { line: 9, column: 15 })
})

test('what is not there is looked for where it belongs', () => {
  const { of } = createPositions(JSON_TEXT)!
  assert.deepEqual(of(['displayName']), { line: 1, column: 1 })
  assert.deepEqual(of(['rules', 1, 'severity']), { line: 5, column: 5 })
  assert.deepEqual(of(['rules', 0, 'match', 'z']), { line: 4, column: 7 })
  assert.deepEqual(of(['constructor', 'x']), { line: 1, column: 1 })
})

test('a text too deep to be read has no positions', () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  assert.equal(createPositions(deep), undefined)
})

test('the place of every value in any JSON is where its own text begins', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const spread = JSON.stringify(JSON.parse(text), null, 2)
      const positions = createPositions(spread)!
      const lines = spread.split('\n')
      const walk = (value: unknown, names: (string | number)[]) => {
        const { line, column } = positions.of(names)
        const first = JSON.stringify(value, null, 2).split('\n')[0]!
        assert.ok(lines[line - 1]!.slice(column - 1).startsWith(first))
        if (typeof value !== 'object' || value === null) return
        for (const [name, inner] of Object.entries(value)) walk(inner, [...names, name])
      }
      walk(JSON.parse(spread), [])
    }),
  )
})

test('an offset as line and column', () => {
  assert.deepEqual(positionIn('ab\n\ncd', 5), { line: 3, column: 2 })
  assert.deepEqual(positionIn('', 0), { line: 1, column: 1 })
})
