import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FailureKind, fatal, unavailable } from '../errors.ts'
import { codeOf, failureKind, isPassing, isRefusedForGood } from './failures.ts'

const failure = (code: string) => Object.assign(new Error('x'), { code })

const KINDS: Record<FailureKind, string[]> = {
  away: [
    ...['08000', '08006', '08P01', '28000', '28P01', '3D000', '53000', '53100', '53200', '53300', '53400'],
    ...['57014', '57P01', '57P02', '57P03', '57P04', '57P05', '58000', '58030', '25006', '55000'],
    ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'CONNECT_TIMEOUT', 'CONNECTION_DESTROYED', 'DEADLINE'],
  ],
  later: [
    ...['40001', '40P01', '40000', '55P03', '23505', '23P01', '25P03'],
    ...['42P01', '42703', '42883', '3F000'],
  ],
  bad: ['22P05', '22021', '22001', '22003', '22008', '22007', '22P02', '22000', '23514', '54000'],
  unknown: [
    '23502',
    '23503',
    '42601',
    '42501',
    '54001',
    'XX000',
    'XX001',
    'F0000',
    'P0001',
    'ERR_INVALID_ARG_TYPE',
  ],
}

for (const [kind, codes] of Object.entries(KINDS)) {
  test(`these codes mean that the row is to be treated as "${kind}"`, () => {
    assert.deepEqual(
      codes.filter((code) => failureKind(failure(code)) !== kind),
      [],
    )
  })
}

test('a failure is found behind the errors that wrap it', () => {
  assert.equal(failureKind(unavailable('not stored', failure('08006'))), 'away')
  assert.equal(failureKind(new Error('Failed query', { cause: failure('22P05') })), 'bad')
  assert.equal(codeOf(unavailable('not stored', new Error('outer', { cause: failure('40001') }))), '40001')
})

test('what has no code is kept for later: our own 503, a fault of ours, and what is no error at all', () => {
  assert.equal(failureKind(unavailable('too many wait')), 'later')
  for (const thrown of [new TypeError('x is not a function'), 'text', null, undefined]) {
    assert.equal(failureKind(thrown), 'unknown')
  }
})

test('a reader is told to come back for what passes, and not for a table that is not there', () => {
  const passing = ['08006', '57P03', '40001', '55P03', 'ECONNREFUSED'].map(failure)
  assert.ok(passing.every(isPassing))
  assert.ok(!['42P01', '22P05', '23505', 'XX000'].map(failure).some(isPassing))
})

test('a login that is refused does not pass by itself, a database that starts up does', () => {
  assert.ok(['28P01', '28000', '3D000', '42501'].map(failure).every(isRefusedForGood))
  assert.ok(isRefusedForGood(fatal('extension_missing', 'x', failure('58P01'))))
  assert.ok(!['57P03', '53300', 'ECONNREFUSED', 'CONNECT_TIMEOUT'].map(failure).some(isRefusedForGood))
  assert.ok(!isRefusedForGood(unavailable('no answer', failure('DEADLINE'))))
})
