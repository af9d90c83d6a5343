/** The options of `tempo channel add` as the fields of a channel. */
import { fatal } from '../errors.ts'

/** A whole input: a file by its path, or standard input for `-`. */
export type ReadInput = (path: string) => string

export type AddOptions = {
  json?: string
  set?: string[]
  header?: string[]
  match?: string[]
  event?: string[]
  provider?: string[]
  node?: string[]
  to?: string[]
  disabled?: boolean
  verifyCertificate?: boolean
  resolved?: boolean
  port?: string
  secretFile?: string
  secretEnv?: string
  urlFile?: string
  urlEnv?: string
  [plain: string]: unknown
}

/** Options that are a field of the same name, as they are. */
const PLAIN = [
  'name',
  'minSeverity',
  'url',
  'topic',
  'host',
  'security',
  'username',
  'secret',
  'from',
  'method',
  'signature',
  'signatureHeader',
]

/**
 * The fields of a channel: those of `--json`, over them each option, over them `--set`. `variable` looks into the
 * environment.
 */
export function readOptions(
  type: string,
  options: AddOptions,
  read: ReadInput,
  variable: (name: string) => string | null,
): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...readJson(options.json, read), type }
  for (const name of PLAIN) if (options[name] !== undefined) fields[name] = options[name]
  if (options.port !== undefined) fields.port = readValue(options.port)
  if (options.disabled) fields.enabled = false
  if (options.verifyCertificate === false) fields.verifyCertificate = false
  if (options.resolved === false) fields.sendResolved = false
  const lists = { events: options.event, providers: options.provider, nodes: options.node }
  for (const [name, values] of Object.entries(lists)) if (values) fields[name] = values
  if (options.to) fields.recipients = options.to.flatMap(splitAddresses)
  if (options.header) fields.headers = Object.fromEntries(options.header.map(readHeader))
  if (options.match)
    fields.match = options.match.map((pair) => Object.fromEntries([readPair('--match', pair)]))
  for (const name of ['url', 'secret'] as const) readElsewhere(fields, name, options, read, variable)
  for (const pair of options.set ?? []) setField(fields, pair)
  return fields
}

function readJson(path: string | undefined, read: ReadInput): Record<string, unknown> {
  if (path === undefined) return {}
  try {
    const value: unknown = JSON.parse(read(path))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw fatal('bad_json', `--json ${path}: give a JSON object with the fields of a channel.`)
}

/** Its value stands in a file or a variable, so that no list of processes and no history of a shell has it. */
function readElsewhere(
  fields: Record<string, unknown>,
  name: 'url' | 'secret',
  options: AddOptions,
  read: ReadInput,
  variable: (name: string) => string | null,
): void {
  const [path, env] = [options[`${name}File`], options[`${name}Env`]]
  const ways = [options[name], path, env].filter((way) => way !== undefined)
  if (ways.length > 1)
    throw fatal('two_ways', `--${name}, --${name}-file and --${name}-env: give one of them.`)
  const value = path !== undefined ? read(path) : env !== undefined ? variable(env) : undefined
  if (value === undefined) return
  if (value === null || value.trim() === '') {
    const where = path !== undefined ? `--${name}-file ${path}` : `--${name}-env ${env}`
    throw fatal('no_value', `${where}: there is nothing in it.`)
  }
  fields[name] = value.trim()
}

/** Addresses with commas between them; a comma within quotes belongs to a name. */
function splitAddresses(text: string): string[] {
  return text
    .split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/)
    .map((one) => one.trim())
    .filter(Boolean)
}

function readHeader(text: string): [string, string] {
  const at = text.indexOf(':')
  if (at < 1) throw fatal('bad_header', `--header: write "Name: value", as in "Authorization: Bearer …".`)
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

function readPair(option: string, pair: string): [string, unknown] {
  const at = pair.indexOf('=')
  if (at < 1) throw fatal('bad_pair', `${option}: write NAME=VALUE.`)
  return [pair.slice(0, at), readValue(pair.slice(at + 1))]
}

/** JSON where it is JSON, else the text. */
function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** `quietHours.from=22:00` sets a field of a field. */
function setField(fields: Record<string, unknown>, pair: string): void {
  const [path, value] = readPair('--set', pair)
  const names = path.split('.')
  const last = names.pop()!
  let inner = fields
  for (const name of names) {
    const next = Object.hasOwn(inner, name) ? inner[name] : undefined
    const copy = typeof next === 'object' && next !== null && !Array.isArray(next) ? { ...next } : {}
    Object.defineProperty(inner, name, { value: copy, enumerable: true, writable: true, configurable: true })
    inner = copy as Record<string, unknown>
  }
  Object.defineProperty(inner, last, { value, enumerable: true, writable: true, configurable: true })
}
