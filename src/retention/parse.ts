/** Reads `TEMPO_RETENTION`; docs/retention.md has the syntax. */
import { closestName } from '../closest.ts'
import { BANDS, type Band, isProviderIdentifier } from '../event.ts'
import { type Age, parseAge, type Retention, type Section } from './policy.ts'

/** Sentences that follow the name of the setting; none repeats what was written, which may be a secret gone astray. */
export type ParsedRetention = { retention: Retention } | { problems: string[] }

const NAMES = [...BANDS, 'messages', 'deliveries', 'quarantine'] as const
const AGES = '12h, 90d, 8w, 1y (at most 1000y) or forever'
const KIB = 1024
const LARGEST_KIB = 256 * 1024

type Item = { number: number; text: string; provider: string | null }

/**
 * Items stand apart by commas. A semicolon, or the end of a line, ends a section; one that begins with a provider and a
 * colon is for that provider with everything below it, one without is for all.
 */
export function parseRetention(text: string): ParsedRetention {
  const problems: string[] = []
  const draft = createDraft()
  const items = itemsOf(text, problems)
  for (const item of items) {
    const problem = readItem(draft, item)
    if (problem) problems.push(`item ${item.number} ${problem}`)
  }
  if (items.length === 0 && problems.length === 0) problems.push('must have an age, such as 365d or info=90d')
  return problems.length > 0 ? { problems } : { retention: draft.finish() }
}

function itemsOf(text: string, problems: string[]): Item[] {
  const items: Item[] = []
  for (const section of text.split(/[;\n]/)) {
    const colon = section.indexOf(':')
    const provider = colon < 0 ? null : section.slice(0, colon).trim()
    const texts = section
      .slice(colon + 1)
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    const first = items.length + 1
    items.push(...texts.map((item, index) => ({ number: first + index, text: item, provider })))
    if (provider === null) continue
    if (texts.length === 0) problems.push(`has a provider without an age, after item ${items.length}`)
    if (!isProviderIdentifier(provider))
      problems.push(`item ${first} must follow a provider such as com.proxmox and a colon`)
  }
  return items
}

type Draft = ReturnType<typeof createDraft>

function createDraft() {
  const sections = new Map<string | null, Section & { every?: Age }>()
  const whole: { deliveries?: Age; quarantine?: Age } = {}
  return {
    whole,
    section(provider: string | null) {
      const known = sections.get(provider) ?? { provider, ages: new Map<Band, Age>(), messages: null }
      sections.set(provider, known)
      return known
    },
    /** A bare age is for the bands that the section does not name. */
    finish(): Retention {
      const finished = Array.from(sections.values(), ({ every, ages, ...section }) => ({
        ...section,
        ages: new Map(
          BANDS.flatMap((band): [Band, Age][] => {
            const age = ages.has(band) ? ages.get(band) : every
            return age === undefined ? [] : [[band, age]]
          }),
        ),
      }))
      return {
        sections: finished.filter(({ ages, messages }) => ages.size > 0 || messages !== null),
        deliveries: whole.deliveries ?? null,
        quarantine: whole.quarantine ?? null,
      }
    },
  }
}

/** Takes an item into the draft; returns what is wrong with it. */
function readItem(draft: Draft, { text, provider }: Item): string | undefined {
  const section = draft.section(provider)
  const equals = text.lastIndexOf('=')
  const age = parseAge(text.slice(equals + 1).trim())
  if (equals < 0 && age !== undefined) {
    if (section.every !== undefined) return TWICE
    section.every = age
    return undefined
  }
  const [name = '', limit] = text
    .slice(0, Math.max(0, equals))
    .split('>')
    .map((part) => part.trim())
  if (equals < 0 || !(NAMES as readonly string[]).includes(name)) return unknownName(equals < 0 ? text : name)
  if (age === undefined) return `must have an age behind "=": ${AGES}`
  if (name === 'messages') return readMessages(section, limit, age)
  if (limit !== undefined) return 'must have no ">": only messages have a size'
  if (name === 'deliveries' || name === 'quarantine') {
    if (provider !== null)
      return `must stand in a section without a provider: ${name} are kept for all together`
    if (draft.whole[name] !== undefined) return TWICE
    draft.whole[name] = age
    return undefined
  }
  if (section.ages.has(name as Band)) return TWICE
  section.ages.set(name as Band, age)
  return undefined
}

const TWICE = 'says again what another item of the same provider says'

function unknownName(name: string): string {
  const meant = name === 'ok' ? 'info' : closestName(name, NAMES)
  const advice = meant ? ` (${meant}?)` : ''
  return `must be an age (${AGES}), or one of ${NAMES.join(', ')} with "=" and an age${advice}`
}

function readMessages(section: Section, limit: string | undefined, age: Age): string | undefined {
  const [, count, unit] = /^(\d{1,6})\s?(KiB|MiB)$/i.exec(limit ?? '') ?? []
  const kib = Number(count) * (unit?.toLowerCase() === 'mib' ? KIB : 1)
  if (!(kib >= 1 && kib <= LARGEST_KIB))
    return 'must have a size from 1KiB to 256MiB, as in messages>16KiB=30d'
  if (section.messages !== null) return TWICE
  section.messages = { bytes: kib * KIB, age }
  return undefined
}
