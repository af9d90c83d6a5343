/** Notifications and their events for tests of Proxmox. */
import assert from 'node:assert/strict'
import { readJsonBody } from '../../src/adapters/json.ts'
import { createProxmoxDialect, type ParseOptions } from '../../src/adapters/proxmox.ts'
import { claimedProvider, parseTempoPayload } from '../../src/adapters/tempo.ts'
import { type FieldError, TempoError } from '../../src/errors.ts'
import type { IncomingEvent } from '../../src/event.ts'
import { loadFixtures } from './fixtures.ts'

export type Body = Record<string, unknown>

export const NOW = new Date('2026-11-21T22:31:46.000Z')

export const dialect = createProxmoxDialect({ claimedProvider, parse: parseTempoPayload })

export function parse(body: Body, options: Partial<ParseOptions> = {}) {
  return dialect.parse(body, { now: NOW, provider: null, ...options })
}

export function notification(changes: Body = {}): Body {
  return {
    title: 'A title',
    message: 'A message',
    severity: 'info',
    timestamp: 1795222905,
    fields: {},
    ...changes,
  }
}

export function proxmoxEvent(changes: Partial<IncomingEvent> = {}): IncomingEvent {
  return { ...parse(notification()).event, ...changes }
}

/** A recorded body by its path without the ending: `pve-native/replication`. */
export function fixture(name: string): Body {
  const found = loadFixtures(name.split('/')[0]!).find((each) => each.name === `${name}.json`)
  assert.ok(found, name)
  return readJsonBody(found.bytes).value
}

export function refusalOf(
  body: Body,
  options: Partial<ParseOptions> = {},
): { errors: FieldError[]; hint: unknown } {
  try {
    parse(body, options)
  } catch (error) {
    assert.ok(error instanceof TempoError, String(error))
    assert.deepEqual([error.status, error.code], [422, 'invalid_input'])
    return { errors: error.errors, hint: error.extra.hint }
  }
  return assert.fail('was not refused')
}
