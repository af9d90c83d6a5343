import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readJsonBody } from '../json.ts'
import { assertAccepted, assertRefused, assertWarned, keys, type Payload, parse } from './testing.ts'

const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) })

const REFUSED: Record<string, [Payload, path: string, message: RegExp]> = {
  'metadata an array': [{ metadata: [] }, 'metadata', /must be an object, not an array/],
  'metadata a text': [{ metadata: 'x' }, 'metadata', /must be an object, not a text$/],
  'metadata encoded twice': [{ metadata: '{"a":1}' }, 'metadata', /leave out the quotes/],
  'metadata a number': [{ metadata: 0 }, 'metadata', /not a number/],
  'metadata false': [{ metadata: false }, 'metadata', /not a boolean/],
  'metadata with 257 keys': [{ metadata: keys(257) }, 'metadata', /257 keys; at most 256/],
  'metadata with 257 keys inside': [{ metadata: { a: [keys(257)] } }, 'metadata.a[0]', /at most 256/],
  'metadata of 17 levels': [{ metadata: deep(17) }, `metadata${'.a'.repeat(16)}`, /more than 16 levels/],
  'metadata with strange keys': [
    { metadata: { 'a b': { '': keys(257) } } },
    'metadata["a b"][""]',
    /at most 256/,
  ],
  'metadata with a deep __proto__': [
    { metadata: JSON.parse(`{"__proto__":${JSON.stringify(keys(257))}}`) },
    'metadata.__proto__',
    /at most 256/,
  ],
}

for (const [name, [changes, path, message]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => assertRefused(changes, path, message))
}

const ACCEPTED: Record<string, Payload> = {
  'metadata with 256 keys': { metadata: { ...keys(255), more: keys(256) } },
  'metadata of 16 levels': { metadata: deep(16) },
  'a long array in metadata': { metadata: { list: Array(10_000).fill(0) } },
  'a log that quotes a template': { metadata: { Message: '{{guestname}}', x: { message: '{{vmid}}' } } },
  'a template far inside of a text': { metadata: { Log: `${'x'.repeat(2048)}{{title}}` } },
}

for (const [name, changes] of Object.entries(ACCEPTED)) {
  test(`accepted without a warning: ${name}`, () => assertAccepted(changes))
}

const WARNED: Record<string, [Payload, RegExp]> = {
  'unrendered metadata': [{ metadata: { a: [{ b: '{{x}}' }] } }, /^metadata\.a\[0\]\.b holds/],
  'the example address': [
    { metadata: { ServerUrl: 'https://your-proxmox.lan:8006' } },
    /ServerUrl is still the example/,
  ],
}

for (const [name, [changes, warning]] of Object.entries(WARNED)) {
  test(`accepted with a warning: ${name}`, () => assertWarned(changes, warning))
}

test('metadata keeps __proto__ as an ordinary key and is not touched', () => {
  const { value } = readJsonBody(
    Buffer.from('{"title":"x","providerIdentifier":"com.x","metadata":{"__proto__":{"a":1},"b":""}}'),
  )
  const before = JSON.stringify(value)
  const { event: parsed } = parse(value)
  assert.deepEqual(Object.keys(parsed.metadata), ['__proto__', 'b'])
  assert.equal(JSON.stringify(value), before)
})
