/**
 * Reads a request body as JSON, whatever its Content-Type says, and tells the sender where and why it is not JSON.
 * Proxmox logs only our answer and never tries again, so that answer has to be enough to mend the template.
 */
import { isUtf8 } from 'node:buffer'
import { invalidInput, invalidJson, type JsonFault } from '../errors.ts'

export type ReadBody = { value: Record<string, unknown>; warnings: string[] }

/** Objects and arrays inside each other; the body itself is level 1. */
const MAX_DEPTH = 32

/** Either side of the fault; with two ellipses at most 120 characters. */
const EXCERPT_REACH = 59

const UNESCAPED =
  'An unescaped quote or newline ended the text too early. Use {{ json message }} in the Proxmox template, ' +
  'with no quotes around it: it escapes the text and adds the quotes.'
const UNRENDERED =
  'The sender did not run its template. The engine of Proxmox is Handlebars, so write {{ json title }}; ' +
  'the Tera form {{ title | json }} is refused by Proxmox, and other senders must fill in the values themselves.'
const CUT_OFF =
  'The end of the body is missing: a closing quote or bracket was lost, or the sender cut it off.'
const UNQUOTED =
  'Texts stand in double quotes. In the Proxmox template {{ json title }} adds them; {{ title }} does not.'
const NO_VALUE =
  'The template gave nothing here. Use {{ json fields.hostname }}: it writes null when nothing is there.'
const SINGLE_QUOTES =
  'JSON knows double quotes only. In Python send json.dumps(…); in a shell put the whole body in single quotes.'
const LITERALS = 'JSON knows null, true and false, in lower case. In Python send json.dumps(…).'
const OBJECT_ONLY = 'The body must be one JSON object, from { to }.'
const UTF8_ONLY = 'Send the body as UTF-8.'

/**
 * The body as an object that PostgreSQL can hold. Throws 422 when it is not JSON (with line, column, excerpt and
 * hint), not an object, or nested too deep.
 */
export function readJsonBody(bytes: Uint8Array): ReadBody {
  const warnings: string[] = []
  const text = decode(bytes, warnings)
  if (text.trim() === '') {
    throw invalidJson('an empty body', { line: 1, column: 1, excerpt: '', hint: OBJECT_ONLY })
  }
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidInput(
      'body',
      [{ path: '', message: `must be a JSON object, not ${describe(value)}` }],
      OBJECT_ONLY,
    )
  }
  // Only an escape can bring in what PostgreSQL refuses: raw control characters are not JSON, UTF-8 has no surrogates.
  if (!text.includes('\\u') || !/\\u(?:0000|d[89a-f])/i.test(text)) {
    return { value: value as Record<string, unknown>, warnings }
  }
  const storable = makeStorable(value)
  if (storable.changed) {
    warnings.push('NUL characters and lone surrogates cannot be stored; each became U+FFFD')
  }
  return { value: storable.value as Record<string, unknown>, warnings }
}

function decode(bytes: Uint8Array, warnings: string[]): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw invalidJson('UTF-16', { line: 1, column: 1, excerpt: '', hint: UTF8_ONLY })
  }
  if (!isUtf8(bytes)) warnings.push('The body is not valid UTF-8; each bad byte sequence became U+FFFD')
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

function parse(text: string): unknown {
  // Looked at before parsing: V8 takes half a second and 200 MB for 4 MiB of brackets.
  const fault = mayNestTooDeep(text) ? findFault(text) : null
  if (fault) throw refusal(text, fault)
  try {
    return JSON.parse(text)
  } catch {
    throw refusal(text, findFault(text) ?? { at: text.length, reason: 'something unreadable' })
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array; send one event per request'
  if (value === null) return 'null'
  if (typeof value !== 'string') return `a ${typeof value}`
  return value.trimStart().startsWith('{') ? 'a text that holds JSON; it was encoded twice' : 'a text'
}

/** Counts brackets outside of strings. In a text that is not JSON the count can be wrong, so it is only a suspicion. */
function mayNestTooDeep(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x7b || code === 0x5b) {
      if (++depth > MAX_DEPTH) return true
    } else if (code === 0x7d || code === 0x5d) depth--
    else if (code === 0x22) {
      do at = text.indexOf('"', at + 1)
      while (at !== -1 && isEscaped(text, at))
      if (at === -1) return false
    }
  }
  return false
}

function isEscaped(text: string, at: number): boolean {
  let start = at
  while (text.charCodeAt(start - 1) === 0x5c) start--
  return (at - start) % 2 === 1
}

/** A copy without NUL and lone surrogates. Recursion is safe: the depth was checked before. */
function makeStorable(value: unknown): { value: unknown; changed: boolean } {
  let changed = false
  const mend = (text: string): string => {
    const mended = text.toWellFormed().replaceAll('\0', '\ufffd')
    if (mended !== text) changed = true
    return mended
  }
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return mend(part)
    if (typeof part !== 'object' || part === null) return part
    if (Array.isArray(part)) return part.map(walk)
    // fromEntries defines properties, so that a key `__proto__` stays an ordinary one.
    return Object.fromEntries(Object.entries(part).map(([key, child]) => [mend(key), walk(child)]))
  }
  return { value: walk(value), changed }
}

/** What breaks the JSON and where; `tooDeep` when it is only the nesting. */
type Fault = { at: number; reason: string; hint?: string; tooDeep?: true }

function refusal(text: string, fault: Fault): Error {
  if (fault.tooDeep) return invalidInput('body', [{ path: '', message: fault.reason }])
  // A log may well quote {{guestname}}; only the names that Proxmox hands to a template betray an unrendered one.
  const unrendered =
    /\{\{[{#~\s]{0,8}(?:(?:json|escape|url-encode|if|each|with)\s{1,8})?(?:title|message|severity|timestamp|fields|secrets)\b|\{%-?\s{0,8}(?:if|for|set|else|end[a-z]{1,8})\b/
  const hint = unrendered.test(text) ? UNRENDERED : fault.hint
  const place: JsonFault = { ...locate(text, fault.at), excerpt: excerpt(text, fault.at) }
  return invalidJson(fault.reason, hint === undefined ? place : { ...place, hint })
}

/** Line and column from 1, the column in characters as an editor counts them. */
function locate(text: string, at: number): { line: number; column: number } {
  let line = 1
  let start = 0
  for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', start)) {
    line++
    start = end + 1
  }
  let column = 1
  for (const _ of text.slice(start, at)) column++
  return { line, column }
}

/** One line around the fault, safe to print: control characters become their pictures (␊), direction marks U+FFFD. */
function excerpt(text: string, at: number): string {
  const from = Math.max(0, at - EXCERPT_REACH)
  const to = Math.min(text.length, at + EXCERPT_REACH)
  const visible = text
    .slice(from, to)
    .replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')
    .replace(/[\u0000-\u001f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)))
    .replaceAll('\u007f', '\u2421')
    .replace(/[\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
  return `${from > 0 ? '…' : ''}${visible}${to < text.length ? '…' : ''}`
}

/** What the grammar of RFC 8259 takes next. */
type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | 'colon' | 'comma' | 'end'

/**
 * The first place where a text leaves RFC 8259, in words; null when it never does. Own code rather than V8's message,
 * which often has no position, or jsonc-parser, which recurses and so overflows on a body of brackets.
 */
function findFault(text: string): Fault | null {
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

function skipBlanks(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}

/** What stands here up to the next mark of JSON. */
function wordAt(text: string, at: number): string {
  const mark = /[\s,:"[\]{}]/g
  mark.lastIndex = at
  return text.slice(at, mark.exec(text)?.index)
}

/** The offset behind the closing quote, or the fault inside. */
function endOfString(text: string, start: number): number | Fault {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code < 0x20) return { at, reason: `a raw ${nameOfControl(code)} inside a string`, hint: UNESCAPED }
    if (code !== 0x5c) continue
    const escaped = text.slice(at + 1, at + 6)
    if (escaped !== '' && '"\\/bfnrt'.includes(escaped.charAt(0))) at++
    else if (/^u[0-9a-fA-F]{4}$/.test(escaped)) at += 5
    else if (at + 1 + escaped.length === text.length && /^(?:u[0-9a-fA-F]{0,3})?$/.test(escaped)) break
    else {
      const hint = 'A backslash itself is written \\\\. In the Proxmox template {{ json message }} does that.'
      return { at, reason: 'a backslash escape that JSON does not know', hint }
    }
  }
  return { at: text.length, reason: 'the body ends too early, inside a string', hint: CUT_OFF }
}

function nameOfControl(code: number): string {
  if (code === 0x0a || code === 0x0d) return 'line break'
  return code === 0x09 ? 'tab' : 'control character'
}

function faultAfterValue(text: string, at: number, afterText: boolean, closing: string): Fault {
  const char = text[at]!
  if (char === '}' || char === ']') return { at, reason: `a ${char} where a ${closing} is missing` }
  const startsNextLine = char === '"' && /\n\s{0,80}$/.test(text.slice(Math.max(0, at - 81), at))
  if (afterText && !startsNextLine && char !== ':') {
    return { at, reason: 'an unescaped quote inside a string', hint: UNESCAPED }
  }
  return { at, reason: 'a missing comma' }
}

function faultForName(text: string, at: number): Fault {
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

function faultForValue(text: string, at: number, open: string[]): Fault {
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
