/** How rules and templates read an event's metadata: by name, as text. */
import type { Metadata } from '../event.ts'
import { foldCase } from './glob.ts'

/** The metadata of one event; each value is turned into text and folded at most once, however many rules ask. */
export type MetadataReader = {
  /** The value as text; null when it is missing, null or `""`, which mean the same everywhere. */
  text(name: string): string | null
  /** The text folded for globs. */
  folded(name: string): string | null
  /** The text in the form in which equal values are the same text, see {@link comparableText}. */
  comparable(name: string): string | null
}

export function createMetadataReader(metadata: Metadata): MetadataReader {
  const known = new Map<string, Reading>()
  const read = (name: string): Reading => {
    const before = known.get(name)
    if (before) return before
    const text = textOf(readMetadata(metadata, name))
    const reading: Reading = { text, folded: null, comparable: null }
    known.set(name, reading)
    return reading
  }
  const folded = (name: string): string | null => {
    const reading = read(name)
    reading.folded ??= reading.text && foldCase(reading.text)
    return reading.folded
  }
  return {
    text: (name) => read(name).text,
    folded,
    comparable: (name) => {
      const reading = read(name)
      reading.comparable ??= reading.text && (canonicalNumber(reading.text) ?? folded(name))
      return reading.comparable
    },
  }
}

/** A value as text, which is never empty, and the other forms once they were asked for. */
type Reading = { text: string | null; folded: string | null; comparable: string | null }

/**
 * The value under a name: the metadata's own key of that name, else the dotted path through own properties; a key
 * that holds null or `""` counts as not there. Inherited names such as `constructor` are never found.
 */
export function readMetadata(metadata: Metadata, name: string): unknown {
  const direct = ownValue(metadata, name)
  if (isPresent(direct) || !name.includes('.')) return direct
  let value: unknown = metadata
  for (const part of name.split('.')) value = ownValue(value, part)
  return value
}

/** A JSON value as text: objects and arrays as compact JSON; null for what is missing, null or `""`. */
export function textOf(value: unknown): string | null {
  if (!isPresent(value)) return null
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/**
 * The form in which two values are equal when their texts are: case folded, and plain decimals by their number, so
 * that `0`, `"0"` and `"0.0"` are one value.
 */
export function comparableText(text: string): string {
  return canonicalNumber(text) ?? foldCase(text)
}

const PLAIN_DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
const LONGEST_DECIMAL = 32
/** So many decimal digits survive a double unchanged; longer ones are names, such as a serial number. */
const SAFE_DIGITS = 15

/** `1.50` → `1.5`; undefined for what is a name more than a number: `007`, `1e3`, `+1`, over 15 significant digits. */
function canonicalNumber(text: string): string | undefined {
  if (text.length > LONGEST_DECIMAL || !PLAIN_DECIMAL.test(text)) return undefined
  const significant = text.replace(/[-.]/g, '').replace(/^0+/, '')
  return significant.length > SAFE_DIGITS ? undefined : String(Number(text))
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** Enumerable only: an array has an own `length`, which is no part of the JSON. */
function ownValue(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.prototype.propertyIsEnumerable.call(value, name) ? (value as Metadata)[name] : undefined
}
