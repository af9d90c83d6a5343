/** The walk through a text by the grammar of JSON. */
import { MAX_DEPTH } from './depth.ts'
import { faultAfterValue, faultForName, faultForValue } from './diagnosis.ts'
import { CUT_OFF, type Fault, OBJECT_ONLY, UNRENDERED } from './fault.ts'
import { endOfString, skipBlanks, wordAt } from './tokens.ts'

/** What the grammar of RFC 8259 takes next. */
type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | 'colon' | 'comma' | 'end'

/**
 * The first place where a text leaves RFC 8259, in words; null when it never does. Own code rather than V8's message,
 * which often has no position, or jsonc-parser, which recurses and so overflows on a body of brackets.
 */
export function findFault(text: string): Fault | null {
  const open: string[] = []
  let expected: Expected = 'value'
  let afterText = false
  let tokenEnd = 0

  const afterValue = (isText: boolean): Expected => {
    afterText = isText
    return open.length === 0 ? 'end' : 'comma'
  }

  for (;;) {
    const at = skipBlanks(text, tokenEnd)
    const char = text[at]
    if (char === undefined) {
      return expected === 'end' ? null : { at: tokenEnd, reason: 'the body ends too early', hint: CUT_OFF }
    }
    if (expected === 'end') return { at, reason: 'more text after the end of the JSON', hint: OBJECT_ONLY }

    if (expected === 'comma') {
      const closing = open.at(-1) === '{' ? '}' : ']'
      tokenEnd = at + 1
      if (char === ',') expected = closing === '}' ? 'name' : 'value'
      else if (char === closing) {
        open.pop()
        expected = afterValue(false)
      } else return faultAfterValue(text, at, afterText, closing)
      continue
    }

    if (expected === 'colon') {
      if (char !== ':') return { at, reason: 'a missing colon after a name' }
      tokenEnd = at + 1
      expected = 'value'
      continue
    }

    if (char === '"') {
      const end = endOfString(text, at)
      if (typeof end !== 'number') return end
      tokenEnd = end
      expected = expected.startsWith('name') ? 'colon' : afterValue(true)
      continue
    }

    if (expected === `${expected.startsWith('name') ? 'name' : 'value'} or ${char}`) {
      open.pop()
      tokenEnd = at + 1
      expected = afterValue(false)
      continue
    }

    if (/^\{[{%#]$/.test(text.slice(at, at + 2))) {
      return { at, reason: 'a template expression that was not filled in', hint: UNRENDERED }
    }
    if (expected.startsWith('name')) return faultForName(text, at)

    if (char === '{' || char === '[') {
      open.push(char)
      if (open.length > MAX_DEPTH) {
        return { at, reason: `nested more than ${MAX_DEPTH} levels deep`, tooDeep: true }
      }
      tokenEnd = at + 1
      expected = char === '{' ? 'name or }' : 'value or ]'
      continue
    }

    const word = wordAt(text, at)
    if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(word)) {
      return faultForValue(text, at, open)
    }
    tokenEnd = at + word.length
    expected = afterValue(false)
  }
}
