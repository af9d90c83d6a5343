import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  aborted,
  failed,
  ok,
  renderVzdump,
  type SentGuest,
  type SentReport,
} from '../../../test/helpers/vzdump.ts'
import { parseVzdumpReport } from './report.ts'

const STATUS = { ok: 'ok', err: 'failed', todo: 'aborted' } as const

function assertSame(sent: SentReport, message: string, title = ''): void {
  const report = parseVzdumpReport({ title, message })
  assert.deepEqual(report.unparsed, [])
  assert.deepEqual(
    report.guests.map(({ vmid, name, status, durationSeconds, file }) => [
      vmid,
      name,
      status,
      durationSeconds,
      file,
    ]),
    sent.guests.map(({ vmid, name, state, seconds, file }) => [
      vmid,
      String(name),
      STATUS[state],
      seconds,
      state === 'ok' ? file : null,
    ]),
  )
  for (const [n, { state, bytes }] of sent.guests.entries()) {
    const printed = report.guests[n]!.sizeBytes!
    assert.ok(Math.abs(printed - (state === 'ok' ? bytes : 0)) <= 1 + bytes / 2000)
  }
}

const HOSTILE = [
  'VMID',
  'VMID    Name    Status    Time    Size    Filename',
  'ok',
  'x    ok    1s    1 B    /y',
  'err    1m 41s    0 B    null',
  'Total running time: 5s',
  'Total size: 4 GiB',
  '1m 41s',
  '4.87 GiB',
  'null',
  'Logs',
  '100',
  ' leading',
  'a b  c    d        e',
  'Büro-Server',
  'ä    ok        1m 41s    4.87 GiB    /x',
  '數據庫',
  'db 🚀🚀🚀',
  'e\u0301',
  'tab\there',
  '<b>bold</b>',
  '{{guestname}}',
  '',
]

for (const name of HOSTILE) {
  test(`a guest may be called ${JSON.stringify(name)}`, () => {
    for (const padding of ['characters', 'bytes'] as const) {
      const sent = { guests: [ok(100, 'plain'), failed(101, name), ok(102, name), aborted(103, name)] }
      assertSame(sent, renderVzdump(sent, padding).message)
    }
  })
}

test('the renderer prints a name that is missing as null', () => {
  const sent = { guests: [{ ...ok(100, 'x'), name: null }] }
  assertSame(sent, renderVzdump(sent).message)
})

const line = (unit: 'grapheme' | 'binary' | 'grapheme-ascii', minLength = 0) =>
  fc
    .string({ unit, minLength, maxLength: 40 })
    .map((text) => text.replace(/[\r\n]/g, '_').toWellFormed())
    .filter((text) => !text.endsWith(' ') && text.length >= minLength)
const anyName = fc.oneof(
  fc.constantFrom(...HOSTILE),
  line('grapheme'),
  line('binary'),
  line('grapheme-ascii'),
)
const anyFile = line('grapheme', 1).map((text) => `/mnt/${text}`)
const anyGuest: fc.Arbitrary<SentGuest> = fc
  .record({
    vmid: fc.integer({ min: 100, max: 999_999_999 }),
    name: anyName,
    state: fc.constantFrom('ok' as const, 'err' as const, 'todo' as const),
    seconds: fc.oneof(fc.nat(7200), fc.nat(40_000_000)),
    bytes: fc.oneof(fc.nat(5000), fc.maxSafeNat()),
    file: anyFile,
  })
  .map((guest) => (guest.state === 'ok' ? guest : { ...guest, file: null }))

test('0 to 300 guests come back as they were, whatever their names, line ends and blanks at the end', () => {
  fc.assert(
    fc.property(
      fc.array(anyGuest, { maxLength: 300, size: 'max' }),
      fc.constantFrom('characters' as const, 'bytes' as const),
      fc.constantFrom('as sent', 'CRLF', 'trimmed lines', 'trimmed message'),
      (guests, padding, variant) => {
        const { message, title } = renderVzdump({ guests }, padding)
        const lines = message.split('\n')
        const changed = {
          'as sent': message,
          CRLF: lines.join('\r\n'),
          'trimmed lines': lines.map((each) => each.replace(/ +$/, '')).join('\n'),
          'trimmed message': message.trim(),
        }[variant]!
        assertSame({ guests }, changed, title)
      },
    ),
    { numRuns: 150 },
  )
})
