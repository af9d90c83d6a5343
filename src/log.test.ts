import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { createLog, describeError } from './log.ts'

test('an error is told by its type, code, message and stack, and so is its cause', () => {
  const cause = Object.assign(new TypeError('inner'), { code: 'ECONNREFUSED' })
  const described = describeError(new Error('outer', { cause }))
  assert.deepEqual([described.type, described.message, 'code' in described], ['Error', 'outer', false])
  assert.match(described.stack, /^Error: outer\n\s+at /)
  assert.deepEqual([described.cause?.type, described.cause?.code], ['TypeError', 'ECONNREFUSED'])
})

test('what errors of the database carry of rows and parameters is left out', () => {
  const refusal = Object.assign(new Error('violates check constraint'), {
    code: '23514',
    detail: 'Failing row contains (secret).',
    parameters: ['secret'],
  })
  const query = 'insert into quarantine values ($1)'
  const drizzle = new Error(`Failed query: ${query}\nparams: secret\nsecret`, { cause: refusal })
  Object.assign(drizzle, { query, params: ['secret'] })
  const text = JSON.stringify(describeError(drizzle))
  assert.doesNotMatch(text, /secret/)
  assert.match(text, /Failed query: insert into quarantine values \(\$1\)/)
  assert.match(text, /violates check constraint/)
})

test('causes that go in a circle, and things that are no errors, are told too', () => {
  const error = new Error('round')
  error.cause = error
  assert.match(JSON.stringify(describeError(error)), /round/)
  assert.deepEqual(describeError('text'), { type: 'string', message: 'text', stack: 'text' })
  assert.equal(describeError(undefined).message, 'undefined')
})

test('a log is JSON lines with the fact err described, and leaves out what is below its level', () => {
  const stream = new PassThrough()
  const log = createLog('info', stream as unknown as NodeJS.WriteStream)
  log.debug({ body: 'x' }, 'not told')
  log.warn({ err: new Error('broken'), path: '/ingest' }, 'told')
  const lines = String(stream.read()).trimEnd().split('\n')
  assert.equal(lines.length, 1)
  const { level, time, err, path, msg } = JSON.parse(lines[0]!)
  assert.deepEqual([level, err.message, path, msg], [40, 'broken', '/ingest', 'told'])
  assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/)
})
