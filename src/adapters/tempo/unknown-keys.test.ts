import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertWarned, event, keys, type Payload, parse } from './testing.ts'

const WARNED: Record<string, [Payload, RegExp]> = {
  'an unknown key': [{ zebra: 1 }, /^"zebra" is not a key of an event and was kept, but not used$/],
  provideridentifier: [{ provideridentifier: 'x' }, /did you mean providerIdentifier\?$/],
  provider_identifer: [{ provider_identifer: 'x' }, /did you mean providerIdentifier\?$/],
  start_date: [{ start_date: 1 }, /did you mean startDate\?$/],
  meta: [{ meta: {} }, /did you mean metadata\?$/],
  metdata: [{ metdata: {} }, /did you mean metadata\?$/],
  externalId: [{ externalId: 1 }, /did you mean externalID\?$/],
  colour: [{ colour: '#ffffff' }, /did you mean color\?$/],
  type: [{ type: 'alert' }, /did you mean eventType\?$/],
  timestamp: [{ timestamp: 1 }, /did you mean startDate\?$/],
  message: [{ message: 'x' }, /did you mean metadata\.Message\?$/],
  'a key __proto__': [JSON.parse('{"__proto__":{"title":"y"}}'), /^"__proto__" is not a key/],
}

for (const [name, [changes, warning]] of Object.entries(WARNED)) {
  test(`accepted with a warning: ${name}`, () => assertWarned(changes, warning))
}

test('at most 20 warnings are listed, then how many more there are', () => {
  const { warnings } = parse({ ...keys(100), ...event({}) })
  assert.equal(warnings.length, 21)
  assert.equal(warnings.at(-1), 'and 80 more')
})

test('letters count for a mistyped key, two swapped ones as two errors', () => {
  assert.match(
    parse(event({ 'Severit-y': 1, metadta: 1 })).warnings.join(),
    /mean severity\?.* mean metadata\?/,
  )
  assertWarned({ titel: 1 }, /but not used$/)
})
