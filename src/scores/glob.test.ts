import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileGlob, foldCase, globFault } from './glob.ts'

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

/** The least of some runs, in milliseconds: what the work itself takes. */
function leastTime(work: () => void): number {
  const times = Array.from({ length: 15 }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return Math.min(...times)
}

const HOSTILE: [pattern: string, unit: string][] = [
  ['*a*a*a*a*b', 'a'],
  ['*a*a*a*a*b*', 'a'],
  ['a*a*a*a*a*a*b', 'a'],
  ['*a?a*b', 'a'],
  ['*a?a?a?b*', 'a'],
  ['*a??????????????b*', 'a'],
  [`*${'a?'.repeat(60)}b*`, 'a'],
  [`*${'a?b*'.repeat(500)}c*`, 'aab'],
  [`*${'ab?'.repeat(20)}c*`, 'abc'],
  ['*é?é?ab*', 'é'],
  ['*😀?😀?ab*', '😀'],
  [`*${'a'.repeat(500)}b${'a'.repeat(500)}*`, 'a'],
  [`*${'a'.repeat(1000)}*b*`, `${'a'.repeat(999)}c`],
  [`*${'ab'.repeat(200)}b*`, 'ab'],
]

test('patterns that make backtracking matchers hang take a time that grows with the text only', () => {
  const textOf = (unit: string, length: number) => unit.repeat(Math.ceil(length / unit.length))
  for (const [pattern, unit] of HOSTILE) {
    const glob = compileGlob(pattern)
    const timeAt = (length: number) => {
      const text = textOf(unit, length)
      return leastTime(() => assert.equal(glob(text), false))
    }
    timeAt(65_536)
    const [small, large] = [timeAt(65_536), timeAt(8 * 65_536)]
    // Linear is 8, quadratic 64.
    assert.ok(large < 24 * small + 0.5, `${pattern.slice(0, 40)}: ${small} ms, then ${large} ms`)
  }
})

test('a pattern that would take long is refused, any other is not', () => {
  const long = 'ab?'.repeat(60)
  assert.match(globFault(`*${long}x*`)!, /128 characters/)
  for (const pattern of [long, `${long}*`, `*${long}`, `*${'?'.repeat(500)}*`, `*${'x'.repeat(500)}*`]) {
    assert.equal(globFault(pattern), undefined)
  }
})
