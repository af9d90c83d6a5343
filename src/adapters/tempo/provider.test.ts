import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertRefused, errorsOf, event, type Payload, parse } from './testing.ts'

const REFUSED: Record<string, [Payload, path: string, message: RegExp]> = {
  'no provider': [
    { providerIdentifier: null },
    'providerIdentifier',
    /is missing; add it \("com\.proxmox"\)/,
  ],
  'provider under another name': [
    { providerIdentifier: null, providerID: 'x' },
    'providerIdentifier',
    /rename "providerID" to it/,
  ],
  'provider a number': [{ providerIdentifier: 5 }, 'providerIdentifier', /must be a text/],
  'provider in capitals': [
    { providerIdentifier: 'Com.Proxmox' },
    'providerIdentifier',
    /lower-case letters and digits.*did you mean "com\.proxmox"\?/,
  ],
  'provider with a space': [{ providerIdentifier: 'My Server' }, 'providerIdentifier', /or underscores$/],
  'provider too short': [{ providerIdentifier: 'ab' }, 'providerIdentifier', /3 to 200 characters/],
  'provider too long': [{ providerIdentifier: 'a'.repeat(201) }, 'providerIdentifier', /3 to 200/],
}

for (const [name, [changes, path, message]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => assertRefused(changes, path, message))
}

test('the provider of the token is used only when the payload names none', () => {
  assert.equal(parse({ title: 'x' }, 'com.own').event.provider, 'com.own')
  assert.equal(parse(event({}), 'com.own').event.provider, 'com.proxmox')
  assert.equal(errorsOf(event({ providerIdentifier: 7 }), 'com.own')[0]!.path, 'providerIdentifier')
})
