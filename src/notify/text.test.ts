import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  boundary,
  bytes,
  clean,
  escapeHtml,
  excerpt,
  isolate,
  jsonBytes,
  listOf,
  oneLine,
  shorten,
  title,
} from './text.ts'

const FAMILY = '👩‍👩‍👧‍👦'
const SUFFIX = /… \((\d+) more characters?\)$/
const characters = (text: string) => [...text].length

test('what fits is left alone', () => {
  assert.equal(shorten('abc', 3), 'abc')
  assert.equal(excerpt('abc', 3), 'abc')
  assert.equal(title('a b', 3), 'a b')
})

test('a cut is at the end, and says how many characters are left out', () => {
  assert.equal(shorten('x'.repeat(100), 40), `${'x'.repeat(17)}… (83 more characters)`)
  assert.equal(shorten('x'.repeat(100), 10), '…')
})

test('no character is cut within, however many code points it has', () => {
  for (const [letter, points] of [
    [FAMILY, 7],
    ['🇩🇪', 2],
    ['e\u0301', 2],
    ['𝄞', 1],
    ['👍🏽', 2],
  ] as const) {
    const whole = letter.repeat(500)
    for (let most = 60; most < 100; most++) {
      const cut = shorten(whole, most)
      const left = Number(SUFFIX.exec(cut)![1])
      const shown = cut.replace(SUFFIX, '')
      assert.equal(shown.replaceAll(letter, ''), '')
      assert.equal(characters(shown) + left, 500 * points)
      assert.ok(cut.length <= most)
    }
  }
})

test('a letter with hundreds of accents does not keep the rest from being shown', () => {
  const cut = shorten(`a${'\u0301'.repeat(5_000)}`, 1_000)
  assert.ok(cut.length > 900 && cut.length <= 1_000)
})

test('any text is a prefix of itself after a cut, within its limit, by whatever is counted', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 400 })
  for (const size of [(text: string) => text.length, bytes, jsonBytes]) {
    fc.assert(
      fc.property(anything, fc.integer({ min: 40, max: 300 }), (text, most) => {
        const cut = shorten(text, most, { size, render: (whole) => whole })
        assert.ok(size(cut) <= most)
        if (cut === text) return
        const left = Number(SUFFIX.exec(cut)![1])
        const shown = cut.replace(SUFFIX, '')
        assert.ok(text.startsWith(shown) && cut.isWellFormed())
        // As much as fits: one more character, of up to some dozens of bytes here, would be too long.
        assert.equal(characters(shown) + left, characters(text))
        assert.equal(boundary(text, shown.length), shown.length)
      }),
    )
  }
})

test('what escaping adds counts', () => {
  const cut = shorten('<'.repeat(100), 100, { render: escapeHtml })
  assert.match(cut, /^(&lt;)+… \(\d+ more characters\)$/)
  assert.ok(cut.length <= 100 && cut.length > 95)
})

test('an excerpt of a long text counts what it did not look at', () => {
  const text = `${'é'.repeat(1_000_000)}𝄞𝄞`
  const cut = excerpt(text, 100)
  assert.equal(characters(cut.replace(SUFFIX, '')) + Number(SUFFIX.exec(cut)![1]), 1_000_002)
  const line = title(`${'a '.repeat(1_000_000)}`, 100)
  assert.match(line, SUFFIX)
  assert.ok(line.length <= 100)
})

test('control characters, colours of terminals and half characters are left out', () => {
  assert.equal(clean('\u0000a\u001b[1;31mred\u001b[0m\u0007\r\nb\u2028c\ud800'), 'ared\nb\nc\ufffd')
  assert.equal(clean('\u001b]0;title\u0007x\u001b]8;;http://a\u001b\\y'), 'xy')
  assert.equal(clean('\n \n  indented\n\n'), '  indented')
  assert.equal(oneLine(' a\r\n\tb  c '), 'a b c')
})

test('directional controls stay within their line', () => {
  assert.equal(isolate('plain'), 'plain')
  assert.equal(isolate('a\u202eb\nplain'), '\u2068a\u202eb\u2069\nplain')
  assert.equal(isolate('a\u2069b\u2067c'), '\u2068ab\u2067c\u2069\u2069')
  // What says that something is missing stands outside.
  assert.match(shorten(`\u202e${'x'.repeat(100)}`, 40), /^\u2068\u202ex+\u2069… \(\d+ more characters\)$/)
})

test('a list ends with how many are missing', () => {
  const lines = ['one', 'two', 'three hundred']
  assert.equal(listOf(lines, 100, 3), 'one\ntwo\nthree hundred')
  assert.equal(listOf(lines, 100, 10), 'one\ntwo\nthree hundred\nand 7 more')
  assert.equal(listOf(lines, 20, 3), 'one\ntwo\nand 1 more')
  assert.equal(listOf(lines, 5, 3), 'and 3 more')
})
