/** The payload dialect of POST /ingest. What can be kept is kept with a warning; all that cannot is listed at once. */
import { type FieldError, invalidInput } from '../errors.ts'
import {
  type ActionTemplate,
  type ActionType,
  EVENT_TYPES,
  type IncomingEvent,
  isProviderIdentifier,
  isSeverity,
  type Metadata,
  PROVIDER_MAX_LENGTH,
  PROVIDER_MIN_LENGTH,
  SEVERITIES,
} from '../event.ts'
import { parseTimestamp } from './timestamp.ts'

const FIELDS = [
  'title',
  'providerIdentifier',
  'startDate',
  'endDate',
  'eventType',
  'externalID',
  'severity',
  'color',
  'groupingKey',
  'recurrenceRule',
  'actions',
  'metadata',
] as const
type Field = (typeof FIELDS)[number]
const KNOWN: ReadonlySet<string> = new Set(FIELDS)

/** Keys that mean one of ours but are spelled too differently to be recognised by their letters. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['message', 'metadata.Message'],
  ['body', 'metadata.Message'],
  ['text', 'metadata.Message'],
  ['description', 'metadata.Message'],
  ['subject', 'title'],
  ['name', 'title'],
  ['source', 'providerIdentifier'],
  ['timestamp', 'startDate'],
  ['date', 'startDate'],
  ['time', 'startDate'],
  ['end', 'endDate'],
  ['type', 'eventType'],
  ['id', 'externalID'],
  ['level', 'severity'],
  ['priority', 'severity'],
  ['group', 'groupingKey'],
  ['rrule', 'recurrenceRule'],
  ['fields', 'metadata'],
])

const MAX_TITLE = 1000
const MAX_EXTERNAL_ID = 200
const MAX_GROUPING_KEY = 500
const MAX_RECURRENCE_RULE = 1000
const MAX_ACTIONS = 8
const MAX_LABEL = 100
const MAX_ACTION_VALUE = 2000
const MAX_METADATA_KEYS = 256
const MAX_METADATA_LEVELS = 16
const MAX_WARNINGS = 20
const MAX_ERRORS = 50

/** How far into a text an unrendered `{{` is looked for: a template stands at the start, logs are long. */
const TEMPLATE_REACH = 2048
/** The address in the template that we hand out. */
const EXAMPLE_HOST = 'your-proxmox.lan'

const DAY = 86_400_000
const YEAR_2000 = Date.UTC(2000, 0, 1)

/** What one payload gave so far; every reader below adds to it. */
class Findings {
  readonly errors: FieldError[] = []
  readonly #warnings: string[] = []
  #unlisted = 0

  error(path: string, message: string): void {
    if (this.errors.length < MAX_ERRORS) this.errors.push({ path, message })
  }

  warn(text: string): void {
    if (this.#warnings.length < MAX_WARNINGS) this.#warnings.push(text)
    else this.#unlisted++
  }

  get warnings(): string[] {
    return this.#unlisted === 0 ? this.#warnings : [...this.#warnings, `and ${this.#unlisted} more`]
  }
}

/** The provider that the payload names, valid or not, so that a token's binding can be checked before the rest. */
export function claimedProvider(value: Record<string, unknown>): string | null {
  const provider = value.providerIdentifier
  return typeof provider === 'string' && provider.trim() !== '' ? provider.trim() : null
}

/**
 * One event of our own dialect. `options.provider` is what a token bound to exactly one provider adds when the
 * payload leaves it out. Throws 422 with every problem; the metadata given back is the payload's own object.
 */
export function parseTempoPayload(
  value: Record<string, unknown>,
  options: { now: Date; provider: string | null },
): { event: IncomingEvent; warnings: string[] } {
  const found = new Findings()
  const meant = readUnknownKeys(value, found)
  const provider = readProvider(value.providerIdentifier, options.provider, meant, found)
  const title = readTitle(value.title, meant, found)
  const startDate = readStartDate(value.startDate, options.now, found)
  const event: IncomingEvent = {
    provider,
    title,
    startDate,
    endDate: readEndDate(value.endDate, startDate, found),
    eventType: readChoice(value.eventType, 'eventType', EVENT_TYPES, '', found) ?? 'alert',
    externalID: readExternalID(value.externalID, found),
    severity: readSeverity(value.severity, found),
    color: readColor(value.color, found),
    groupingKey: readText(value.groupingKey, 'groupingKey', MAX_GROUPING_KEY, found, 'or number'),
    recurrenceRule: readText(value.recurrenceRule, 'recurrenceRule', MAX_RECURRENCE_RULE, found),
    actions: readActions(value.actions, found),
    metadata: readMetadata(value.metadata, found),
  }
  if (found.errors.length > 0) throw invalidInput('event', found.errors)
  return { event, warnings: found.warnings }
}

/** Proxmox renders a missing field as null or as "", so both mean the same as a key that is left out. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return value === null ? 'null' : 'an object'
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`
}

/** A text of the sender for a message: quoted, short, on one line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text)
}

/** Characters as people count them, code points; exact only up to `limit`, and then `limit + 1`. */
function countCharacters(text: string, limit: number): number {
  if (text.length <= limit) return text.length
  let count = 0
  for (const _ of text) if (++count > limit) break
  return count
}

/** A warning for each key that is not ours; the answer says which of ours were probably meant by them. */
function readUnknownKeys(value: Record<string, unknown>, found: Findings): ReadonlyMap<string, string> {
  const meant = new Map<string, string>()
  let looked = 0
  for (const key of Object.keys(value)) {
    if (KNOWN.has(key)) continue
    const suggestion = looked++ < MAX_WARNINGS ? suggestField(key) : null
    if (suggestion === null) {
      found.warn(`${quote(key)} is not a key of an event and was kept, but not used`)
      continue
    }
    if (!meant.has(suggestion)) meant.set(suggestion, key)
    found.warn(
      `${quote(key)} is not a key of an event and was kept, but not used; did you mean ${suggestion}?`,
    )
  }
  return meant
}

function suggestField(key: string): string | null {
  if (key.length > 40) return null
  const letters = key.toLowerCase().replace(/[^a-z0-9]/g, '')
  const synonym = SYNONYMS.get(letters)
  if (synonym !== undefined) return synonym
  let best: Field | null = null
  let bestDistance = 3
  for (const field of FIELDS) {
    const wanted = field.toLowerCase()
    if (letters.length >= 4 && wanted.startsWith(letters)) return field
    const distance = editDistance(letters, wanted)
    if (distance < bestDistance && distance * 3 <= letters.length) {
      best = field
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}

function readProvider(
  value: unknown,
  fallback: string | null,
  meant: ReadonlyMap<string, string>,
  found: Findings,
): string {
  if (isAbsent(value)) {
    if (fallback !== null) return fallback
    const misnamed = meant.get('providerIdentifier')
    const advice = misnamed === undefined ? 'add it' : `rename ${quote(misnamed)} to it`
    found.error(
      'providerIdentifier',
      `is missing; ${advice} ("com.proxmox"), or use a token that is bound to one provider`,
    )
    return ''
  }
  if (typeof value !== 'string') {
    found.error('providerIdentifier', `must be a text such as "com.proxmox", not ${kindOf(value)}`)
    return ''
  }
  const provider = value.trim()
  if (isProviderIdentifier(provider)) return provider
  const lower = provider.toLowerCase()
  const suggestion = isProviderIdentifier(lower) ? `; did you mean ${quote(lower)}?` : ''
  found.error(
    'providerIdentifier',
    `${quote(provider)} is not an identifier: ${PROVIDER_MIN_LENGTH} to ${PROVIDER_MAX_LENGTH} characters, ` +
      `lower-case letters and digits in parts joined by single dots, dashes or underscores${suggestion}`,
  )
  return ''
}

function readTitle(value: unknown, meant: ReadonlyMap<string, string>, found: Findings): string {
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

function readStartDate(value: unknown, now: Date, found: Findings): Date {
  const date = readDate(value, 'startDate', found)
  if (date === null) return new Date(now)
  if (date.getTime() - now.getTime() > DAY) {
    found.warn(`startDate ${date.toISOString()} is more than a day ahead; is the clock of the sender right?`)
  } else if (date.getTime() < YEAR_2000) {
    found.warn(
      `startDate ${date.toISOString()} is before the year 2000; is it Unix seconds, and is the clock right?`,
    )
  }
  return date
}

function readEndDate(value: unknown, startDate: Date, found: Findings): Date | null {
  const date = readDate(value, 'endDate', found)
  if (date !== null && date < startDate) found.warn('endDate is before startDate')
  return date
}

function readDate(value: unknown, path: string, found: Findings): Date | null {
  if (isAbsent(value)) return null
  const parsed = parseTimestamp(value)
  if (parsed.ok) return parsed.date
  found.error(path, parsed.message)
  return null
}

function readChoice<T extends string>(
  value: unknown,
  path: string,
  choices: readonly T[],
  advice: string,
  found: Findings,
): T | null {
  if (isAbsent(value)) return null
  const text = typeof value === 'string' ? value.trim() : null
  const choice = choices.find((each) => each === text)
  if (choice !== undefined) return choice
  const lower = choices.find((each) => each === text?.toLowerCase())
  const given = text === null ? kindOf(value) : quote(text)
  const end = lower === undefined ? advice : `; did you mean "${lower}"?`
  found.error(path, `must be one of ${choices.join(', ')}, not ${given}${end}`)
  return null
}

function readSeverity(value: unknown, found: Findings): IncomingEvent['severity'] {
  if (isSeverity(value)) return value
  const isProxmox = typeof value === 'string' && /^(?:notice|unknown)$/i.test(value.trim())
  const advice = isProxmox
    ? '; put the severity of Proxmox into metadata.severity, where the score reads it'
    : ''
  return readChoice(value, 'severity', SEVERITIES, advice, found)
}

function readColor(value: unknown, found: Findings): string | null {
  if (isAbsent(value)) return null
  if (typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value.trim())) return value.trim()
  found.error('color', `must be #RRGGBB, not ${typeof value === 'string' ? quote(value) : kindOf(value)}`)
  return null
}

function readExternalID(value: unknown, found: Findings): string | null {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    found.warn('externalID is too large for a JSON number and was rounded; send it as a text')
  }
  return readText(value, 'externalID', MAX_EXTERNAL_ID, found, 'or number')
}

function readText(
  value: unknown,
  path: string,
  max: number,
  found: Findings,
  numbers: '' | 'or number' = '',
): string | null {
  if (isAbsent(value)) return null
  if (typeof value === 'number' && numbers !== '' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'string') {
    const given = typeof value === 'number' && numbers !== '' ? 'a number that has no end' : kindOf(value)
    found.error(path, `must be a text${numbers && ' or a number'}, not ${given}`)
    return null
  }
  const text = value.trim()
  if (countCharacters(text, max) <= max) return text
  found.error(path, `is over ${max} characters`)
  return null
}

function readActions(value: unknown, found: Findings): ActionTemplate[] {
  if (isAbsent(value)) return []
  if (!Array.isArray(value)) {
    found.error('actions', `must be an array, not ${kindOf(value)}`)
    return []
  }
  if (value.length > MAX_ACTIONS)
    found.error('actions', `must be at most ${MAX_ACTIONS}, not ${value.length}`)
  const actions: ActionTemplate[] = []
  for (const [index, each] of value.slice(0, MAX_ACTIONS).entries()) {
    const action = readAction(each, `actions[${index}]`, found)
    if (action !== null) actions.push(action)
  }
  return actions
}

function readAction(value: unknown, path: string, found: Findings): ActionTemplate | null {
  if (!isObject(value)) {
    found.error(path, `must be an object { label, trigger }, not ${kindOf(value)}`)
    return null
  }
  for (const key of Object.keys(value)) {
    if (key === 'label' || key === 'systemIcon' || key === 'trigger') continue
    found.warn(`${path}: ${quote(key)} is not a key of an action and was not used`)
  }
  if (isAbsent(value.label)) found.error(`${path}.label`, 'is missing')
  const label = readText(value.label, `${path}.label`, MAX_LABEL, found)
  const systemIcon = readText(value.systemIcon, `${path}.systemIcon`, MAX_LABEL, found)
  const trigger = readTrigger(value.trigger, `${path}.trigger`, found)
  if (label === null || trigger === null) return null
  return systemIcon === null ? { label, trigger } : { label, systemIcon, trigger }
}

function readTrigger(value: unknown, path: string, found: Findings): ActionTemplate['trigger'] | null {
  const rule = 'must be an object with exactly one of openURL, copyToClipboard'
  if (!isObject(value)) {
    found.error(path, isAbsent(value) ? `is missing; it ${rule}` : `${rule}, not ${kindOf(value)}`)
    return null
  }
  const given = Object.keys(value).filter((key) => !isAbsent(value[key]))
  if (given.includes('openTerminalWith')) {
    found.error(path, 'openTerminalWith is accepted from score files only')
    return null
  }
  const type = given[0] as ActionType | undefined
  if (given.length !== 1 || (type !== 'openURL' && type !== 'copyToClipboard')) {
    found.error(
      path,
      given.length === 0
        ? `${rule}; none is given`
        : `${rule}, not ${given.slice(0, 4).map(quote).join(', ')}`,
    )
    return null
  }
  const text = value[type]
  if (typeof text !== 'string') {
    found.error(`${path}.${type}`, `must be a text, not ${kindOf(text)}`)
    return null
  }
  if (countCharacters(text, MAX_ACTION_VALUE) > MAX_ACTION_VALUE) {
    found.error(`${path}.${type}`, `is over ${MAX_ACTION_VALUE} characters`)
    return null
  }
  return { [type]: text }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Checked by hand and given back as it is: a copy made key by key would lose a key `__proto__`. */
function readMetadata(value: unknown, found: Findings): Metadata {
  if (isAbsent(value)) return {}
  if (!isObject(value)) {
    const advice =
      typeof value === 'string' && value.trim().startsWith('{') ? '; leave out the quotes around it' : ''
    found.error('metadata', `must be an object, not ${kindOf(value)}${advice}`)
    return {}
  }
  checkMetadata(value, found)
  if (typeof value.ServerUrl === 'string' && value.ServerUrl.includes(EXAMPLE_HOST)) {
    found.warn(
      `metadata.ServerUrl is still the example ${EXAMPLE_HOST}; put the address of your Proxmox into the template`,
    )
  }
  return value
}

/** An object or array of the metadata; its path is put together only when there is something to say about it. */
type Container = {
  parent: Container | null
  key: string | number
  holder: Record<string, unknown> | unknown[]
}

/** Level by level instead of by recursion, so that no nesting can overflow the stack. */
function checkMetadata(metadata: Record<string, unknown>, found: Findings): void {
  let level: Container[] = [{ parent: null, key: 'metadata', holder: metadata }]
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_METADATA_LEVELS) {
      found.error(pathOf(level[0]!), `lies more than ${MAX_METADATA_LEVELS} levels deep`)
      return
    }
    const next: Container[] = []
    for (const container of level) checkContainer(container, next, found)
    level = next
  }
}

function checkContainer(container: Container, next: Container[], found: Findings): void {
  const { holder } = container
  if (Array.isArray(holder)) {
    for (let index = 0; index < holder.length; index++)
      checkChild(container, index, holder[index], next, found)
    return
  }
  const keys = Object.keys(holder)
  if (keys.length <= MAX_METADATA_KEYS) {
    for (const key of keys) checkChild(container, key, holder[key], next, found)
  } else {
    found.error(
      pathOf(container),
      `has ${keys.length} keys; at most ${MAX_METADATA_KEYS} are allowed in one object`,
    )
  }
}

function checkChild(
  parent: Container,
  key: string | number,
  child: unknown,
  next: Container[],
  found: Findings,
): void {
  if (typeof child === 'object' && child !== null) {
    next.push({ parent, key, holder: child as Container['holder'] })
  } else if (typeof child === 'string' && hasTemplate(child)) {
    // Logs of Proxmox quote {{guestname}} and the like.
    if (String(key).toLowerCase() !== 'message') warnOfTemplate(pathOf({ parent, key }), child, found)
  }
}

/** `metadata.guests[2].name`; a key that is no plain name stands in brackets and quotes. */
function pathOf({ parent, key }: Pick<Container, 'parent' | 'key'>): string {
  if (parent === null) return String(key)
  if (typeof key === 'number') return `${pathOf(parent)}[${key}]`
  return /^[A-Za-z_$][\w$]{0,60}$/.test(key) ? `${pathOf(parent)}.${key}` : `${pathOf(parent)}[${quote(key)}]`
}

function hasTemplate(text: string): boolean {
  return (text.length > TEMPLATE_REACH ? text.slice(0, TEMPLATE_REACH) : text).includes('{{')
}

function warnOfTemplate(path: string, text: string, found: Findings): void {
  if (hasTemplate(text)) found.warn(`${path} holds {{ … }}: the sender did not fill in its template`)
}
