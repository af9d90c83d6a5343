import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import schema from '../../scores/tempo-score.schema.json' with { type: 'json' }
import type { Metadata } from '../event.ts'
import { createCatalog } from './catalog.ts'
import { evaluateEvent } from './evaluate.ts'
import { parseScore } from './load.ts'
import { describeProgress, readProgress } from './progress.ts'
import { read, sampleEvent } from './testing.ts'

const GUIDE = readFileSync(new URL('../../docs/scores.md', import.meta.url), 'utf8')

const blocks = Array.from(GUIDE.matchAll(/```json\n([\s\S]*?)```/g), ([, text]) => text!)
const isPayload = (value: object) => 'title' in value

test('every JSON example in the guide is a payload, a score, or a part that makes a score valid', () => {
  const values = blocks.map((text) => JSON.parse(text))
  assert.ok(values.filter((value) => !isPayload(value)).length >= 10)
  for (const value of values) {
    if (isPayload(value)) continue
    const whole = { providerIdentifier: 'com.example', displayName: 'x', ...value }
    assert.deepEqual(parseScore(JSON.stringify(whole)), { score: whole })
  }
})

test('the guide names every key of the format, and links to no heading that is not there', () => {
  for (const key of Object.keys(schema.properties)) assert.ok(GUIDE.includes(`\`${key}\``), key)
  const headings = Array.from(GUIDE.matchAll(/^#+ (.*)$/gm), ([, text]) =>
    text!
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  for (const [, anchor] of GUIDE.matchAll(/\]\(#([^)]*)\)/g)) assert.ok(headings.includes(anchor!), anchor)
})

test('the score of the walk-through does what the guide says', () => {
  const parsed = parseScore(blocks[0]!)
  assert.ok('score' in parsed)
  const { score } = createCatalog([parsed.score]).find('scripts.disk-space')!
  const seen = (metadata: Metadata) => evaluateEvent(score, sampleEvent({ metadata }))
  const disk = { host: 'nas', mount: '/', used: 97 }
  const full = seen({ ...disk, state: 'full' })
  assert.deepEqual(
    [full.severity, full.label, full.title, full.role, full.key],
    ['critical', '97 %', '/ on nas is full', 'opens', 'nas:/'],
  )
  assert.deepEqual(
    [seen({ ...disk, state: 'fine' }).role, seen({ ...disk, state: 'low' }).severity],
    ['closes', 'warning'],
  )
  assert.equal(seen({ ...disk, host: 'test-1' }).dismissed, true)
})

test('the subtitles of runs are as the guide’s table says', () => {
  const rows = [...GUIDE.matchAll(/^\| `("run[^`]*)` \| (.*?) \|$/gm)]
  assert.equal(rows.length, 4)
  for (const [, metadata, subtitle] of rows) {
    const progress = readProgress(read(JSON.parse(`{${metadata}}`)).metadata)
    assert.equal(describeProgress(progress!), subtitle)
  }
})
