/** Payloads and their verdicts for the tests of this folder. */
import assert from 'node:assert/strict'
import { type FieldError, TempoError } from '../../errors.ts'
import { parseTempoPayload } from '../tempo.ts'

export type Payload = Record<string, unknown>

export const NOW = new Date('2026-11-21T22:31:46.000Z')

export function parse(payload: Payload, provider: string | null = null) {
  return parseTempoPayload(payload, { now: NOW, provider })
}

/** A valid payload with these fields changed; also a field `__proto__` arrives as one. */
export function event(changes: Payload): Payload {
  const valid = { providerIdentifier: 'com.proxmox', title: 'Backup done' }
  return Object.fromEntries([...Object.entries(valid), ...Object.entries(changes)])
}

/** An object of this many keys. */
export function keys(count: number): Payload {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
}

/** A valid action with these keys changed, as the only one of a payload. */
export function action(changes: Payload): { actions: Payload[] } {
  return { actions: [{ label: 'x', trigger: { openURL: 'https://x' }, ...changes }] }
}

export function errorsOf(payload: Payload, provider: string | null = null): FieldError[] {
  try {
    parse(payload, provider)
  } catch (error) {
    assert.ok(error instanceof TempoError, String(error))
    assert.equal(error.status, 422)
    assert.equal(error.code, 'invalid_input')
    return error.errors
  }
  return assert.fail('was not refused')
}

/** A valid payload with these changes is refused for this one reason. */
export function assertRefused(changes: Payload, path: string, message: RegExp): void {
  const errors = errorsOf(event(changes))
  assert.deepEqual(
    errors.map((error) => error.path),
    [path],
  )
  assert.match(errors[0]!.message, message)
}

/** A valid payload with these changes is accepted with this one warning. */
export function assertWarned(changes: Payload, warning: RegExp): void {
  const { warnings } = parse(event(changes))
  assert.equal(warnings.length, 1, warnings.join('\n'))
  assert.match(warnings[0]!, warning)
}

/** A valid payload with these changes is accepted without a warning. */
export function assertAccepted(changes: Payload): void {
  assert.deepEqual(parse(event(changes)).warnings, [])
}
