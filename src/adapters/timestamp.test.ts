import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTimestamp } from './timestamp.ts'

const ACCEPTED: [unknown, string][] = [
  ['2026-11-21T02:14:07Z', '2026-11-21T02:14:07.000Z'],
  ['2026-11-21t02:14:07z', '2026-11-21T02:14:07.000Z'],
  ['2026-11-21 02:14:07Z', '2026-11-21T02:14:07.000Z'],
  ['2026-11-21 02:14:07 +0100', '2026-11-21T01:14:07.000Z'],
  ['  2026-11-21T02:14:07Z\n', '2026-11-21T02:14:07.000Z'],
  ['2026-11-21T02:14Z', '2026-11-21T02:14:00.000Z'],
  ['2026-11-21T02:14:07+02:00', '2026-11-21T00:14:07.000Z'],
  ['2026-11-21T02:14:07+0200', '2026-11-21T00:14:07.000Z'],
  ['2026-11-21T02:14:07+02', '2026-11-21T00:14:07.000Z'],
  ['2026-11-21T02:14:07-09:30', '2026-11-21T11:44:07.000Z'],
  ['2026-11-21T02:14:07-00:00', '2026-11-21T02:14:07.000Z'],
  ['2026-11-21T02:14:07.1Z', '2026-11-21T02:14:07.100Z'],
  ['2026-11-21T02:14:07,123Z', '2026-11-21T02:14:07.123Z'],
  ['2026-11-21T02:14:07.999999999Z', '2026-11-21T02:14:07.999Z'],
  [`2026-11-21T02:14:07.${'1'.repeat(10_000)}Z`, '2026-11-21T02:14:07.111Z'],
  ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
  ['2026-11-21T24:00:00Z', '2026-11-22T00:00:00.000Z'],
  ['2026-12-31T24:00Z', '2027-01-01T00:00:00.000Z'],
  ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.999Z'],
  ['2016-12-31T23:59:60.5Z', '2016-12-31T23:59:59.999Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ['0099-06-01T00:00:00Z', '0099-06-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ['1969-12-31T23:59:59.5Z', '1969-12-31T23:59:59.500Z'],
  [1795223053, '2026-11-21T01:04:13.000Z'],
  ['1795223053', '2026-11-21T01:04:13.000Z'],
  ['+1795223053', '2026-11-21T01:04:13.000Z'],
  [' 1795223053 ', '2026-11-21T01:04:13.000Z'],
  [1795223053.123, '2026-11-21T01:04:13.123Z'],
  ['1795223053.1236', '2026-11-21T01:04:13.124Z'],
  [1795223053123, '2026-11-21T01:04:13.123Z'],
  ['1795223053123', '2026-11-21T01:04:13.123Z'],
  [1795223053123.9, '2026-11-21T01:04:13.124Z'],
  [0, '1970-01-01T00:00:00.000Z'],
  [-0, '1970-01-01T00:00:00.000Z'],
  ['-1.5', '1969-12-31T23:59:58.500Z'],
  [-1.5, '1969-12-31T23:59:58.500Z'],
  [1e11, '5138-11-16T09:46:40.000Z'],
  [1e11 + 1, '1973-03-03T09:46:40.001Z'],
  [-1e11 - 1, '1966-10-31T14:13:19.999Z'],
]

for (const [value, expected] of ACCEPTED) {
  test(`${typeof value} ${String(value).slice(0, 60)} is ${expected}`, () => {
    const parsed = parseTimestamp(value)
    assert.ok(parsed.ok, parsed.ok ? '' : parsed.message)
    assert.equal(parsed.date.toISOString(), expected)
  })
}

const REFUSED: [unknown, RegExp][] = [
  ['2026-11-21T02:14:07', /no time zone; add Z for UTC, or an offset as \+02:00/],
  ['2026-11-21 02:14', /no time zone/],
  ['2026-11-21', /has no time; write it as 2026-11-21T00:00:00Z/],
  ['2026-02-30T00:00:00Z', /2026-02-30 is not a day of the calendar/],
  ['2026-02-29T00:00:00Z', /not a day of the calendar/],
  ['1900-02-29T00:00:00Z', /not a day of the calendar/],
  ['2026-13-01T00:00:00Z', /not a day of the calendar/],
  ['2026-00-01T00:00:00Z', /not a day of the calendar/],
  ['2026-01-00T00:00:00Z', /not a day of the calendar/],
  ['2026-04-31T00:00:00Z', /not a day of the calendar/],
  ['2026-11-21T25:00:00Z', /25:00:00 is not a time of day/],
  ['2026-11-21T24:00:01Z', /not a time of day/],
  ['2026-11-21T24:00:00.001Z', /not a time of day/],
  ['2026-11-21T02:60:00Z', /not a time of day/],
  ['2026-11-21T02:14:61Z', /not a time of day/],
  ['2026-11-21T02:14:07+24:00', /\+24:00 is not an offset/],
  ['2026-11-21T02:14:07+02:60', /not an offset/],
  ['0000-01-01T00:00:00Z', /years 0001 to 9999/],
  ['0001-01-01T00:00:00+00:01', /years 0001 to 9999/],
  ['9999-12-31T24:00:00Z', /years 0001 to 9999/],
  ['9999-12-31T23:59:59-01:00', /years 0001 to 9999/],
  [1e15, /years 0001 to 9999/],
  [-1e11, /years 0001 to 9999/],
  ['9'.repeat(500), /years 0001 to 9999/],
  [Number.POSITIVE_INFINITY, /years 0001 to 9999/],
  [Number.NEGATIVE_INFINITY, /years 0001 to 9999/],
  [Number.NaN, /not a number/],
  ['', /is not a date/],
  ['yesterday', /"yesterday" is not a date; write ISO 8601/],
  ['1e9', /is not a date/],
  ['0x10', /is not a date/],
  ['2026-11-21T02:14:07.Z', /is not a date/],
  ['2026-11-21T02:14:07 CET', /is not a date/],
  ['2026-11-21T02:14:07Z tail', /is not a date/],
  ['x'.repeat(100_000), /^"x{40}…" is not a date/],
  [null, /must be ISO 8601/],
  [true, /must be ISO 8601/],
  [{}, /must be ISO 8601/],
  [['2026-11-21T02:14:07Z'], /must be ISO 8601/],
]

for (const [value, message] of REFUSED) {
  test(`${typeof value} ${String(value).slice(0, 40)} is refused`, () => {
    const parsed = parseTimestamp(value)
    assert.equal(parsed.ok, false)
    assert.match(parsed.message, message)
  })
}

const dates = fc.date({
  min: new Date('0001-01-02T00:00:00Z'),
  max: new Date('9999-12-30T00:00:00Z'),
  noInvalidDate: true,
})

test('every date survives ISO 8601 in any offset', () => {
  fc.assert(
    fc.property(
      dates,
      fc.integer({ min: -1439, max: 1439 }),
      fc.constantFrom(':', ''),
      (date, offset, colon) => {
        const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1)
        const two = (value: number) => String(value).padStart(2, '0')
        const size = Math.abs(offset)
        const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${colon}${two(size % 60)}`
        assert.deepEqual(parseTimestamp(local + zone), { ok: true, date })
      },
    ),
  )
})

test('every date within the range of seconds survives Unix time as number and as digits', () => {
  const nearby = fc.date({
    min: new Date(-62e12),
    max: new Date(99e12),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(nearby, (date) => {
      const seconds = date.getTime() / 1000
      assert.deepEqual(parseTimestamp(seconds), { ok: true, date })
      assert.deepEqual(parseTimestamp(seconds.toFixed(3)), { ok: true, date })
    }),
  )
})

test('nothing throws, and what is accepted lies within the years 0001 to 9999', () => {
  const digits = fc.stringMatching(/^[0-9TZ:+. -]{0,40}$/)
  fc.assert(
    fc.property(fc.oneof(fc.anything(), digits, fc.double()), (value) => {
      const parsed = parseTimestamp(value)
      if (!parsed.ok) return
      assert.match(parsed.date.toISOString(), /^\d{4}-/)
      assert.notEqual(parsed.date.getUTCFullYear(), 0)
    }),
  )
})

test('texts of megabytes are judged at once', () => {
  const started = performance.now()
  for (const text of ['9', ' ', '2026-11-21T02:14:07.', '1.', '+']) {
    parseTimestamp(text + '1'.repeat(4_000_000))
    parseTimestamp(`${text + '1'.repeat(4_000_000)}x`)
  }
  assert.ok(performance.now() - started < 2000)
})
