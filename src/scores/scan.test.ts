import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileScan } from './scan.ts'

/** Where the leftmost occurrence ends, in UTF-16 units, by trying each place. */
function endByDefinition(wanted: string[], text: string[]): number {
  for (let start = 0; start + wanted.length <= text.length; start++) {
    if (!wanted.every((point, index) => point === '?' || point === text[start + index])) continue
    return text.slice(0, start + wanted.length).join('').length
  }
  return -1
}

const LETTERS = ['a', 'b', 'é', '😀', '\ud83d']

test('finds the leftmost occurrence, as the definition says', () => {
  const text = fc.array(fc.constantFrom(...LETTERS), { maxLength: 300 })
  const wanted = fc
    .array(fc.constantFrom(...LETTERS.slice(0, 4), '?'), { minLength: 1, maxLength: 6 })
    .chain((part) => fc.constantFrom(1, 2, 12, 30).map((times) => Array.from({ length: times }, () => part)))
    .map((parts) => parts.flat())
  fc.assert(
    fc.property(text, wanted, (text, wanted) => {
      const points = [...text.join('')]
      assert.equal(compileScan(wanted.join(''))(text.join(''), 0), endByDefinition(wanted, points))
    }),
    { numRuns: 1000 },
  )
})

test('finds what spans several words of bits, and from a place on', () => {
  for (const length of [1, 31, 32, 33, 64, 100]) {
    const literal = Array.from({ length }, (_, index) => String.fromCharCode(97 + (index % 7))).join('')
    for (const wanted of [literal, `${literal.slice(0, -1)}?`, `?${literal.slice(1)}`]) {
      const text = `xx${literal}yy${literal}`
      assert.equal(compileScan(wanted)(text, 2), length + 2, wanted)
      assert.equal(compileScan(wanted)(text, length + 4), text.length, wanted)
      assert.equal(compileScan(`${wanted}z`)(text, 0), -1)
    }
  }
})
