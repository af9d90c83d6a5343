/** The one text that every event has. */
import type { Findings } from './findings.ts'
import { warnOfTemplate } from './template.ts'
import { countCharacters, isAbsent, kindOf, quote } from './value.ts'

const MAX_TITLE = 1000

/** A title that is too long is cut; `meant` says which unknown key probably meant this one. */
export function readTitle(value: unknown, meant: ReadonlyMap<string, string>, found: Findings): string {
  if (isAbsent(value)) {
    const misnamed = meant.get('title')
    const advice = misnamed === undefined ? 'add a text' : `rename ${quote(misnamed)} to it`
    found.error('title', `is ${value === undefined ? 'missing' : 'empty'}; ${advice}`)
    return ''
  }
  if (typeof value !== 'string') {
    found.error('title', `must be a text, not ${kindOf(value)}`)
    return ''
  }
  const title = value.trim()
  warnOfTemplate('title', title, found)
  if (countCharacters(title, MAX_TITLE) <= MAX_TITLE) return title
  found.warn(`title is over ${MAX_TITLE} characters and was cut`)
  let end = 0
  for (let count = 0; count < MAX_TITLE; count++) end += title.codePointAt(end)! > 0xffff ? 2 : 1
  return title.slice(0, end).trimEnd()
}
