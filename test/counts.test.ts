import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { type JudgedEvent, SEVERITIES } from '../src/event.ts'
import { countAnew, sumUpCounts } from '../src/storage/counts.ts'
import type { Database } from '../src/storage/database.ts'
import { countBySpan, countProviders, type HeatSpan } from '../src/storage/overview.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { triageStacks } from '../src/storage/triage.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { at, DAY, HOUR, judgedEvent, MINUTE } from './helpers/events.ts'

let database: TestDatabase
let db: Database
/** Another server. */
let other: Database

before(async () => {
  database = await createTestDatabase()
  db = database.open()
  other = database.open()
})
after(() => database.drop())
beforeEach(async () => {
  await db.write`TRUNCATE stacks, events CASCADE`
})

/** The same from the events themselves. */
async function counted({ from, to, tz, unit, provider }: HeatSpan) {
  return db.read`
    SELECT date_trunc(${unit}, start_date, ${tz}) AS at, count(*)::int AS count, max(severity)::int AS severity
    FROM events WHERE derived_from IS NULL AND start_date >= ${from} AND start_date < ${to}
      AND (${provider ?? null}::text IS NULL OR provider = ${provider ?? ''} OR starts_with(provider, ${`${provider}.`}))
    GROUP BY 1 ORDER BY 1`
}

async function assertCounts(spans: HeatSpan[]): Promise<void> {
  for (const span of spans) {
    const cells = await countBySpan(db, span)
    assert.deepEqual(
      cells.map(({ at, count, severity }) => ({ at, count, severity: SEVERITIES.indexOf(severity) })),
      [...(await counted(span))],
      JSON.stringify(span),
    )
  }
  const sources = await countProviders(db)
  const events =
    await db.read`SELECT provider, count(*)::int AS events FROM events GROUP BY provider ORDER BY 1`
  assert.deepEqual(
    sources
      .map(({ provider, events }) => ({ provider, events }))
      .sort((a, b) => (a.provider < b.provider ? -1 : 1)),
    [...events],
  )
}

const PROVIDERS = ['com.example', 'com.example.below', 'com.examples', 'org.other']
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Australia/Lord_Howe',
]

const when = fc.oneof(
  fc.integer({ min: 0, max: 36 * 60 }).map((minute) => at(minute * MINUTE)),
  fc.integer({ min: 0, max: 400 }).map((day) => at(day * DAY - HOUR)),
  fc.integer({ min: 0, max: 100_000 }).map((second) => at(second * 1_000)),
)
const change = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('store' as const),
      events: fc.array(
        fc.record({
          startDate: when,
          severity: fc.constantFrom(...SEVERITIES),
          provider: fc.constantFrom(...PROVIDERS),
          external: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 2 }),
        }),
        { minLength: 1, maxLength: 6 },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), share: fc.double({ min: 0, max: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sum' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('triage' as const) }) },
)
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

async function make(change: Change, writer: Database): Promise<void> {
  if (change.kind === 'sum') await sumUpCounts(writer)
  if (change.kind === 'triage') {
    const rows = await writer.read<{ id: string }[]>`SELECT id FROM stacks ORDER BY id LIMIT 3`
    await triageStacks(
      writer,
      'ack',
      rows.map(({ id }) => id),
    )
  }
  if (change.kind === 'delete') {
    await writer.write`DELETE FROM events WHERE hashtext(id::text) % 100 < ${change.share * 100 - 100}::float8`
  }
  if (change.kind === 'store') {
    const events: JudgedEvent[] = change.events.map(({ external, ...given }) =>
      judgedEvent({ ...given, key: null, externalID: external === null ? null : `job ${external}` }),
    )
    await storeEvents(writer, events)
  }
}

const span = fc.record<HeatSpan>({
  from: when,
  to: when,
  tz: fc.constantFrom(...ZONES),
  unit: fc.constantFrom('hour' as const, 'day' as const),
  provider: fc.option(fc.constantFrom(...PROVIDERS, 'com'), { nil: undefined }),
})

test('counts are those of the events after whatever several writers do, summed up or not', async () => {
  const scenario = fc.record({
    lots: fc.array(fc.tuple(fc.array(change, { maxLength: 4 }), fc.array(change, { maxLength: 4 })), {
      maxLength: 5,
    }),
    spans: fc.array(span, { minLength: 1, maxLength: 6 }),
  })
  await fc.assert(
    fc
      .asyncProperty(scenario, async ({ lots, spans }) => {
        for (const [ours, theirs] of lots) {
          const inOrder = async (changes: Change[], writer: Database) => {
            for (const one of changes) await make(one, writer)
          }
          await Promise.all([inOrder(ours, db), inOrder(theirs, other)])
          await assertCounts(spans.filter(({ from, to }) => from < to))
        }
      })
      .beforeEach(async () => {
        await db.write`TRUNCATE stacks, events CASCADE`
      }),
    { numRuns: 60 },
  )
})

const YEAR: HeatSpan = { from: at(0), to: at(400 * DAY), tz: 'Europe/Berlin', unit: 'day' }

async function storeMany(count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, n) =>
    judgedEvent({ startDate: at(n * 7 * HOUR), severity: SEVERITIES[n % 5]!, provider: PROVIDERS[n % 4]! }),
  )
  await storeEvents(db, events)
}

test('summing up by two servers at once counts nothing twice and loses nothing', async () => {
  await storeMany(200)
  await storeMany(100)
  const [ours, theirs] = await Promise.all([sumUpCounts(db), sumUpCounts(other)])
  while ((await sumUpCounts(db)) > 0) {
    // What the one that came second left.
  }
  assert.ok(ours + theirs > 0)
  const [left] = await db.read`SELECT count(*)::int AS count FROM count_changes`
  assert.equal(left!.count, 0)
  await assertCounts([YEAR])
})

test('an event that moves by an update is counted where it is now', async () => {
  await storeEvents(db, [judgedEvent({ externalID: 'job', startDate: at(0), severity: 'error' })])
  await sumUpCounts(db)
  await storeEvents(db, [judgedEvent({ externalID: 'job', startDate: at(30 * DAY), severity: 'ok' })])
  await assertCounts([YEAR, { ...YEAR, to: at(DAY) }])
  assert.deepEqual(await countBySpan(db, { ...YEAR, to: at(DAY) }), [])
})

test('a source all of whose events are gone is listed no more', async () => {
  await storeMany(8)
  await sumUpCounts(db)
  await db.write`DELETE FROM events WHERE provider = 'org.other'`
  assert.deepEqual((await countProviders(db)).map(({ provider }) => provider).sort(), PROVIDERS.slice(0, 3))
  await sumUpCounts(db)
  assert.deepEqual((await countProviders(db)).map(({ provider }) => provider).sort(), PROVIDERS.slice(0, 3))
})

test('events that were loaded uncounted are counted when that is asked for', async () => {
  await storeMany(20)
  await db.write.begin(async (tx) => {
    await tx`ALTER TABLE events DISABLE TRIGGER USER`
    await tx`UPDATE events SET start_date = start_date + interval '40 days'`
    await tx`ALTER TABLE events ENABLE TRIGGER USER`
    await countAnew(tx)
  })
  await assertCounts([YEAR])
})

test('zones of times when they differed from UTC by odd minutes are counted right', async () => {
  for (const startDate of [
    '1893-03-31T22:10:00Z',
    '1937-06-30T22:50:00Z',
    '1971-12-31T00:40:00Z',
    '1973-01-01T00:10:00Z',
  ])
    await storeEvents(db, [judgedEvent({ startDate: new Date(startDate) })])
  const spans = ['Europe/Berlin', 'Europe/Amsterdam', 'Africa/Monrovia'].map<HeatSpan>((tz) => ({
    from: new Date('1890-01-01T00:00:00Z'),
    to: new Date('1974-01-01T00:00:00Z'),
    tz,
    unit: 'day',
  }))
  await assertCounts(spans)
})
