import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metadata } from '../event.ts'
import { read } from './testing.ts'
import { compileTriage, decideTriage, type TriageVerdict } from './triage.ts'

const SCORE = compileTriage({
  providerIdentifier: 'com.example',
  displayName: 'Example',
  ackRules: [{ match: { a: 'x' } }, { match: { b: 'x', c: 'x' } }],
  dismissRules: [{ match: { d: 'x' } }],
})

function decide(metadata: Metadata): TriageVerdict {
  return decideTriage(SCORE, read(metadata).metadata)
}

test('any rule that matches acknowledges', () => {
  assert.equal(decide({ a: 'X' }).acked, true)
  assert.deepEqual(decide({ b: 'x', c: 'x' }), {
    acked: true,
    dismissed: false,
    ackRule: 1,
    dismissRule: null,
  })
  assert.equal(decide({ b: 'x' }).acked, false)
})

test('dismiss beats acknowledge', () => {
  assert.deepEqual(decide({ a: 'x', d: 'x' }), { acked: false, dismissed: true, ackRule: 0, dismissRule: 0 })
})

test('without a score nothing is settled', () => {
  const { acked, dismissed } = decideTriage(undefined, read({ a: 'x' }).metadata)
  assert.deepEqual([acked, dismissed], [false, false])
})
