import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  hasSigned,
  isSignatureRequired,
  makeSigningSecret,
  openSigningSecret,
  readSignature,
  sealSigningSecret,
} from './signature.ts'
import { createVault } from './vault.ts'

/** RFC 4231, test case 2. */
const KEY = 'Jefe'
const DATA = Buffer.from('what do ya want for nothing?')
const HEX = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
const BASE64 = Buffer.from(HEX, 'hex').toString('base64')

test('the signature of RFC 4231 is known in every form that senders write', () => {
  const forms = [
    HEX,
    HEX.toUpperCase(),
    `sha256=${HEX}`,
    ` SHA256= ${HEX} `,
    BASE64,
    `sha256=${BASE64}`,
    BASE64.replace('=', ''),
    Buffer.from(HEX, 'hex').toString('base64url'),
  ]
  for (const form of forms) assert.ok(hasSigned(KEY, DATA, [form]), form)
  assert.ok(hasSigned(KEY, DATA, ['sha256=nothing', HEX]))
})

test('nothing else is a signature', () => {
  const forms = ['', 'sha256=', HEX.slice(1), `${HEX}0`, `sha1=${HEX}`, `g${HEX.slice(1)}`, `${BASE64}=`, 'ü']
  for (const form of forms) assert.equal(readSignature(form), null, form)
  assert.equal(hasSigned(KEY, DATA, forms), false)
  assert.equal(hasSigned(KEY, DATA, []), false)
  assert.equal(hasSigned('jefe', DATA, [HEX]), false)
})

test('one changed bit of the body, of the secret or of the signature is noticed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat(255), (body, at, bit) => {
      const secret = makeSigningSecret()
      const digest = createHmac('sha256', secret).update(body).digest()
      assert.ok(hasSigned(secret, body, [digest.toString('hex')]))
      const other = Buffer.from(body)
      other[at % body.length]! ^= 1 << (bit % 8)
      assert.ok(!hasSigned(secret, other, [digest.toString('hex')]))
      digest[at % digest.length]! ^= 1 << (bit % 8)
      assert.ok(!hasSigned(secret, body, [digest.toString('hex')]))
    }),
  )
})

test('a stored secret belongs to its token, and whether it is required cannot be changed', () => {
  const vault = createVault(Buffer.alloc(32, 1))
  for (const required of [false, true]) {
    const stored = sealSigningSecret(vault, 'one', { secret: 'x', required })
    assert.equal(isSignatureRequired(stored), required)
    assert.equal(openSigningSecret(vault, 'one', stored), 'x')
    assert.throws(() => openSigningSecret(vault, 'two', stored), /another key/)
    const turned = Buffer.from(stored)
    turned[0]! ^= 1
    assert.throws(() => openSigningSecret(vault, 'one', turned), /another key/)
  }
  assert.equal(isSignatureRequired(null), false)
})
