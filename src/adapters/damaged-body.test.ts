import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadFixtures } from '../../test/helpers/fixtures.ts'
import { TempoError } from '../errors.ts'
import { readJsonBody } from './json.ts'
import { type Payload, parse } from './tempo/testing.ts'

type Edit =
  | { kind: 'flip' | 'insert' | 'delete'; at: number; byte: number; length: number }
  | { kind: 'rename' | 'retype'; at: number; key: string; value: unknown }

const edits = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('flip', 'insert', 'delete'),
      at: fc.nat(),
      byte: fc.oneof(fc.constantFrom(...Buffer.from('"\\{}[]:,\n\0')), fc.nat(255)),
      length: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({
      kind: fc.constantFrom('rename', 'retype'),
      at: fc.nat(),
      key: fc.oneof(
        fc.string(),
        fc.constantFrom('__proto__', 'toString', 'title', 'actions', 'startDate', 'metadata'),
      ),
      value: fc.oneof(
        fc.jsonValue(),
        fc.double(),
        fc.constantFrom([{}], [{ label: 'x', trigger: { openURL: 'y' } }], '', '2026-11-21T02:14:07Z', 9e15),
      ),
    }),
  ),
  { minLength: 1, maxLength: 4 },
)

/** Renames a key, or gives it another value, at the top level or in metadata. */
function editValue(bytes: Uint8Array, edit: Extract<Edit, { key: string }>): Uint8Array {
  let value: Payload
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return bytes
  }
  const inner = value?.metadata
  const inMetadata = edit.at % 2 === 0 && typeof inner === 'object' && inner !== null
  const entries = Object.entries(inMetadata ? inner : (value ?? {}))
  const entry = entries[edit.at % Math.max(1, entries.length)]
  if (!entry) return bytes
  entry[edit.kind === 'rename' ? 0 : 1] = edit.kind === 'rename' ? edit.key : edit.value
  const edited = Object.fromEntries(entries)
  return Buffer.from(JSON.stringify(inMetadata ? { ...value, metadata: edited } : edited))
}

function editBytes(bytes: Uint8Array, edit: Exclude<Edit, { key: string }>): Uint8Array {
  const at = edit.at % (bytes.length + 1)
  const middle = edit.kind === 'delete' ? [] : [edit.byte]
  const skipped = edit.kind === 'delete' ? edit.length : edit.kind === 'flip' ? 1 : 0
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(middle), bytes.subarray(at + skipped)])
}

test('a damaged body gives an event or a 422, never another error', () => {
  const bodies = ['pve', 'pve-tera', 'pve-native', 'gotify'].flatMap(loadFixtures)
  const outcomes = new Map<string, number>()
  fc.assert(
    fc.property(fc.nat(bodies.length - 1), edits, (index, changes) => {
      let bytes: Uint8Array = bodies[index]!.bytes
      for (const change of changes as Edit[]) {
        bytes = 'key' in change ? editValue(bytes, change) : editBytes(bytes, change)
      }
      let outcome = 'event'
      try {
        const { event: parsed } = parse(readJsonBody(bytes).value)
        assert.ok(parsed.title.length > 0 && !Number.isNaN(parsed.startDate.getTime()))
        assert.doesNotMatch(JSON.stringify(parsed), /\\u0000|\\ud[89a-f]/)
      } catch (error) {
        if (!(error instanceof TempoError)) throw error
        assert.equal(error.status, 422)
        assert.ok(error.errors.length > 0)
        outcome = error.code
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }),
    { numRuns: 2000 },
  )
  for (const outcome of ['event', 'invalid_json', 'invalid_input']) {
    assert.ok((outcomes.get(outcome) ?? 0) > 50, `${outcome} came up too rarely`)
  }
})
