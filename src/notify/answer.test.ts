import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  explainAnswer,
  explainError,
  resultOfError,
  resultOfReply,
  resultOfStatus,
  retryAfterOf,
} from './answer.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const answer = (status: number, headers: Record<string, string> = {}, body = '') => ({
  status,
  headers,
  body,
})

test('every status has its result', () => {
  for (const status of [200, 201, 202, 204, 299]) assert.equal(resultOfStatus(status), 'sent', `${status}`)
  for (const status of [408, 425, 429, 500, 502, 503, 504, 599]) {
    assert.equal(resultOfStatus(status), 'passing', `${status}`)
  }
  for (const status of [301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 410, 413, 422]) {
    assert.equal(resultOfStatus(status), 'permanent', `${status}`)
  }
})

test('replies of SMTP pass with 4, and stay with 5', () => {
  assert.deepEqual([250, 421, 450, 452, 535, 550, 554].map(resultOfReply), [
    'sent',
    'passing',
    'passing',
    'passing',
    'permanent',
    'permanent',
    'permanent',
  ])
})

test('Retry-After is read as seconds and as a date, and limited to a day', () => {
  const wait = (value: string) => retryAfterOf(answer(429, { 'retry-after': value }), NOW)
  assert.equal(wait('120'), 120_000)
  assert.equal(wait(' 0 '), 0)
  assert.equal(wait('0.5'), 500)
  assert.equal(wait('Sat, 21 Nov 2026 12:02:00 GMT'), 120_000)
  assert.equal(wait('Saturday, 21-Nov-26 12:02:00 GMT'), 120_000)
  assert.equal(wait('Sat, 21 Nov 2026 11:00:00 GMT'), 0)
  assert.equal(wait('99999999'), 86_400_000)
  for (const nonsense of ['', '-5', 'soon', '1e3', '99999999999999999999'])
    assert.equal(wait(nonsense), null, nonsense)
  assert.equal(retryAfterOf(answer(503, { 'retry-after': '7' }), NOW), 7_000)
  assert.equal(retryAfterOf(answer(429), NOW), null)
})

test('the wait that Discord writes in its body counts, when it is longer', () => {
  const body = '{"message":"You are being rate limited.","retry_after":64.57,"global":false}'
  assert.equal(retryAfterOf(answer(429, {}, body), NOW), 64_570)
  assert.equal(retryAfterOf(answer(429, { 'retry-after': '65' }, body), NOW), 65_000)
  assert.equal(retryAfterOf(answer(429, {}, '{"retry_after":"x"}'), NOW), null)
  assert.equal(retryAfterOf(answer(429, {}, 'null'), NOW), null)
})

test('a redirect is told as one that is not followed', () => {
  assert.match(
    explainAnswer(answer(301, { location: 'https://b.example/' })),
    /not followed.*https:\/\/b\.example\//,
  )
})

test('what the network does may pass; a foreign certificate or a forbidden address will not', () => {
  const failed = (code: string) => Object.assign(new Error(`it was ${code}`), { code })
  for (const code of [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'ECONNRESET',
    'ETIMEDOUT',
    'CERT_HAS_EXPIRED',
  ]) {
    assert.equal(resultOfError(failed(code)), 'passing', code)
    assert.match(explainError(failed(code)), new RegExp(`^[A-Z].*\\. \\(it was ${code}\\)$`))
  }
  for (const code of [
    'EBLOCKED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_INVALID_URL',
  ]) {
    assert.equal(resultOfError(failed(code)), 'permanent', code)
  }
  // Node tries all addresses of a host, and says what became of each.
  const both = new AggregateError([failed('ECONNREFUSED'), failed('ECONNREFUSED')], '')
  assert.deepEqual(
    [resultOfError(both), explainError(both)],
    ['passing', 'Nothing listens at that host and port. (ECONNREFUSED, ECONNREFUSED)'],
  )
  assert.equal(explainError('odd'), 'odd')
})
