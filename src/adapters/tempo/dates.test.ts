import { test } from 'node:test'
import { assertAccepted, assertRefused, assertWarned, NOW, type Payload } from './testing.ts'

const REFUSED: Record<string, [Payload, path: string, message: RegExp]> = {
  'startDate without zone': [{ startDate: '2026-11-21T02:00:00' }, 'startDate', /no time zone/],
  'startDate an object': [{ startDate: {} }, 'startDate', /ISO 8601/],
  'endDate no date': [{ endDate: 'later' }, 'endDate', /is not a date/],
}

for (const [name, [changes, path, message]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => assertRefused(changes, path, message))
}

const ACCEPTED: Record<string, Payload> = {
  'a start one day ahead': { startDate: NOW.getTime() / 1000 + 86_400 },
  'an end at the start': { startDate: 1795223053, endDate: '1795223053' },
}

for (const [name, changes] of Object.entries(ACCEPTED)) {
  test(`accepted without a warning: ${name}`, () => assertAccepted(changes))
}

const WARNED: Record<string, [Payload, RegExp]> = {
  'a start over a day ahead': [{ startDate: '2026-11-22T22:31:47Z' }, /more than a day ahead; is the clock/],
  'a start before 2000': [{ startDate: 1795223 }, /1970-01-21T.* is before the year 2000/],
  'an end before the start': [{ startDate: 1795223053, endDate: 1795223052 }, /endDate is before startDate/],
  'an end before now': [{ endDate: 1795223052 }, /endDate is before startDate/],
}

for (const [name, [changes, warning]] of Object.entries(WARNED)) {
  test(`accepted with a warning: ${name}`, () => assertWarned(changes, warning))
}
