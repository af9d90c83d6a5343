/** Values in commands that a person copies into a terminal. A value must stay data, whatever it holds. */
import type { Template, Writer } from './template.ts'

/** The text as one word of a POSIX shell. It may hold anything but NUL, which no shell word can. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** A command template, and for each of its placeholders whether it stands outside all quotes. */
export type ShellTemplate = { template: Template; bare: boolean[] }

/** A terminal acts on these itself, before the shell sees the quotes: ^C leaves them, ESC ends a bracketed paste. */
const TERMINAL_CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/
/** Means the same in and outside of any quotes, here and in a shell behind ssh. */
const PLAIN = /^[A-Za-z0-9_./][A-Za-z0-9_./:@%+=,-]*$/

/**
 * Writes each value as a single-quoted word. Where the author's own quotes already stand around a longer text, a
 * quoted word would close them: only a plain value is written there, as it is, and any other does not resolve.
 */
export function shellWriter({ bare }: ShellTemplate): Writer {
  return (value, index) => {
    if (TERMINAL_CONTROL.test(value)) return null
    if (bare[index]) return quoteForShell(value)
    return PLAIN.test(value) ? value : null
  }
}

/** Finds the quotes around the placeholders of a command; those around nothing but a placeholder are dropped. */
export function parseShellTemplate({ source, parts }: Template): ShellTemplate {
  const written = [...parts]
  const bare: boolean[] = []
  let context: Context = 'bare'
  for (const [index, part] of parts.entries()) {
    if (typeof part !== 'string') {
      bare.push(context === 'bare')
      continue
    }
    const literal = written[index] as string
    const after = parts[index + 2]
    const unquoted = literal.slice(0, -1)
    const opened = contextAfter(literal, context)
    if (isQuote(opened) && typeof after === 'string' && after.startsWith(opened)) {
      if (literal.endsWith(opened) && contextAfter(unquoted, context) === 'bare') {
        written[index] = unquoted
        written[index + 2] = after.slice(1)
        context = 'bare'
        continue
      }
    }
    context = opened
  }
  return { template: { source, parts: written }, bare }
}

/** `unclear`: a construct whose quoting this scan does not follow, to the end of the command. */
type Context = 'bare' | "'" | '"' | 'unclear'

function isQuote(context: Context): context is "'" | '"' {
  return context === "'" || context === '"'
}

function contextAfter(literal: string, start: Context): Context {
  let context = start
  for (let at = 0; at < literal.length && context !== 'unclear'; at++) {
    const char = literal[at]!
    const rest = literal.slice(at, at + 2)
    if (isQuote(context)) {
      if (char === context) context = 'bare'
      else if (context === '"' && /^(?:`|\$[({])/.test(rest)) context = 'unclear'
      else if (context === '"' && char === '\\') at++
    } else if (UNCLEAR.test(rest)) context = 'unclear'
    else if (char === "'" || char === '"') context = char
    else if (char === '\\') at++
  }
  return context
}

/** Backticks, comments, here-documents, arithmetic, `$'…'`, `${…}`; `$` or a backslash right before a placeholder. */
const UNCLEAR = /^(?:`|#|<<|\(\(|\$(?:['"{[]|$)|\\$)/
