import { test } from 'node:test'
import { assertFault, type BrokenBody } from './testing.ts'

const json = /\{\{ json message \}\}/
const FAULTS: Record<string, BrokenBody> = {
  'raw newline': { body: '{"a":"x\ny"}', reason: 'a raw line break inside a string', column: 8, hint: json },
  'raw CRLF': { body: '{"a":"x\r\ny"}', reason: 'a raw line break inside a string', column: 8, hint: json },
  'raw tab': { body: '{"a":"x\ty"}', reason: 'a raw tab inside a string', column: 8, hint: json },
  'raw NUL': {
    body: '{"a":"x\0y"}',
    reason: 'a raw control character inside a string',
    column: 8,
    hint: json,
  },
  'newline in a name': {
    body: '{"a\n":1}',
    reason: 'a raw line break inside a string',
    column: 4,
    hint: json,
  },
  'unknown escape': {
    body: '{"a":"C:\\dir"}',
    reason: 'a backslash escape that JSON does not know',
    column: 9,
  },
  'short escape': {
    body: '{"a":"\\u12g4"}',
    reason: 'a backslash escape that JSON does not know',
    column: 7,
  },
  'cut in a string': {
    body: '{"a":"xyz',
    reason: 'the body ends too early, inside a string',
    column: 10,
    hint: /cut it off/,
  },
  'cut in an escape': {
    body: '{"a":"x\\u00',
    reason: 'the body ends too early, inside a string',
    column: 12,
  },
  'cut at a backslash': { body: '{"a":"x\\', reason: 'the body ends too early, inside a string', column: 9 },
}

for (const [name, fault] of Object.entries(FAULTS)) {
  test(`fault: ${name}`, () => assertFault(fault))
}
