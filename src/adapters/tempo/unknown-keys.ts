/** Keys of a payload that are not ours. */
import { editDistance } from '../../closest.ts'
import { type Findings, MAX_WARNINGS } from './findings.ts'
import { quote } from './value.ts'

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

/** A warning for each key that is not ours; the answer says which of ours were probably meant by them. */
export function readUnknownKeys(
  value: Record<string, unknown>,
  found: Findings,
): ReadonlyMap<string, string> {
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
    const distance = editDistance(letters, wanted, 2)
    if (distance < bestDistance && distance * 3 <= letters.length) {
      best = field
      bestDistance = distance
    }
  }
  return best
}
