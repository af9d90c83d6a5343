import { test } from 'node:test'
import { assertAccepted, assertRefused, type Payload } from './testing.ts'

const REFUSED: Record<string, [Payload, path: string, message: RegExp]> = {
  'externalID an object': [{ externalID: {} }, 'externalID', /a text or a number, not an object/],
  'externalID endless': [{ externalID: Number.POSITIVE_INFINITY }, 'externalID', /number that has no end/],
  'externalID true': [{ externalID: true }, 'externalID', /not a boolean/],
  'externalID long': [{ externalID: 'x'.repeat(201) }, 'externalID', /over 200 characters/],
  'externalID beyond 2^53': [{ externalID: 2 ** 53 }, 'externalID', /read rounded; send it as a text/],
  'externalID beyond -2^53': [{ externalID: -(2 ** 60) }, 'externalID', /send it as a text/],
  'color a name': [{ color: 'red' }, 'color', /must be #RRGGBB, not "red"/],
  'color short': [{ color: '#abc' }, 'color', /#RRGGBB/],
  'color a number': [{ color: 0xffffff }, 'color', /not a number/],
  'groupingKey long': [{ groupingKey: '😀'.repeat(501) }, 'groupingKey', /over 500/],
  'groupingKey an array': [{ groupingKey: ['x'] }, 'groupingKey', /not an array/],
  'recurrenceRule a number': [{ recurrenceRule: 5 }, 'recurrenceRule', /must be a text, not a number/],
  'recurrenceRule long': [{ recurrenceRule: 'x'.repeat(1001) }, 'recurrenceRule', /over 1000/],
}

for (const [name, [changes, path, message]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => assertRefused(changes, path, message))
}

const ACCEPTED: Record<string, Payload> = {
  'an externalID of 200 characters': { externalID: '😀'.repeat(200) },
  'an externalID of zero': { externalID: 0 },
  'the largest externalID that is exact': { externalID: 2 ** 53 - 1 },
  'an externalID with a fraction': { externalID: 0.5 },
}

for (const [name, changes] of Object.entries(ACCEPTED)) {
  test(`accepted without a warning: ${name}`, () => assertAccepted(changes))
}
