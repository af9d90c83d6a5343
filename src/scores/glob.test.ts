import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileGlob, foldCase } from './glob.ts'

function matches(pattern: string, text: string): boolean {
  return compileGlob(pattern)(foldCase(text))
}

/** The definition of a glob, slow and plain: what is left of the pattern against what is left of the text. */
function matchesByDefinition(pattern: string[], text: string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return text.length === 0
  if (first === '*')
    return text.some((_, i) => matchesByDefinition(rest, text.slice(i))) || matchesByDefinition(rest, [])
  return text.length > 0 && (first === '?' || first === text[0]) && matchesByDefinition(rest, text.slice(1))
}

test('a star is any run of characters, a question mark is one', () => {
  assert.ok(matches('*Failed', 'LoginFailed'))
  assert.ok(matches('evt_*_connected', 'EVT_LAN_Connected'))
  assert.ok(matches('E?00', 'e100'))
  assert.ok(matches('*', ''))
  assert.ok(matches('*?', 'x'))
  assert.ok(!matches('*?', ''))
  assert.ok(!matches('E?00', 'E00'))
  assert.ok(!matches('fail*', 'it failed'))
  assert.ok(!matches('*ab*ba*', 'aba'))
})

test('a star spans lines', () => {
  assert.ok(matches('*error*', 'line\nan ERROR here\nline'))
})

test('characters that regular expressions or shells treat specially are themselves', () => {
  for (const text of ['a.b', '(a|b)', '[a-z]', '{a,b}', '!(x)', '+(x)', '$^', 'a\\b', '\\', '@(a)']) {
    assert.ok(matches(text, text), text)
    assert.ok(matches(`*${text}*`, `x${text}y`), text)
  }
  assert.ok(!matches('a.b', 'axb'))
  assert.ok(!matches('[ab]', 'a'))
})

test('a question mark is one character even where JavaScript counts two units', () => {
  assert.ok(matches('?', '😀'))
  assert.ok(matches('a?b', 'a😀b'))
  assert.ok(!matches('??', '😀'))
  assert.ok(matches('*?', '😀'))
})

test('case is ignored for letters whose lower case depends on their neighbours', () => {
  assert.ok(matches('*ΣΑΣ', 'ΟΔΥΣΣΑΣ'))
  assert.ok(matches('ΑΣ*', 'ας και'))
  assert.ok(matches('STRASSE?', 'strasse!'))
})

test('agrees with the definition of a glob', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '.', '😀', '\n'), maxLength: 12 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', 'B', '.', '😀', '*', '?'), maxLength: 8 })
  fc.assert(
    fc.property(pattern, text, (pattern, text) => {
      assert.equal(matches(pattern, text), matchesByDefinition([...foldCase(pattern)], [...foldCase(text)]))
    }),
    { numRuns: 3000 },
  )
})

test('every text matches itself, and itself with any part replaced by a star', () => {
  const unit = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[*?]/.test(text))
  fc.assert(
    fc.property(unit, unit, unit, (a, b, c) => {
      assert.ok(matches(a + b + c, a + b + c))
      assert.ok(matches(`${a}*${c}`, a + b + c))
      assert.ok(matches(`*${b}*`, a + b + c))
    }),
  )
})

test('patterns that make backtracking matchers hang take under a millisecond on 64 KiB', () => {
  const text = 'a'.repeat(65_536)
  for (const pattern of ['*a*a*a*a*b', '*a*a*a*a*b*', 'a*a*a*a*a*a*b', '*a?a?a*b']) {
    const glob = compileGlob(pattern)
    for (let warm = 0; warm < 50; warm++) glob(text)
    const times = Array.from({ length: 20 }, () => {
      const start = performance.now()
      assert.equal(glob(text), false)
      return performance.now() - start
    })
    assert.ok(Math.min(...times) < 1, `${pattern}: ${Math.min(...times)} ms`)
  }
})
