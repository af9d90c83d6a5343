/** What a sender probably did, where a character stands that the grammar does not take. */
import {
  CUT_OFF,
  type Fault,
  LITERALS,
  NO_VALUE,
  OBJECT_ONLY,
  SINGLE_QUOTES,
  UNESCAPED,
  UNQUOTED,
  UTF8_ONLY,
} from './fault.ts'
import { wordAt } from './tokens.ts'

/** Neither a comma nor the bracket that would close; `afterText` when the value before was a string. */
export function faultAfterValue(text: string, at: number, afterText: boolean, closing: string): Fault {
  const char = text[at]!
  if (char === '}' || char === ']') return { at, reason: `a ${char} where a ${closing} is missing` }
  const startsNextLine = char === '"' && /\n\s{0,80}$/.test(text.slice(Math.max(0, at - 81), at))
  if (afterText && !startsNextLine && char !== ':') {
    return { at, reason: 'an unescaped quote inside a string', hint: UNESCAPED }
  }
  return { at, reason: 'a missing comma' }
}

/** Neither a name in quotes nor the bracket that would close. */
export function faultForName(text: string, at: number): Fault {
  const char = text[at]!
  if (char === '}') return { at, reason: 'a comma before the closing }', hint: 'Leave out the last comma.' }
  if (char === ',') return { at, reason: 'two commas in a row' }
  return (
    faultForMark(text, at) ?? {
      at,
      reason: 'a name without double quotes',
      hint: 'Names stand in double quotes: "title". If this is the middle of a text, a quote in it is not escaped.',
    }
  )
}

/** No value of JSON, with these brackets still open. */
export function faultForValue(text: string, at: number, open: string[]): Fault {
  const char = text[at]!
  if (char === ',' || char === ']' || char === '}' || char === ':') {
    const comma = char === ']' && open.at(-1) === '['
    if (comma) return { at, reason: 'a comma before the closing ]', hint: 'Leave out the last comma.' }
    return { at, reason: 'a missing value', hint: NO_VALUE }
  }
  const mark = faultForMark(text, at)
  if (mark) return mark
  const word = wordAt(text, at)
  const atEnd = at + word.length === text.length
  if (
    atEnd &&
    open.length > 0 &&
    /^(?:t|tr|tru|f|fa|fal|fals|n|nu|nul|-|-?\d+(?:\.|\.?\d*[eE][+-]?))$/.test(word)
  ) {
    return { at: text.length, reason: 'the body ends too early', hint: CUT_OFF }
  }
  if (/^(?:none|null|true|false)$/i.test(word))
    return { at, reason: `${word}, which JSON does not know`, hint: LITERALS }
  if (/^-?(?:nan|infinity|undefined)$/i.test(word)) {
    return { at, reason: `${word}, which JSON does not know`, hint: 'Write null, or leave the key out.' }
  }
  if (open.length === 0) return { at, reason: 'something other than a JSON object', hint: OBJECT_ONLY }
  if (/^[+-]?\.?\d[\d._]*$/.test(word)) {
    return {
      at,
      reason: 'a number in a form that JSON does not know',
      hint: 'Put it in double quotes.',
    }
  }
  return { at, reason: 'a text without quotes', hint: UNQUOTED }
}

/** Marks that are wrong before a name and before a value alike. */
function faultForMark(text: string, at: number): Fault | null {
  const char = text[at]!
  if (char === "'" || char === '`') {
    return { at, reason: 'single quotes instead of double quotes', hint: SINGLE_QUOTES }
  }
  if (/[‘’“”„«»]/.test(char)) {
    return { at, reason: 'typographic quotes instead of straight ones', hint: SINGLE_QUOTES }
  }
  if (char === '#' || text.startsWith('//', at) || text.startsWith('/*', at)) {
    return { at, reason: 'a comment', hint: 'JSON has no comments; leave it out.' }
  }
  if (/[\u0000-\u0020\u007f-\u00a0\u2000-\u200f\u2028-\u202f\u3000\ufeff\ufffd]/.test(char)) {
    const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    return { at, reason: `an invisible or broken character (U+${code})`, hint: UTF8_ONLY }
  }
  return null
}
