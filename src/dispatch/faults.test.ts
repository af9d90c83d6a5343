import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TempoError } from '../errors.ts'
import { readChannel } from './changes.ts'

function faults(value: unknown): string[] {
  try {
    readChannel(value)
  } catch (error) {
    if (error instanceof TempoError) return error.errors.map(({ path, message }) => `${path}: ${message}`)
  }
  throw new Error('it was taken')
}

const SLACK = { name: 'a', type: 'slack', url: 'https://example.com/hook' }

test('a field that there is not is named with the one that was meant, wherever it stands', () => {
  assert.deepEqual(faults({ ...SLACK, minSeverty: 'error' }), [
    'minSeverty: is not a field of a channel of type slack; did you mean minSeverity?',
  ])
  const quietHours = { from: '22:00', to: '06:00', timezone: 'UTC', dais: ['mon'] }
  assert.deepEqual(faults({ ...SLACK, quietHours }), [
    'quietHours.dais: is not a field of quietHours; did you mean days?',
  ])
})

test('a field of another type of channel is none of this one', () => {
  assert.deepEqual(faults({ ...SLACK, topic: 'x', zzz: 1 }), [
    'topic: is not a field of a channel of type slack',
    'zzz: is not a field of a channel of type slack',
  ])
})

test('what is missing is told apart from what is wrong', () => {
  assert.deepEqual(faults({ type: 'gotify', url: 7 }), [
    'name: is missing: give a text',
    'url: must be a text',
    'secret: is missing: give a text',
  ])
  assert.match(faults({ name: 'a' })[0]!, /^type: is missing: give one of email, webhook/)
  assert.match(faults({ name: 'a', type: 'e-mail' })[0]!, /^type: must be one of .*; did you mean email\?$/)
  assert.deepEqual(faults('text'), ['channel: must be an object'])
})

test('one of several is told with all of them, and with the one that was meant', () => {
  assert.deepEqual(faults({ ...SLACK, minSeverity: 'eror', match: [{ a: ['b'] }] }), [
    'minSeverity: must be one of ok, info, warning, error, critical; did you mean error?',
    'match.0.a: must be a text, a number, true, false or null',
  ])
})
