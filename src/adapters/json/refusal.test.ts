import { test } from 'node:test'
import { assertFault, type BrokenBody } from './testing.ts'

const json = /\{\{ json message \}\}/
const template = /did not run its template/
const FAULTS: Record<string, BrokenBody> = {
  'template in a string, fault elsewhere': {
    body: '{"t":"{{title}}","a":"x\ny"}',
    reason: 'a raw line break inside a string',
    column: 24,
    hint: template,
  },
  'guestname in a log is no template': {
    body: '{"t":"--notes-template \'{{guestname}}\'\ny"}',
    reason: 'a raw line break inside a string',
    column: 39,
    hint: json,
  },
}

for (const [name, fault] of Object.entries(FAULTS)) {
  test(`fault: ${name}`, () => assertFault(fault))
}
