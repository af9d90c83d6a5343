import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChannelRules } from '../channel.ts'
import { compileSilence } from './rules.ts'
import { type Due, describeTaken, sortDue } from './sort.ts'
import { minutes, NOW, sampleChannel, sampleRow, sampleSilence } from './testing.ts'

const [OK, INFO, WARNING, ERROR, CRITICAL] = [0, 1, 2, 3, 4]
const NIGHT = {
  quietHours: { from: '11:00', to: '14:00', timezone: 'UTC', days: ['fri'] },
} as Partial<ChannelRules>
const NIGHT_ENDS = new Date('2026-11-20T14:00:00Z')
const DIGEST = { digest: { at: '08:00', timezone: 'UTC', except: 'critical' } } as Partial<ChannelRules>
const DIGEST_COMES = new Date('2026-11-21T08:00:00Z')
/** The channel was told of the stack as an error ten minutes ago. */
const OPEN = { isOpen: true, toldAt: minutes(-10), toldSeverity: ERROR }

function sort(
  rules: Partial<ChannelRules>,
  rows: Due[],
  silences = [] as ReturnType<typeof sampleSilence>[],
  more = {},
) {
  return sortDue(sampleChannel(rules, more), rows, silences.map(compileSilence), NOW)
}

/** What becomes of a single row: the occasion that it is told as, why it is held, or until when it waits. */
function fate(...given: Parameters<typeof sort>): string {
  const { taken, held, later } = sort(...given)
  const all = [
    ...taken.map(({ occasion }) => `told: ${occasion}`),
    ...held.map(({ reason }) => `held: ${reason}`),
    ...later.map(({ reason, dueAt }) => `${reason} until ${dueAt.toISOString()}`),
  ]
  assert.equal(all.length, 1)
  return all[0]!
}

test('an event of a stack that the channel knows nothing of is told', () => {
  assert.equal(fate({}, [sampleRow()]), 'told: event')
})

test('an event that is gone is held back, also when it was to be told again', () => {
  assert.equal(fate({}, [sampleRow({ exists: false })]), 'held: The event is gone.')
  assert.equal(fate({}, [sampleRow({ exists: false, reason: 'resend' })]), 'held: The event is gone.')
})

test('a silence holds back while it lasts, and says why and until when', () => {
  const held = `held: Silenced until ${minutes(60).toISOString()}: maintenance`
  const row = sampleRow()
  assert.equal(fate({}, [row], [sampleSilence()]), held)
  assert.equal(fate({}, [row], [sampleSilence({ from: NOW })]), held)
  assert.equal(fate({}, [row], [sampleSilence({ to: NOW })]), 'told: event')
  assert.equal(fate({}, [row], [sampleSilence({ from: minutes(1) })]), 'told: event')
  assert.equal(fate({}, [row], [sampleSilence({ vmids: ['101'] })]), 'told: event')
  assert.equal(
    fate({}, [row], [sampleSilence({ match: [{ 'event.severity': 'error', TaskType: 'x' }] })]),
    'told: event',
  )
  assert.equal(
    fate({}, [sampleRow({ metadata: { TaskType: 'x' } })], [sampleSilence({ match: [{ TaskType: 'x' }] })]),
    held,
  )
  assert.equal(fate({}, [sampleRow({ severity: CRITICAL })], [sampleSilence()]), held)
})

test('quiet hours keep everything but what is critical until they end', () => {
  const later = `quiet until ${NIGHT_ENDS.toISOString()}`
  assert.equal(fate(NIGHT, [sampleRow()]), later)
  assert.equal(fate(NIGHT, [sampleRow({ severity: CRITICAL })]), 'told: event')
  assert.equal(fate(NIGHT, [sampleRow({ occasion: 'reminder', ...OPEN })]), later)
  assert.equal(fate(NIGHT, [sampleRow({ occasion: 'acknowledged', ...OPEN })]), 'told: acknowledged')
  assert.equal(fate(NIGHT, [sampleRow({ reason: 'resend' })]), 'told: event')
})

test('a trouble of the quiet hours and its end are told together when these are over', () => {
  const trouble = sampleRow({ role: 'opens' })
  const end = sampleRow({ occasion: 'resolved', severity: OK, role: 'closes' })
  const { later, held } = sort(NIGHT, [trouble, end])
  assert.deepEqual(held, [])
  assert.deepEqual(
    later.map(({ dueAt }) => dueAt),
    [NIGHT_ENDS, NIGHT_ENDS],
  )
  const rows = [trouble, end].map((row) => ({ ...row, reason: 'quiet' }))
  const { taken } = sort({}, rows)
  assert.deepEqual(
    taken.map(({ occasion }) => occasion),
    ['event', 'resolved'],
  )
})

test('the end of what passed the quiet hours passes them, too', () => {
  const end = sampleRow({ occasion: 'resolved', severity: OK, role: 'closes', ...OPEN })
  assert.equal(fate(NIGHT, [end]), `quiet until ${NIGHT_ENDS.toISOString()}`)
  assert.equal(fate(NIGHT, [{ ...end, toldSeverity: CRITICAL }]), 'told: resolved')
  assert.equal(fate(DIGEST, [{ ...end, toldSeverity: CRITICAL }]), 'told: resolved')
})

test('a digest takes everything but what is as severe as its exception', () => {
  const later = `digest until ${DIGEST_COMES.toISOString()}`
  assert.equal(fate(DIGEST, [sampleRow()]), later)
  assert.equal(fate(DIGEST, [sampleRow({ severity: CRITICAL })]), 'told: event')
  const all = { digest: { ...DIGEST.digest!, except: null } }
  assert.equal(fate(all, [sampleRow({ severity: CRITICAL })]), later)
  assert.equal(fate(DIGEST, [sampleRow({ reason: 'digest' })]), 'told: event')
})

test('a digest that falls into quiet hours comes at their end, and not a day later again and again', () => {
  const rules = { ...DIGEST, ...NIGHT }
  const { later } = sort(rules, [sampleRow({ reason: 'digest' })])
  assert.deepEqual(later[0]?.dueAt, NIGHT_ENDS)
  const woken = sampleRow({ reason: later[0]!.reason })
  const { taken } = sortDue(sampleChannel(rules), [woken], [], NIGHT_ENDS)
  assert.equal(taken.length, 1)
})

test('a stack that was told of is told of again only when it got worse, or after a while', () => {
  const held = `held: Told of its stack at ${minutes(-10).toISOString()} already, and it is no worse.`
  assert.equal(fate({}, [sampleRow(OPEN)]), held)
  assert.equal(fate({}, [sampleRow({ ...OPEN, severity: WARNING })]), held)
  assert.equal(fate({}, [sampleRow({ ...OPEN, severity: CRITICAL })]), 'told: event')
  assert.equal(fate({}, [sampleRow({ ...OPEN, isOpen: false })]), 'told: event')
  assert.equal(fate({ repeatMinutes: 0 }, [sampleRow(OPEN)]), 'told: event')
  assert.equal(fate({ repeatMinutes: 10 }, [sampleRow(OPEN)]), 'told: event')
  assert.equal(fate({ repeatMinutes: 11 }, [sampleRow(OPEN)]), held)
})

test('an end is told when the trouble was', () => {
  const end = sampleRow({ occasion: 'resolved', severity: OK, role: 'closes' })
  const untold = 'held: The channel was not told of the trouble.'
  assert.equal(fate({}, [end]), untold)
  assert.equal(fate({}, [{ ...end, ...OPEN }]), 'told: resolved')
  assert.equal(fate({}, [{ ...end, reason: 'resend' }]), 'told: resolved')
  const { taken, held } = sort({}, [
    sampleRow(),
    end,
    { ...end, cause: 'again' },
    { ...end, stackId: 'other' },
  ])
  assert.deepEqual(
    taken.map(({ occasion }) => occasion),
    ['event', 'resolved'],
  )
  assert.equal(held.length, 2)
})

test('an end that is told in its own right is the end of what was told, and no repeat of it', () => {
  const rules = { events: ['alert_triggered', 'alert_resolved'] } as Partial<ChannelRules>
  const end = sampleRow({ severity: OK, role: 'closes' })
  assert.equal(fate(rules, [{ ...end, ...OPEN }]), 'told: resolved')
  assert.equal(fate(rules, [{ ...end, role: 'repeats', ...OPEN }]), 'told: resolved')
  assert.equal(fate(rules, [end]), 'told: event')
  assert.equal(fate(rules, [{ ...end, severity: INFO }]), 'told: resolved')
  const { taken } = sort(rules, [sampleRow({ role: 'opens' }), end])
  assert.deepEqual(
    taken.map(({ occasion }) => occasion),
    ['event', 'resolved'],
  )
})

test('that somebody acknowledged is told to those who know of the trouble, and to PagerDuty always', () => {
  const acked = sampleRow({ occasion: 'acknowledged' })
  assert.equal(fate({}, [acked]), 'held: The channel was not told of the trouble.')
  assert.equal(fate({}, [{ ...acked, isOpen: true }]), 'told: acknowledged')
  assert.equal(fate({}, [acked], [], { type: 'pagerduty', secret: 'key' }), 'told: acknowledged')
})

test('nobody is reminded of what somebody has seen', () => {
  const reminder = sampleRow({ occasion: 'reminder', ...OPEN })
  assert.equal(fate({}, [reminder]), 'told: reminder')
  for (const seen of [{ isAcked: true }, { isDismissed: true }])
    assert.equal(fate({}, [{ ...reminder, ...seen }]), 'held: Somebody has seen it meanwhile.')
})

test('each row is told, held or kept for later, and only once', () => {
  const row = fc
    .record({
      stackId: fc.constantFrom('a', 'b'),
      occasion: fc.constantFrom('event', 'resolved', 'acknowledged', 'reminder'),
      severity: fc.nat(4),
      role: fc.constantFrom('repeats', 'opens', 'closes', null),
      reason: fc.constantFrom(null, 'quiet', 'digest', 'resend'),
      exists: fc.boolean(),
      isOpen: fc.boolean(),
      isAcked: fc.boolean(),
    })
    .map((changes) =>
      sampleRow({ ...changes, ...(changes.isOpen && { toldAt: minutes(-10), toldSeverity: 2 }) } as object),
    )
  const rules = fc.constantFrom({}, NIGHT, DIGEST, { ...NIGHT, ...DIGEST }, { repeatMinutes: 0 })
  fc.assert(
    fc.property(rules, fc.array(row, { maxLength: 12 }), fc.boolean(), (chosen, rows, isSilent) => {
      const { taken, held, later } = sort(chosen, rows, isSilent ? [sampleSilence({ vmids: ['1*'] })] : [])
      const causes = [...taken, ...held, ...later].map(({ cause }) => cause)
      assert.deepEqual(causes.sort(), rows.map(({ cause }) => cause).sort())
      for (const { dueAt } of later) assert.ok(dueAt > NOW)
    }),
  )
})

test('a message says why it comes together', () => {
  const kinds = (...rows: Due[]) => describeTaken(rows, NOW)
  assert.deepEqual(kinds(sampleRow(), sampleRow()), { kind: 'event', because: null })
  assert.deepEqual(kinds(sampleRow(), sampleRow({ stackId: 'b' })), { kind: 'group', because: null })
  assert.deepEqual(kinds(sampleRow({ reason: 'quiet' })), {
    kind: 'summary',
    because: 'Quiet hours are over.',
  })
  assert.deepEqual(kinds(sampleRow({ reason: 'digest' }), sampleRow()).because, 'This is the daily summary.')
  assert.deepEqual(kinds(sampleRow({ reason: 'resend' })).because, 'Told again on request.')
  const late = sampleRow({ createdAt: minutes(-16) })
  assert.equal(
    kinds(late, sampleRow()).because,
    `It comes late: the oldest has waited since ${minutes(-16).toISOString()}.`,
  )
  assert.equal(kinds(sampleRow({ createdAt: minutes(-14) })).because, null)
})
