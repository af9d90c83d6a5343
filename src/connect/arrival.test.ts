import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Arrival, type Awaited, hintsOnSilence, readArrival } from './arrival.ts'

const awaited: Awaited = {
  tokenId: 'mine',
  name: 'tempo',
  target: 'webhook',
  url: 'https://tempo.lan/ingest/proxmox',
}
const arrived = { title: 'Test notification', metadata: { severity: 'info', TaskType: null }, isTest: true }

function find(delivery: Partial<Arrival['delivery']> = {}, rest: Partial<Arrival> = {}, wanted = awaited) {
  const whole = { path: '/ingest/proxmox', address: '10.0.0.2', tokenId: 'mine', status: 200, reason: null }
  return readArrival({ delivery: { ...whole, ...delivery }, event: arrived, problem: null, ...rest }, wanted)
}

const stranger = (reason: string) => ({ tokenId: null, status: 401, reason })

test('the Test ends the watch on each path that reads all of it', () => {
  assert.equal(find()?.isDone, true)
  assert.equal(find({ path: '/ingest/proxmox/' })?.isDone, true)
  assert.equal(find({ path: '/ingest' })?.isDone, true)
  const gotify = { ...awaited, target: 'gotify' as const, url: 'http://tempo.lan' }
  assert.equal(find({ path: '/message' }, { event: { ...arrived, metadata: {} } }, gotify)?.isDone, true)
  const lost = find({ path: '/ingest' }, { event: { ...arrived, metadata: {} } })
  assert.deepEqual(
    [lost?.isDone, /to https:\/\/tempo\.lan\/ingest\/proxmox$/.test(lost!.text)],
    [false, true],
  )
})

test('what is stored later, is no Test, or kept its template does not end it', () => {
  assert.match(find({ status: 202 }, { event: null })!.text, /waits on the disk/)
  assert.match(find({}, { event: { ...arrived, isTest: false } })!.text, /no Test; waiting on/)
  const raw = { title: '{{ title }}', metadata: { severity: 'info' }, isTest: true }
  const found = find({}, { event: raw })!
  assert.deepEqual([found.isDone, /template was not filled in/.test(found.text)], [false, true])
})

test('a refusal says why, and what to do', () => {
  const problem = { detail: 'The body is not JSON.', hint: 'Use {{ json title }}.' }
  assert.match(
    find({ status: 422 }, { event: null, problem })!.text,
    /not JSON\. Use \{\{ json title \}\}\.$/,
  )
  assert.match(find({ status: 401, reason: 'token_revoked' }, { event: null })!.text, /not in force/)
  assert.match(find({ status: 413 }, { event: null })!.text, /TEMPO_MAX_BODY_BYTES/)
  assert.match(find({ status: 503, reason: 'unavailable' }, { event: null })!.text, /503 \(unavailable\)/)
})

test('strangers count when their token is wrong or missing, and others not at all', () => {
  assert.match(find(stranger('unknown_token'), { event: null })!.text, /wrong token came from 10\.0\.0\.2/)
  assert.match(find(stranger('no_token'), { event: null })!.text, /X-Tempo-Token/)
  assert.equal(find(stranger('wrong_scope'), { event: null }), null)
  assert.equal(find({ tokenId: 'theirs' }), null)
})

test('hints name the very addresses', () => {
  const text = hintsOnSilence(awaited, 'pve').join('\n')
  assert.match(text, /"curl -m 5 https:\/\/tempo\.lan\/health"/)
  assert.match(text, /certificate/)
  const plain = { ...awaited, target: 'gotify' as const, url: 'http://tempo.lan' }
  assert.doesNotMatch(hintsOnSilence(plain, 'pbs').join('\n'), /certificate|mailto/)
})
