/** Templates that the sender did not fill in. */
import type { Findings } from './findings.ts'

/** How far into a text an unrendered `{{` is looked for: a template stands at the start, logs are long. */
const TEMPLATE_REACH = 2048

/** True when its beginning holds a `{{`. */
export function hasTemplate(text: string): boolean {
  return (text.length > TEMPLATE_REACH ? text.slice(0, TEMPLATE_REACH) : text).includes('{{')
}

/** A warning under `path` when {@link hasTemplate}. */
export function warnOfTemplate(path: string, text: string, found: Findings): void {
  if (hasTemplate(text)) found.warn(`${path} holds {{ … }}: the sender did not fill in its template`)
}
