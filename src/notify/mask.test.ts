import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelTarget } from '../channel.ts'
import { hide, maskUrl, recordRequest, secretsOf } from './mask.ts'

const SLACK: ChannelTarget = {
  type: 'slack',
  url: 'https://hooks.slack.com/services/T00000000/B00000000/XXXXsecretXXXX',
}
const WEBHOOK: ChannelTarget = {
  type: 'webhook',
  url: 'https://login:pass%20word@example.org/hook/abcdefgh1234?token=query-secret',
  method: 'POST',
  headers: { Authorization: 'Bearer header-secret' },
  secret: 'whsec_c2lnbmluZy1zZWNyZXQ=',
  signature: 'both',
  signatureHeader: 'X-Tempo-Signature',
}
const EMAIL: ChannelTarget = {
  type: 'email',
  host: 'mail.example.org',
  port: 587,
  security: 'starttls',
  username: 'tempo',
  secret: 'mail-"secret"',
  from: 'a@example.org',
  recipients: ['b@example.org'],
  verifyCertificate: true,
}

test('an address is shown by its host alone when its path is the secret', () => {
  assert.equal(maskUrl(SLACK.url, false), 'https://hooks.slack.com/***')
  assert.equal(
    maskUrl('https://events.pagerduty.com/v2/enqueue', true),
    'https://events.pagerduty.com/v2/enqueue',
  )
  assert.equal(maskUrl('https://u:p@ntfy.example.org/base?auth=x', true), 'https://ntfy.example.org/base?***')
  assert.equal(maskUrl('not an address', true), '***')
})

test('no spelling of a secret stays in what is kept', () => {
  const request = {
    url: WEBHOOK.url,
    method: 'POST',
    headers: {
      ...WEBHOOK.headers,
      'content-type': 'application/json',
      'webhook-signature': 'v1,abc',
      'webhook-id': 'msg',
    },
    body: JSON.stringify({ echoed: ['Bearer header-secret', 'query-secret', 'pass word', 'abcdefgh1234'] }),
  }
  const kept = recordRequest(request, WEBHOOK)
  assert.equal(
    kept,
    `POST https://example.org/***
Authorization: ***
content-type: application/json
webhook-signature: ***
webhook-id: msg

{"echoed":["***","***","***","***"]}`,
  )
})

test('what a receiver says back is masked, too', () => {
  const plain = Buffer.from('\0tempo\0mail-"secret"').toString('base64')
  const said = `535 no: ${plain} {"password":"mail-\\"secret\\""} ${Buffer.from('mail-"secret"').toString('base64')}`
  assert.equal(hide(said, secretsOf(EMAIL)), '535 no: *** {"password":"***"} ***')
  assert.equal(
    hide('No service at /services/T00000000/B00000000/XXXXsecretXXXX', secretsOf(SLACK)),
    'No service at /***/***/***/***',
  )
})

test('a long body is cut, and a secret at the cut is masked before', () => {
  const target: ChannelTarget = {
    type: 'pagerduty',
    url: 'https://events.pagerduty.com/v2/enqueue',
    secret: 'routing-key-0123456789',
  }
  for (let shift = 3_900; shift < 4_200; shift += 7) {
    const body = `${'x'.repeat(shift)}${target.secret}${'y'.repeat(100_000)}`
    const kept = recordRequest({ url: target.url, method: 'POST', headers: {}, body }, target)
    assert.doesNotMatch(kept, /routing/)
    assert.match(kept, /… \(\d+ more characters\)$/)
    assert.ok(kept.length <= 4_096)
  }
})
