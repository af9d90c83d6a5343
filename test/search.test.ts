import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { silentLog } from '../src/log.ts'
import { createReleasers } from '../src/releasers.ts'
import { startIndexing } from '../src/start-indexing.ts'
import { decodeCursor } from '../src/storage/cursor.ts'
import { type Database, readTogether } from '../src/storage/database.ts'
import { fillWords } from '../src/storage/fill-words.ts'
import type { Filter } from '../src/storage/filters.ts'
import { searchEvents, searchStacks } from '../src/storage/search.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { listEvents, listStacks, type Page } from '../src/storage/timeline.ts'
import { readWordIndex } from '../src/storage/word-index.ts'
import { EVENT_TEXT } from '../src/storage/words.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { at, DAY, HOUR, judgedEvent, MINUTE } from './helpers/events.ts'
import { storeHeld } from './helpers/held.ts'
import { eventually, startTestServer } from './helpers/server.ts'

/** What new events may take until they are in the index. */
const PROMISED_MS = 2_000

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
beforeEach(clear)

async function clear(): Promise<void> {
  await db.write`TRUNCATE stacks, events CASCADE`
  await db.write`DELETE FROM words_position`
}

/** Fills the index to the end, as one server alone does. */
async function fill(limit = 1_000): Promise<void> {
  while ((await fillWords(db, limit))?.more) {
    // The next lot.
  }
}

const indexed = async () => (await db.read`SELECT event_id FROM event_words`).length

type Stored = {
  title: string
  subtitle?: string | null
  metadata?: Record<string, unknown>
  [key: string]: unknown
}

async function store(...events: Stored[]) {
  return storeEvents(
    db,
    events.map((event) => judgedEvent(event)),
  )
}

type Span = Pick<Filter, 'from' | 'to'>

/** The rows of a list, page by page, to its end or so many pages. */
async function readAll(
  list: (cursor: string | null) => Promise<Page<{ id: string }>>,
  pages: number,
): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | null = null
  for (let read = 0; read < pages; read++) {
    const page: Page<{ id: string }> = await list(cursor)
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.nextCursor
    if (cursor === null) break
  }
  return ids
}

const ALL = Number.POSITIVE_INFINITY
const cursorOf = (text: string | null) => (text ? decodeCursor(text) : null)

const eventsWith = (words: string[], limit = 50, pages = ALL) =>
  readAll((cursor) => listEvents(db, { state: 'all', words }, limit, cursorOf(cursor)), pages)
const stacksWith = (words: string[], span: Span = {}, limit = 50, pages = ALL) =>
  readAll((cursor) => listStacks(db, { state: 'all', ...span, words }, limit, cursorOf(cursor)), pages)

/** A page by tiny steps, so that few events make many of them. */
async function pageBySteps(
  list: 'events' | 'stacks',
  words: string[],
  span: Span,
  limit: number,
): Promise<string[]> {
  return readTogether(db, async (tx) => {
    const index = await readWordIndex(tx)
    if (index === null) throw new Error('the index is not filled')
    const filter = { state: 'all' as const, ...span, words }
    const search = { filter, index, limit, newest: null, further: tx``, steps: { look: 1, stretch: 2 } }
    const places = await (list === 'events' ? searchEvents(tx, search) : searchStacks(tx, search))
    return places.map(({ id }) => id)
  })
}

const escaped = (word: string) => `%${word.replace(/[\\%_]/g, '\\$&')}%`
const TEXT = `concat_ws(E'\\n', e.title, e.subtitle, e.metadata ->> 'Message', e.metadata ->> 'message')`

/** The same by looking at every event; what the index is to agree with. */
async function eventsByLooking(words: string[]): Promise<string[]> {
  const rows = await db.read<{ id: string }[]>`
    SELECT e.id FROM events e
    WHERE (SELECT bool_and(${db.read.unsafe(TEXT)} ILIKE pattern)
           FROM json_array_elements_text(${JSON.stringify(words.map(escaped))}::json) pattern)
    ORDER BY e.start_date DESC, e.id DESC`
  return rows.map(({ id }) => id)
}

async function stacksByLooking(words: string[], { from, to }: Span = {}): Promise<string[]> {
  const rows = await db.read<{ id: string }[]>`
    SELECT s.id FROM stacks s
    WHERE EXISTS (
      SELECT 1 FROM events e WHERE e.stack_id = s.id AND (
        SELECT bool_and(${db.read.unsafe(TEXT)} ILIKE pattern)
        FROM json_array_elements_text(${JSON.stringify(words.map(escaped))}::json) pattern))
      AND (${from ?? null}::timestamptz IS NULL OR s.last_event_at >= ${from ?? null})
      AND (${to ?? null}::timestamptz IS NULL OR s.first_event_at < ${to ?? null})
    ORDER BY s.last_event_at DESC, s.id DESC`
  return rows.map(({ id }) => id)
}

const SYLLABLES = [
  ...[
    'a',
    'ab',
    'abc',
    'disk',
    'Full',
    '50',
    '%',
    '_',
    'a_b',
    '\\',
    '\\%',
    "'",
    '"',
    '(',
    '*',
    ' ',
    '\n',
    '-',
    '1.5',
  ],
  ...[
    'Ü',
    'über',
    'ß',
    'SS',
    'ñ',
    'И',
    'ИЯ',
    'σς',
    'Σ',
    '备份',
    '完成',
    '备',
    'ﬁ',
    'İ',
    'ı',
    '😀',
    '👩‍👩‍👧',
    '€',
    'é',
    'é',
  ],
]
const text = fc.array(fc.constantFrom(...SYLLABLES), { maxLength: 8 }).map((parts) => parts.join(''))
const word = fc
  .array(fc.constantFrom(...SYLLABLES), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('').trim())
  .filter((word) => word !== '')

const event = fc.record({
  title: text.map((title) => title.trim() || 'x'),
  subtitle: fc.option(text),
  metadata: fc.oneof(
    text.map((Message) => ({ Message })),
    text.map((message) => ({ message, Other: 'disk' })),
    fc.constant({}),
  ),
  startDate: fc.oneof(
    fc.integer({ min: 0, max: 2 * 24 * 60 }).map((minute) => at(minute * MINUTE)),
    fc.integer({ min: -500, max: 500 }).map((day) => at(day * DAY)),
  ),
  key: fc.constantFrom('a', 'b', 'c', null),
  windowMs: fc.constantFrom(HOUR, 30 * HOUR, 90 * DAY),
  externalID: fc.option(fc.constantFrom('one', 'two', 'three'), { freq: 3 }),
})
const instant = fc.integer({ min: 0, max: 48 }).map((hour) => at(hour * HOUR))

test('search finds what looking at every event finds, in the order of the list, indexed or not', async () => {
  const scenario = fc.record({
    lots: fc.array(fc.array(event, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
    filled: fc.integer({ min: 0, max: 4 }),
    searches: fc.array(fc.array(word, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 6 }),
    span: fc.record({
      from: fc.option(instant, { nil: undefined }),
      to: fc.option(instant, { nil: undefined }),
    }),
    limit: fc.integer({ min: 1, max: 5 }),
  })
  await fc.assert(
    fc
      .asyncProperty(scenario, async ({ lots, filled, searches, span, limit }) => {
        for (const [index, lot] of lots.entries()) {
          await store(...lot)
          if (index < filled) await fill(5)
        }
        for (const words of searches) {
          assert.deepEqual(
            await eventsWith(words, limit),
            await eventsByLooking(words),
            JSON.stringify(words),
          )
          assert.deepEqual(
            await stacksWith(words, {}, limit),
            await stacksByLooking(words),
            JSON.stringify(words),
          )
          assert.deepEqual(await stacksWith(words, span, limit), await stacksByLooking(words, span))
        }
      })
      .beforeEach(clear),
    { numRuns: 80 },
  )
})

test('search finds the same in many small steps', async () => {
  const words = fc.array(fc.constantFrom('abc', 'disk', 'ful', 'über', '备份', 'a', '50'), {
    minLength: 1,
    maxLength: 2,
  })
  const scenario = fc.record({
    events: fc.array(event, { minLength: 5, maxLength: 40 }),
    tail: fc.array(event, { maxLength: 3 }),
    searches: fc.array(words, { minLength: 1, maxLength: 5 }),
    span: fc.record({
      from: fc.option(instant, { nil: undefined }),
      to: fc.option(instant, { nil: undefined }),
    }),
    limit: fc.integer({ min: 1, max: 12 }),
  })
  await fc.assert(
    fc
      .asyncProperty(scenario, async ({ events, tail, searches, span, limit }) => {
        await store(...events)
        await fill()
        if (tail.length > 0) await store(...tail)
        for (const words of searches) {
          const found = await pageBySteps('events', words, {}, limit)
          assert.deepEqual(found, (await eventsByLooking(words)).slice(0, limit), JSON.stringify(words))
          for (const narrowed of [{}, span]) {
            const stacks = await pageBySteps('stacks', words, narrowed, limit)
            assert.deepEqual(
              stacks,
              (await stacksByLooking(words, narrowed)).slice(0, limit),
              JSON.stringify(words),
            )
          }
        }
      })
      .beforeEach(clear),
    { numRuns: 70 },
  )
})

/** Events an hour apart, of which each of so many holds a word. */
async function storeSown(count: number, given: (n: number) => Partial<Stored> = () => ({})): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    const lot = Array.from({ length: Math.min(500, count - done) }, (_, n) => {
      const number = done + n
      const words = [7, 90, 700, 2_100]
        .filter((every) => number % every === 5)
        .map((every) => `word${every}x`)
      return {
        title: ['backup of', number, ...words].join(' '),
        startDate: at(number * HOUR),
        ...given(number),
      }
    })
    await store(...lot)
  }
}

test('frequent, middling and rare words are found wherever they lie in a long list', async () => {
  await storeSown(2_500, (n) => ({ key: n % 3 === 0 ? `day ${Math.floor(n / 24)}` : null, windowMs: DAY }))
  await fill()
  const [limit, pages] = [40, 2]
  const span = { from: at(700 * HOUR), to: at(1_300 * HOUR) }
  for (const words of [
    ['backup'],
    ['word7x'],
    ['word90x'],
    ['word700x'],
    ['word2100x'],
    ['of', 'word90x'],
    ['o'],
    ['nowhere'],
  ]) {
    const first = (ids: string[]) => ids.slice(0, limit * pages)
    assert.deepEqual(await eventsWith(words, limit, pages), first(await eventsByLooking(words)), words.join())
    assert.deepEqual(await stacksWith(words, {}, limit, pages), first(await stacksByLooking(words)))
    assert.deepEqual(await stacksWith(words, span, limit, pages), first(await stacksByLooking(words, span)))
  }
})

test('an old match in a stack that goes on until now is found among newer stacks', async () => {
  const hours = Array.from({ length: 60 }, (_, n) => ({ title: `needle ${n}`, startDate: at(n * HOUR) }))
  await store(...hours)
  await store({ title: 'the first needle', startDate: at(MINUTE), key: 'long', windowMs: null })
  await store({ title: 'no more', startDate: at(57 * HOUR + MINUTE), key: 'long', windowMs: null })
  await fill()
  const expected = await stacksByLooking(['needle'])
  const [long] = await stacksByLooking(['more'])
  assert.equal(expected.indexOf(long!), 2)
  for (const limit of [2, 3, 4, 10]) {
    assert.deepEqual(await pageBySteps('stacks', ['needle'], {}, limit), expected.slice(0, limit))
  }
})

test('a stack that goes on beyond the end of the search is found by what came after it, however long it goes on', async () => {
  const hours = Array.from({ length: 60 }, (_, n) => ({ title: `needle ${n}`, startDate: at(n * HOUR) }))
  await store(...hours)
  const goesOn = (key: string, minutes: number, end: number, title: string) =>
    store(
      { title: 'begins', startDate: at(50 * HOUR + minutes * MINUTE), key, windowMs: null },
      { title, startDate: at(end), key, windowMs: null },
    )
  const to = at(51 * HOUR)
  await goesOn('an hour', 1, 52 * HOUR, 'needle in an hour')
  await goesOn('days', 2, 51 * HOUR + 3 * DAY, 'needle in days')
  for (let n = 0; n < 12; n++) await goesOn(`hay ${n}`, 3 + n, 53 * HOUR + n * HOUR, 'hay')
  await fill()
  const expected = await stacksByLooking(['needle'], { to })
  const [days] = await stacksByLooking(['needle in days'])
  const [hour] = await stacksByLooking(['needle in an hour'])
  assert.deepEqual(expected.slice(0, 2), [days, hour])
  for (const limit of [1, 2, 3, 10]) {
    assert.deepEqual(await pageBySteps('stacks', ['needle'], { to }, limit), expected.slice(0, limit))
  }
})

test('a clock far off in the future or the past hides nothing', async () => {
  await storeSown(500)
  await store(
    { title: 'backup of tomorrow', startDate: new Date('9999-12-31T23:59:59.999Z') },
    { title: 'backup of old', startDate: new Date('0001-01-01T00:00:00Z') },
  )
  await fill()
  for (const words of [['backup'], ['tomorrow'], ['old'], ['word90x']]) {
    assert.deepEqual(await eventsWith(words), await eventsByLooking(words))
    assert.deepEqual(await stacksWith(words), await stacksByLooking(words))
  }
})

test('all of a very long message is searched', async () => {
  const Message = `${'All is well. '.repeat(80_000)} but for VM 4711`
  const [answer] = await store({ title: 'report', metadata: { Message } })
  assert.deepEqual(await eventsWith(['4711']), [answer!.id])
  await fill()
  assert.equal(await indexed(), 1)
  assert.deepEqual(await eventsWith(['4711', 'report']), [answer!.id])
})

test('the index holds every text as the database puts it together and lowers it', async () => {
  const metadata: Record<string, unknown>[] = [
    { Message: 'Backup of VM 100 FAILED\nExit Code 255' },
    { message: 'Lower KEY', Message: 'Upper KEY', other: 'Not SEARCHED' },
    { Message: '', message: null },
    { Message: 'ΟΔΟΣ, İSTANBUL und ÜBER' },
    { Message: 1e21 },
    { Message: { A: [true, 'B'] } },
    { Message: false },
    JSON.parse('{"__proto__": {"Message": "No OWN key"}}'),
  ]
  await store(...metadata.map((metadata, n) => ({ title: `Event ${n}`, metadata })), {
    title: 'Größe',
    subtitle: 'SUBtitle',
  })
  const differing = () => db.read`
    SELECT w.body, e.title FROM events e LEFT JOIN event_words w ON w.event_id = e.id
    WHERE w.body IS DISTINCT FROM lower(${db.read.unsafe(EVENT_TEXT)})`
  assert.equal((await differing()).length, 9)
  await fill()
  assert.deepEqual([...(await differing())], [])
  const versions = () => db.read`SELECT event_id, xmin FROM event_words ORDER BY event_id`
  const before = [...(await versions())]
  await db.write`UPDATE events SET acked_at = now(), changed_tx = pg_current_xact_id()`
  await fill()
  assert.deepEqual([...(await versions())], before)
  await db.write`
    UPDATE events SET title = 'NEW', metadata = '{"Message":"Also NEW"}', changed_tx = pg_current_xact_id()
    WHERE title IN ('Event 0', 'Größe')`
  await store({ title: 'Later' })
  await fill()
  assert.deepEqual([...(await differing())], [])
  assert.equal(await indexed(), 10)
})

test('an event is found from the moment it is stored, and gone from the moment it is not', async () => {
  await store({ title: 'first' })
  await fill()
  const [answer] = await store({ title: 'second', externalID: 'job' })
  assert.deepEqual(await eventsWith(['second']), [answer!.id])
  await fill()
  await store({ title: 'third', externalID: 'job' })
  assert.deepEqual(await eventsWith(['second']), [])
  assert.deepEqual(await stacksWith(['third']), [answer!.stackId])
  await fill()
  assert.deepEqual(await eventsWith(['third']), [answer!.id])
  await db.write`DELETE FROM events WHERE id = ${answer!.id}`
  assert.deepEqual(await eventsWith(['third']), [])
  assert.equal(await indexed(), 1)
})

test('a transaction that commits after the index has gone on is found, and taken in', async () => {
  await store({ title: 'earlier' })
  await fill()
  const held = await storeHeld(other, [judgedEvent({ title: 'long under way' })])
  await store({ title: 'later' })
  await fill()
  await held.commit()
  assert.equal((await eventsWith(['under way'])).length, 1)
  await fill()
  assert.equal(await indexed(), 3)
  assert.equal((await eventsWith(['under way'])).length, 1)
})

test('a group of the index goes with its last event, and an event that changes moves on to another', async () => {
  const groups = async () => (await db.read`SELECT id FROM word_groups`).length
  const [first] = await store({ title: 'disk of pve-1', externalID: 'one' }, { title: 'disk of pve-2' })
  await fill()
  assert.equal(await groups(), 1)
  assert.equal((await eventsWith(['of pve-1'])).length, 1)
  await store({ title: 'fan of pve-1', externalID: 'one' })
  await fill()
  assert.equal(await groups(), 2)
  assert.deepEqual(await eventsWith(['fan of']), [first!.id])
  assert.equal((await eventsWith(['disk of'])).length, 1)
  await db.write`DELETE FROM events WHERE title = 'disk of pve-2'`
  assert.equal(await groups(), 1)
  await db.write`DELETE FROM events`
  assert.equal(await groups(), 0)
})

test('a database whose index was never filled, or that is another one than it was, is filled anew', async () => {
  await storeSown(50)
  assert.equal((await eventsWith(['backup'])).length, 50)
  await fill(7)
  assert.equal(await indexed(), 50)
  await db.write`UPDATE words_position SET position = '900000000000:900000000000:'`
  await db.write`DELETE FROM event_words`
  assert.equal((await eventsWith(['backup'])).length, 50)
  await fill(7)
  assert.equal(await indexed(), 50)
  assert.equal((await eventsWith(['backup'])).length, 50)
})

test('one transaction larger than a step does not hold the index up', async () => {
  await store({ title: 'before' })
  await fill()
  await storeEvents(
    db,
    Array.from({ length: 60 }, (_, n) => judgedEvent({ title: `lot ${n}` })),
  )
  await store({ title: 'after' })
  await fill(10)
  assert.equal(await indexed(), 62)
  assert.equal((await eventsWith(['lot'])).length, 60)
})

test('many small transactions are taken in step by step, and found meanwhile', async () => {
  await store({ title: 'before' })
  await fill()
  for (let n = 0; n < 30; n++) await store({ title: `lot ${n}` })
  for (let steps = 1; (await fillWords(db, 7))?.more; steps++) {
    assert.equal((await eventsWith(['lot'])).length, 30)
    assert.equal(await indexed(), 1 + 7 * steps)
  }
  assert.equal(await indexed(), 31)
})

test('a step reads no more of those that wait than it takes in', async (t) => {
  const apart = await createTestDatabase()
  t.after(() => apart.drop())
  const [writer, filler] = [apart.open(), apart.open()]
  await fillWords(writer, 100)
  await fillWords(writer, 100)
  for (let n = 0; n < 50; n++) {
    await storeEvents(
      writer,
      Array.from({ length: 40 }, () => judgedEvent({ title: 'waits' })),
    )
  }
  const read = async () => {
    const [row] = await writer.read<[{ entries: number }]>`
      SELECT idx_tup_read::int AS entries FROM pg_stat_user_indexes WHERE indexrelname = 'events_changed'`
    return row.entries
  }
  const before = await read()
  assert.deepEqual(await fillWords(filler, 100), { events: 80, more: true })
  // What a connection has read is counted when it ends, at the latest.
  await filler.close()
  await eventually(async () => (await read()) > before)
  const entries = (await read()) - before
  assert.ok(entries >= 80 && entries <= 110, `${entries} entries of the index were read`)
})

test('two servers that fill at the same time take each event in once', async () => {
  await storeSown(300)
  const turns = await Promise.all(
    [db, other].map(async (server) => {
      let events = 0
      for (;;) {
        const filled = await fillWords(server, 20)
        events += filled?.events ?? 0
        if (filled && !filled.more) return events
      }
    }),
  )
  assert.equal(turns[0]! + turns[1]!, 300)
  assert.equal(await indexed(), 300)
})

test('a running server takes new events in within the promised time, and another goes on where it ended', async () => {
  const isIn = async (count: number) => (await indexed()) === count
  for (const round of [1, 2]) {
    // What was stored while no server ran.
    await store({ title: `away ${round}` })
    const releasers = createReleasers(5_000)
    await startIndexing(other, silentLog, releasers)
    try {
      await eventually(() => isIn(2 * round - 1))
      await store({ title: `there ${round}` })
      const stored = Date.now()
      await eventually(() => isIn(2 * round))
      assert.ok(Date.now() - stored < PROMISED_MS * 2, `it took ${Date.now() - stored} ms`)
    } finally {
      await releasers.run((_, error) => assert.fail(error as Error))
    }
  }
})

test('a server whose step fails goes on with smaller ones', async () => {
  const messages: string[] = []
  const log = { ...silentLog, warn: (_: object, message: string) => void messages.push(message) }
  await storeSown(50)
  // No statement of more than 12 events gets through.
  await db.write.unsafe(`
    CREATE FUNCTION refuse_many() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF (SELECT count(*) FROM added) > 12 THEN RAISE 'too many'; END IF; RETURN NULL; END $$;
    CREATE TRIGGER refuse_many AFTER INSERT ON event_words REFERENCING NEW TABLE AS added
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_many()`)
  const releasers = createReleasers(5_000)
  await startIndexing(other, log, releasers, { batch: 40, retryMs: 10 })
  try {
    await eventually(async () => (await indexed()) === 50)
    assert.match(messages.join(), /index of words could not be brought up to date/)
  } finally {
    await releasers.run((_, error) => assert.fail(error as Error))
    await db.write`DROP FUNCTION refuse_many CASCADE`
  }
})

test('a server of its own finds by its API what was just posted', async () => {
  const server = await startTestServer()
  try {
    const token = await server.token(['com.example'])
    const body = { title: 'Prüfung', metadata: { Message: 'Speicher läuft über' } }
    const { body: sent } = await server.post('/ingest', token, body)
    const find = async () =>
      (await server.get('/api/v1/timeline?q=l%C3%84UFT+pr%C3%BCfung')).body.items.map(
        ({ id }: { id: string }) => id,
      )
    assert.deepEqual(await find(), [sent.stackId])
    await eventually(async () => (await server.db.read`SELECT 1 FROM event_words`).length === 1)
    assert.deepEqual(await find(), [sent.stackId])
  } finally {
    await server.stop()
  }
})
