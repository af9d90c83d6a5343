/** How long what is kept: the policy of `TEMPO_RETENTION`, and what follows from it. Ages are milliseconds. */
import { type Band, bandOf, isWithinProvider, SEVERITIES, severityRank } from '../event.ts'

/** Null: for ever. */
export type Age = number | null

/** What one provider, with everything below it by dots, does otherwise than what stands above it. */
export type Section = {
  /** Null: all providers. */
  provider: string | null
  ages: Map<Band, Age>
  /** Texts longer than so many bytes are cut at this age. */
  messages: { bytes: number; age: Age } | null
}

export type Retention = {
  /** No two of the same provider. */
  sections: Section[]
  deliveries: Age
  quarantine: Age
}

/** Events of a provider with everything below it, but for some of those, from one rank of severity to another. */
export type Scope = { provider: string | null; except: string[]; lowest: number; highest: number }

/** The policy as a database is asked: what goes, or is cut, at which age. No event is in two scopes of one kind. */
export type RetentionPlan = {
  expiries: { ageMs: number; scopes: Scope[] }[]
  trims: { ageMs: number; bytes: number; scopes: Scope[] }[]
  deliveriesMs: Age
  quarantineMs: Age
}

/** How long events of a provider and a band are kept: as the most specific section says that names the band. */
export function ageOf({ sections }: Retention, provider: string, band: Band): Age {
  const naming = sections.filter(
    (section) =>
      section.ages.has(band) && (section.provider === null || isWithinProvider(provider, section.provider)),
  )
  const closest = naming.sort((a, b) => (b.provider?.length ?? 0) - (a.provider?.length ?? 0))[0]
  return closest?.ages.get(band) ?? null
}

export function planOf(retention: Retention): RetentionPlan {
  const { sections, deliveries, quarantine } = retention
  const due = sections.flatMap((section) =>
    [...section.ages].map(([band, age]) => ({
      ageMs: age,
      scope: scopeOf(
        section,
        sections.filter(({ ages }) => ages.has(band)),
        ranksOf(band),
      ),
    })),
  )
  const long = sections.flatMap((section) => {
    if (section.messages === null) return []
    const { age, bytes } = section.messages
    const rivals = sections.filter(({ messages }) => messages !== null)
    return {
      ageMs: age,
      bytes,
      scopes: [scopeOf(section, rivals, { lowest: 0, highest: SEVERITIES.length - 1 })],
    }
  })
  const byAge = Map.groupBy(due.filter(isBounded), ({ ageMs }) => ageMs)
  return {
    expiries: Array.from(byAge, ([ageMs, group]) => ({ ageMs, scopes: group.map(({ scope }) => scope) })),
    trims: long.filter(isBounded),
    deliveriesMs: deliveries,
    quarantineMs: quarantine,
  }
}

function isBounded<T extends { ageMs: Age }>(entry: T): entry is T & { ageMs: number } {
  return entry.ageMs !== null
}

/** `rivals` are the sections that say something of the same. */
function scopeOf({ provider }: Section, rivals: Section[], ranks: Pick<Scope, 'lowest' | 'highest'>): Scope {
  const except = rivals.flatMap((rival) =>
    rival.provider !== null &&
    rival.provider !== provider &&
    (provider === null || isWithinProvider(rival.provider, provider))
      ? rival.provider
      : [],
  )
  return { provider, except, ...ranks }
}

function ranksOf(band: Band): Pick<Scope, 'lowest' | 'highest'> {
  const ranks = SEVERITIES.filter((severity) => bandOf(severity) === band).map(severityRank)
  return { lowest: Math.min(...ranks), highest: Math.max(...ranks) }
}

const HOUR = 3_600_000
const UNITS: [unit: string, ms: number][] = [
  ['y', 365 * 24 * HOUR],
  ['w', 7 * 24 * HOUR],
  ['d', 24 * HOUR],
  ['h', HOUR],
]

/** `90d`, `2y`: as the policy writes it, in the largest unit without a rest, but no weeks for round numbers of days. */
export function describeAge(age: Age): string {
  if (age === null) return 'forever'
  const [unit, ms] = UNITS.find(([name, length]) => name !== 'w' && age % length === 0) ?? UNITS.at(-1)!
  return `${age / ms}${unit}`
}

/** Milliseconds of `12h`, `90d`, `8w` or `1y`; null for `forever`; undefined for anything else, or over 1000 years. */
export function parseAge(text: string): Age | undefined {
  if (text === 'forever') return null
  const [, count, unit] = /^([1-9]\d{0,6})\s?([hdwy])$/.exec(text) ?? []
  const age = Number(count) * (UNITS.find(([name]) => name === unit)?.[1] ?? Number.NaN)
  return age <= 1000 * 365 * 24 * HOUR ? age : undefined
}
