import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type QuietHours, WEEKDAYS, type Weekday } from '../channel.ts'
import { nextDigest, quietUntil } from './calendar.ts'

const BERLIN = 'Europe/Berlin'
const HOUR = 3_600_000

function quiet(from: string, to: string, days: readonly Weekday[] = WEEKDAYS, timezone = BERLIN): QuietHours {
  return { from, to, timezone, days: [...days] }
}

const until = (hours: QuietHours | null, at: string) => quietUntil(hours, new Date(at))?.toISOString() ?? null
const digest = (at: string, now: string, timezone = BERLIN) =>
  nextDigest({ at, timezone, except: null }, new Date(now)).toISOString()

test('quiet hours begin with their first minute and are over at their last', () => {
  const night = quiet('22:00', '06:00')
  // 2026-11-20 is a Friday; Berlin is an hour ahead of UTC.
  assert.equal(until(night, '2026-11-20T20:59:59.999Z'), null)
  assert.equal(until(night, '2026-11-20T21:00:00Z'), '2026-11-21T05:00:00.000Z')
  assert.equal(until(night, '2026-11-21T04:59:59.999Z'), '2026-11-21T05:00:00.000Z')
  assert.equal(until(night, '2026-11-21T05:00:00Z'), null)
  assert.equal(until(null, '2026-11-20T23:00:00Z'), null)
})

test('quiet hours within a day end on that day', () => {
  const noon = quiet('12:00', '13:30', WEEKDAYS, 'UTC')
  assert.equal(until(noon, '2026-11-20T11:59:00Z'), null)
  assert.equal(until(noon, '2026-11-20T12:15:00Z'), '2026-11-20T13:30:00.000Z')
  assert.equal(until(noon, '2026-11-20T13:30:00Z'), null)
})

test('quiet hours may end or begin at midnight', () => {
  assert.equal(
    until(quiet('22:00', '00:00', WEEKDAYS, 'UTC'), '2026-11-20T23:59:00Z'),
    '2026-11-21T00:00:00.000Z',
  )
  assert.equal(until(quiet('22:00', '00:00', WEEKDAYS, 'UTC'), '2026-11-21T00:00:00Z'), null)
  assert.equal(
    until(quiet('00:00', '05:00', WEEKDAYS, 'UTC'), '2026-11-21T00:00:00Z'),
    '2026-11-21T05:00:00.000Z',
  )
})

test('the days of quiet hours are those on which they begin', () => {
  const friday = quiet('22:00', '06:00', ['fri'], 'UTC')
  assert.equal(until(friday, '2026-11-20T23:00:00Z'), '2026-11-21T06:00:00.000Z')
  assert.equal(until(friday, '2026-11-21T05:00:00Z'), '2026-11-21T06:00:00.000Z')
  assert.equal(until(friday, '2026-11-20T05:00:00Z'), null)
  assert.equal(until(friday, '2026-11-21T23:00:00Z'), null)
})

test('the weekday is that of the wall clock, not of UTC', () => {
  // 20:00 UTC on a Friday is 05:00 on Saturday in Tokyo.
  const saturday = quiet('04:00', '06:00', ['sat'], 'Asia/Tokyo')
  assert.equal(until(saturday, '2026-11-20T20:00:00Z'), '2026-11-20T21:00:00.000Z')
  assert.equal(until(saturday, '2026-11-21T20:00:00Z'), null)
})

test('the night in which clocks go forward is an hour shorter, the other one an hour longer', () => {
  const night = quiet('22:00', '06:00')
  // Berlin: forward on 2026-03-29, back on 2026-10-25.
  assert.equal(until(night, '2026-03-28T21:00:00Z'), '2026-03-29T04:00:00.000Z')
  assert.equal(until(night, '2026-03-29T03:59:00Z'), '2026-03-29T04:00:00.000Z')
  assert.equal(until(night, '2026-03-29T04:00:00Z'), null)
  assert.equal(until(night, '2026-10-24T20:00:00Z'), '2026-10-25T05:00:00.000Z')
  assert.equal(until(night, '2026-10-25T04:59:00Z'), '2026-10-25T05:00:00.000Z')
  assert.equal(until(night, '2026-10-25T05:00:00Z'), null)
})

test('a time that a day does not have is an hour later on that day', () => {
  assert.equal(until(quiet('22:00', '02:30'), '2026-03-28T22:00:00Z'), '2026-03-29T01:30:00.000Z')
  assert.equal(digest('02:30', '2026-03-28T22:00:00Z'), '2026-03-29T01:30:00.000Z')
  assert.equal(digest('02:30', '2026-03-29T01:30:00Z'), '2026-03-30T00:30:00.000Z')
})

test('a time that a day has twice is that of one digest only', () => {
  const first = digest('02:30', '2026-10-24T12:00:00Z')
  const second = digest('02:30', first)
  assert.ok(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'].includes(first), first)
  assert.equal(second, '2026-10-26T01:30:00.000Z')
})

test('the next digest is later than now, today or tomorrow', () => {
  assert.equal(digest('08:00', '2026-11-20T06:59:59Z'), '2026-11-20T07:00:00.000Z')
  assert.equal(digest('08:00', '2026-11-20T07:00:00Z'), '2026-11-21T07:00:00.000Z')
  assert.equal(digest('23:59', '2026-12-31T23:30:00Z', 'UTC'), '2026-12-31T23:59:00.000Z')
  assert.equal(digest('00:00', '2026-12-31T23:30:00Z', 'UTC'), '2027-01-01T00:00:00.000Z')
  // It is tomorrow already where the clock hangs.
  assert.equal(digest('08:00', '2026-11-20T22:00:00Z', 'Pacific/Auckland'), '2026-11-21T19:00:00.000Z')
})

const time = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'))
const zone = fc.constantFrom(
  BERLIN,
  'UTC',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
)
const instant = fc.date({
  min: new Date('2020-01-01T00:00:00Z'),
  max: new Date('2035-01-01T00:00:00Z'),
  noInvalidDate: true,
})
const hoursOf = (text: string) => Number(text.slice(0, 2)) + Number(text.slice(3)) / 60
const lengthOf = (from: string, to: string) => (24 + hoursOf(to) - hoursOf(from)) % 24

test('quiet hours of all days end within 25 hours and are then over', () => {
  fc.assert(
    fc.property(time, time, zone, instant, (from, to, timezone, now) => {
      // Of nearly a day the next ones may begin in an hour that the day does not have, which is that of the end.
      fc.pre(from !== to && lengthOf(from, to) <= 22)
      const hours = quiet(from, to, WEEKDAYS, timezone)
      const end = quietUntil(hours, now)
      if (!end) return
      const ms = end.getTime() - now.getTime()
      assert.ok(ms > 0 && ms <= 25 * HOUR)
      assert.equal(quietUntil(hours, end), null)
    }),
  )
})

test('a digest comes within 25 hours, and the one after it a day later', () => {
  fc.assert(
    fc.property(time, zone, instant, (at, timezone, now) => {
      const first = nextDigest({ at, timezone, except: null }, now)
      const second = nextDigest({ at, timezone, except: null }, first)
      const [wait, pause] = [first.getTime() - now.getTime(), second.getTime() - first.getTime()]
      assert.ok(wait > 0 && wait <= 25 * HOUR, String(wait))
      assert.ok(pause >= 22 * HOUR && pause <= 26 * HOUR, String(pause))
    }),
  )
})
