/** The native body of a webhook, `{title, message, severity, timestamp, fields}`, in the words of our own dialect. */
import type { FieldError } from '../../errors.ts'
import { isAbsent, isObject, linesOf, presentText, quote } from './value.ts'

/**
 * The smallest template that gives this body, in Handlebars as Proxmox renders it: it needs nothing typed by hand and
 * serves both products. `json` writes null for what is missing.
 */
export const NATIVE_TEMPLATE =
  '{"title":{{json title}},"message":{{json message}},"severity":{{json severity}},' +
  // The blank keeps engines apart from a brace too many: }}} closes a value that is not escaped.
  '"timestamp":{{timestamp}},"fields":{{json fields}} }'

export const NATIVE_HINT = `The body of the webhook is ${NATIVE_TEMPLATE}`

const KEYS = ['title', 'message', 'severity', 'timestamp', 'fields']

/** Fields of Proxmox and the metadata they are; those of the first template are always there, as null if need be. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['hostname', 'NodeName'],
  ['vmid', 'VMID'],
  ['type', 'TaskType'],
  ['job-id', 'JobId'],
  ['datastore', 'Datastore'],
  ['media-pool', 'MediaPool'],
])
const ALWAYS = ['NodeName', 'VMID', 'TaskType', 'JobId']
const MAX_WARNINGS = 20

/** The payload of our own dialect that means the same, but for the provider. */
export function translateNative(value: Record<string, unknown>): {
  payload: Record<string, unknown>
  fields: Record<string, unknown>
  warnings: string[]
} {
  const warnings = unknownKeys(value)
  const fields = readFields(value.fields, warnings)
  const named = Object.entries(fields).map(([key, part]): [string, unknown] => [NAMES.get(key) ?? key, part])
  const metadata = Object.fromEntries([
    ...named.filter(([name]) => name !== 'severity' && name !== 'Message'),
    ['severity', value.severity ?? null],
    ['Message', value.message ?? null],
    ...ALWAYS.filter((name) => !named.some(([each]) => each === name)).map((name) => [name, null]),
  ])
  return {
    payload: {
      title: titleOf(value, fields, warnings),
      startDate: value.timestamp,
      eventType: 'alert',
      metadata,
    },
    fields,
    warnings,
  }
}

/** Values that are a template and nothing else: the sender wrote them in quotes, or did not run its template. */
export function findUnrendered(value: Record<string, unknown>): FieldError[] {
  return KEYS.filter((key) => isTemplate(value[key])).map((path) => ({
    path,
    message:
      `is ${quote(String(value[path]).trim())}: the sender did not fill in its template; ` +
      `write ${path === 'timestamp' ? '{{timestamp}}' : `{{json ${path}}}`} with no quotes around it`,
  }))
}

/** A name of ours in an error or warning, as the sender knows it. */
export function nativePath(path: string): string {
  if (path === 'startDate') return 'timestamp'
  const inner = /^metadata(?:\.(\w+))?(.*)$/s.exec(path)
  if (!inner) return path
  const [, name, rest] = inner
  if (name === undefined) return `fields${rest}`
  if (name === 'severity') return `severity${rest}`
  if (name === 'Message') return `message${rest}`
  const field = [...NAMES].find(([, ours]) => ours === name)?.[0] ?? name
  return `fields.${field}${rest}`
}

function isTemplate(value: unknown): boolean {
  return typeof value === 'string' && /^\{\{[^{}]{1,80}\}\}$/.test(value.trim().slice(0, 100))
}

function readFields(value: unknown, warnings: string[]): Record<string, unknown> {
  if (isObject(value)) return value
  if (!isAbsent(value)) warnings.push('fields must be an object; it was kept, but not used')
  return {}
}

/** A mail without a subject is still a mail; anything else without a title is a mistake in the template. */
function titleOf(
  value: Record<string, unknown>,
  fields: Record<string, unknown>,
  warnings: string[],
): unknown {
  const { title } = value
  const isMail =
    presentText(fields.type) === 'system-mail' || presentText(value.severity)?.toLowerCase() === 'unknown'
  if (!isAbsent(title) || !isMail) return title
  warnings.push('title is empty: a mail without a subject; the first line of it stands in')
  const message = typeof value.message === 'string' ? value.message : ''
  return linesOf(message.trimStart())[0]?.trim().slice(0, 200).toWellFormed() || 'Mail without a subject'
}

function unknownKeys(value: Record<string, unknown>): string[] {
  const unknown = Object.keys(value).filter((key) => !KEYS.includes(key))
  const warnings = unknown.slice(0, MAX_WARNINGS).map((key) => {
    const advice = key === 'priority' ? '; is this the body of a Gotify target? Its path is /message' : ''
    return `${quote(key)} is not a key of a notification of Proxmox and was kept, but not used${advice}`
  })
  const rest = unknown.length - warnings.length
  return rest > 0 ? [...warnings, `and ${rest} more`] : warnings
}
