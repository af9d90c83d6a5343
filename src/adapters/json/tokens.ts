/** The tokens of RFC 8259, as far as faults are looked for in them. */
import { CUT_OFF, type Fault, UNESCAPED } from './fault.ts'

/** The offset of the next character that is no blank. */
export function skipBlanks(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}

/** What stands here up to the next mark of JSON. */
export function wordAt(text: string, at: number): string {
  const mark = /[\s,:"[\]{}]/g
  mark.lastIndex = at
  return text.slice(at, mark.exec(text)?.index)
}

/** The offset behind the closing quote, or the fault inside. */
export function endOfString(text: string, start: number): number | Fault {
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
