/** Texts with placeholders: `${metadata.a.b}`, `${title}`, `${startDate}`, … */

import { closestName } from '../closest.ts'
import type { TemplateContext } from '../event.ts'
import { createMetadataReader, type MetadataReader, textOf } from './metadata.ts'

/** A placeholder as written (`${metadata.NodeName}`) and what stands in it (`metadata.NodeName`). */
export type Placeholder = { source: string; name: string }

export type Template = { source: string; parts: (string | Placeholder)[] }

/** The text that a placeholder's name stands for; null when there is none. */
export type Values = (name: string) => string | null

/** How a value is written into a strict template; null when it must not be. `index` counts the placeholders. */
export type Writer = (value: string, index: number) => string | null

export const verbatim: Writer = (value) => value
export const trimmed: Writer = (value) => value.trim()

const EVENT_NAMES = [
  'title',
  'startDate',
  'endDate',
  'eventType',
  'providerIdentifier',
  'externalID',
  'metadata',
]
const METADATA_PREFIX = 'metadata.'

/** Parses a template once, ahead of its events. A `${` that nothing closes is ordinary text. */
export function parseTemplate(source: string): Template {
  const parts: Template['parts'] = []
  let done = 0
  for (;;) {
    const start = source.indexOf('${', done)
    const end = start < 0 ? -1 : source.indexOf('}', start)
    if (end < 0) break
    if (start > done) parts.push(source.slice(done, start))
    done = end + 1
    parts.push({ source: source.slice(start, done), name: source.slice(start + 2, end) })
  }
  if (done < source.length) parts.push(source.slice(done))
  return { source, parts }
}

/** A template that an author may leave out; a blank one counts as left out. */
export function compileOptional(source: string | undefined): Template | undefined {
  return source?.trim() ? parseTemplate(source) : undefined
}

/** What the placeholders of an event's templates stand for. Hand in the reader that its rules use: it remembers. */
export function valuesOf(
  context: TemplateContext,
  metadata: MetadataReader = createMetadataReader(context.metadata),
): Values {
  return (name) => {
    if (name.startsWith(METADATA_PREFIX)) return metadata.text(name.slice(METADATA_PREFIX.length))
    switch (name) {
      case 'title':
      case 'eventType':
      case 'externalID':
        return textOf(context[name])
      case 'startDate':
        return context.startDate.toISOString()
      case 'endDate':
        return context.endDate?.toISOString() ?? null
      case 'providerIdentifier':
        return context.provider
      case 'metadata':
        return textOf(context.metadata)
      default:
        return null
    }
  }
}

/** Fills in all placeholders, or names those without a value. A blank value is none. */
export function renderStrict(
  template: Template,
  values: Values,
  write: Writer = verbatim,
): { text: string } | { missing: string[] } {
  const missing = new Set<string>()
  let text = ''
  let index = 0
  for (const part of template.parts) {
    if (typeof part === 'string') {
      text += part
      continue
    }
    const value = presentValue(values, part.name)
    const written = value === null ? null : write(value, index)
    if (written === null) missing.add(part.name)
    else text += written
    index++
  }
  return missing.size > 0 ? { missing: [...missing] } : { text }
}

/** For titles and labels: a placeholder without a value is left to be seen. */
export function renderLenient(template: Template, values: Values): string {
  return template.parts
    .map((part) => (typeof part === 'string' ? part : (presentValue(values, part.name) ?? part.source)))
    .join('')
}

/** Renders a template that may be left out, leniently and trimmed; null for nothing to be seen. */
export function renderOptional(template: Template | undefined, values: Values): string | null {
  return (template && renderLenient(template, values).trim()) || null
}

export type TemplateFault = { message: string; meant?: string }

/** What is wrong with a template whatever the event: placeholders that no event has, or that nothing closes. */
export function templateFaults(source: string): TemplateFault[] {
  const faults: TemplateFault[] = []
  for (const part of parseTemplate(source).parts) {
    if (typeof part !== 'string') {
      if (!isKnownName(part.name)) faults.push(unknownPlaceholder(part))
    } else if (part.includes('${')) faults.push({ message: '"${" is never closed by "}"' })
  }
  return faults
}

function isKnownName(name: string): boolean {
  return EVENT_NAMES.includes(name) || (name.startsWith(METADATA_PREFIX) && name !== METADATA_PREFIX)
}

function unknownPlaceholder({ source, name }: Placeholder): TemplateFault {
  const message = `${source} is no placeholder; there are \${metadata.NAME}, \${${EVENT_NAMES.slice(0, -1).join('}, ${')}}`
  const dot = name.indexOf('.')
  const meant =
    dot < 0
      ? closestName(name, EVENT_NAMES)
      : closestName(name.slice(0, dot), ['metadata']) && `metadata${name.slice(dot)}`
  return meant ? { message, meant: `\${${meant}}` } : { message }
}

function presentValue(values: Values, name: string): string | null {
  const value = values(name)
  return value === null || value.trim() === '' ? null : value
}
