import { test } from 'node:test'
import { assertFault, type BrokenBody } from './testing.ts'

const json = /\{\{ json message \}\}/
const FAULTS: Record<string, BrokenBody> = {
  'unescaped quote': {
    body: '{"a":"x "y" z"}',
    reason: 'an unescaped quote inside a string',
    column: 10,
    hint: json,
  },
  'doubled quote': {
    body: '{"a":"x ""y"}',
    reason: 'an unescaped quote inside a string',
    column: 10,
    hint: json,
  },
  'cut in a literal': { body: '{"a":tru', reason: 'the body ends too early', column: 9 },
  'cut in a number': { body: '{"a":1.', reason: 'the body ends too early', column: 8 },
  'trailing comma': {
    body: '{"a":1,}',
    reason: 'a comma before the closing }',
    column: 8,
    hint: /last comma/,
  },
  'trailing comma in an array': { body: '{"a":[1,]}', reason: 'a comma before the closing ]', column: 9 },
  'two commas': { body: '{"a":1,,"b":2}', reason: 'two commas in a row', column: 8 },
  'missing comma': { body: '{"a":"x"\n"b":1}', reason: 'a missing comma', line: 2, column: 1 },
  'missing comma after a number': { body: '{"a":1 "b":1}', reason: 'a missing comma', column: 8 },
  'wrong bracket': { body: '{"a":[1}', reason: 'a } where a ] is missing', column: 8 },
  'empty placeholder': { body: '{"a": ,"b":1}', reason: 'a missing value', column: 7, hint: /gave nothing/ },
  'empty last placeholder': { body: '{"a": }', reason: 'a missing value', column: 7, hint: /gave nothing/ },
  'single quotes': {
    body: "{'a':1}",
    reason: 'single quotes instead of double quotes',
    column: 2,
    hint: /json\.dumps/,
  },
  'single quoted value': { body: `{"a":'x'}`, reason: 'single quotes instead of double quotes', column: 6 },
  'typographic quotes': { body: '{“a”:1}', reason: 'typographic quotes instead of straight ones', column: 2 },
  'name without quotes': { body: '{a:1}', reason: 'a name without double quotes', column: 2 },
  'Python None': {
    body: '{"a":None}',
    reason: 'None, which JSON does not know',
    column: 6,
    hint: /null, true and false/,
  },
  'Python True': {
    body: '{"a":[True]}',
    reason: 'True, which JSON does not know',
    column: 7,
    hint: /null, true and false/,
  },
  NaN: { body: '{"a":NaN}', reason: 'NaN, which JSON does not know', column: 6 },
  'minus infinity': { body: '{"a":-Infinity}', reason: '-Infinity, which JSON does not know', column: 6 },
  'leading zero': { body: '{"a":007}', reason: 'a number in a form that JSON does not know', column: 6 },
  'leading plus': { body: '{"a":+7}', reason: 'a number in a form that JSON does not know', column: 6 },
  'unquoted text': {
    body: '{"title": backup ok}',
    reason: 'a text without quotes',
    column: 11,
    hint: /\{\{ json title \}\}/,
  },
  'unquoted date': { body: '{"a":2026-11-21T00:00:00Z}', reason: 'a text without quotes', column: 6 },
  comment: { body: '{"a":1, // x\n"b":2}', reason: 'a comment', column: 9 },
  form: {
    body: 'title=x&message=y',
    reason: 'something other than a JSON object',
    column: 1,
    hint: /one JSON object/,
  },
  'no-break space': { body: '{\u00a0"a":1}', reason: 'an invisible or broken character (U+00A0)', column: 2 },
}

for (const [name, fault] of Object.entries(FAULTS)) {
  test(`fault: ${name}`, () => assertFault(fault))
}
