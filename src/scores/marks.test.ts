import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metadata } from '../event.ts'
import type { ScoreFile } from './format.ts'
import { compileMarks, decideMarks, type MarksVerdict } from './marks.ts'
import { read } from './testing.ts'

const SCORE: ScoreFile = {
  providerIdentifier: 'com.example',
  displayName: 'Example',
  indicatorRules: [
    { match: { a: 'none' } },
    { match: { a: 'moon' }, emoji: ' 🌙 ' },
    { match: { a: '*' }, color: 'red' },
  ],
  tagRules: [
    { match: { b: 'x' }, tag: '${metadata.c} of ${metadata.d}' },
    { match: { b: '*' }, tag: 'other' },
  ],
}

function decide(metadata: Metadata, score: ScoreFile | undefined = SCORE): MarksVerdict {
  const { metadata: reader, values } = read(metadata)
  return decideMarks(score && compileMarks(score), reader, values)
}

test('the first indicator rule that matches gives the sign', () => {
  assert.deepEqual(decide({ a: 'moon' }).indicator, { emoji: '🌙', color: null })
  assert.deepEqual(decide({ a: 'sun' }).indicator, { emoji: null, color: 'red' })
  assert.deepEqual([decide({ a: 'none' }).indicator, decide({ a: 'none' }).indicatorRule], [null, 0])
  assert.equal(decide({ a: '' }).indicator, null)
})

test('the first tag rule that matches gives the one tag, with what is missing left to be seen', () => {
  assert.equal(decide({ b: 'x', c: 'disk', d: 'nas' }).tag, 'disk of nas')
  assert.equal(decide({ b: 'x', c: 'disk' }).tag, 'disk of ${metadata.d}')
  assert.deepEqual([decide({ b: 'y' }).tag, decide({ b: 'y' }).tagRule], ['other', 1])
  assert.deepEqual([decide({}).tag, decide({}).tagRule], [null, null])
})

test('without a score there are none', () => {
  const { metadata, values } = read({ a: 'moon' })
  assert.deepEqual(Object.values(decideMarks(undefined, metadata, values)), [null, null, null, null])
})
