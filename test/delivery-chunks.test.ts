/** Deliveries that are stored many to a row are listed, followed and dropped as if each were one. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { v7 as uuidv7 } from 'uuid'
import type { Delivery } from '../src/access.ts'
import type { Database } from '../src/storage/database.ts'
import { type DeliveryFilter, insertDeliveries, listDeliveries } from '../src/storage/deliveries.ts'
import { findNewestDelivery, listDeliveriesSince } from '../src/storage/follow-deliveries.ts'
import { pruneDeliveries } from '../src/storage/prune-deliveries.ts'
import { createTestDatabase, type TestDatabase } from './helpers/database.ts'
import { chunkOf, plainDelivery, storedDeliveries } from './helpers/deliveries.ts'
import { at } from './helpers/events.ts'
import { eventually, startTestServer } from './helpers/server.ts'

let database: TestDatabase
let db: Database
before(async () => {
  database = await createTestDatabase()
  db = database.open()
})
after(() => database.drop())

async function clear(): Promise<void> {
  await db.write`TRUNCATE deliveries, delivery_chunks`
}
beforeEach(clear)

const several = (count: number, ms: (n: number) => number, change: Partial<Delivery> = {}) =>
  Array.from({ length: count }, (_, n) => plainDelivery(at(ms(n)), change))
const newestFirst = (deliveries: Delivery[]) =>
  deliveries.toSorted((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0))
const idsOf = (deliveries: Delivery[]) => deliveries.map(({ id }) => id)

/** What one write of a server holds; those of several servers overlap. */
type Write = { from: number; spread: number; plain: number; rows: number }
/** Other deliveries, in turn. */
const OTHERS: Partial<Delivery>[] = [
  {},
  { status: 202 },
  { status: 422, reason: 'invalid_input', eventId: null, quarantineId: uuidv7() },
  { status: 401, reason: 'unknown_token', eventId: null, authenticated: false, tokenId: null },
]
const TOKENS = [uuidv7(), uuidv7()]

const write: fc.Arbitrary<Write> = fc.record({
  from: fc.integer({ min: 0, max: 400 }),
  spread: fc.constantFrom(1, 20, 100, 1_000),
  plain: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 100, max: 250 })),
  rows: fc.integer({ min: 0, max: 30 }),
})

async function store({ from, spread, plain, rows }: Write): Promise<Delivery[]> {
  const ms = (n: number) => from + ((n * 37) % spread)
  const chunked = Array.from({ length: plain }, (_, n) =>
    plainDelivery(at(ms(n)), { tokenId: TOKENS[n % 2]!, address: `10.0.0.${n % 3}` }),
  )
  const single = Array.from({ length: rows }, (_, n) =>
    plainDelivery(at(ms(n)), { tokenId: TOKENS[n % 2]!, ...OTHERS[n % OTHERS.length] }),
  )
  await insertDeliveries(db, single, plain > 0 ? [chunkOf(chunked)] : [])
  return [...chunked, ...single]
}

async function storeAll(writes: Write[]): Promise<Delivery[]> {
  await clear()
  return newestFirst((await Promise.all(writes.map(store))).flat())
}

async function readPages(filter: DeliveryFilter, limit: number): Promise<Delivery[]> {
  const all: Delivery[] = []
  for (let page: Delivery[] = []; ; ) {
    const last = page.at(-1)
    page = await listDeliveries(db, last ? { ...filter, before: last.id.toUpperCase() } : filter, limit)
    all.push(...page)
    if (page.length < limit) return all
  }
}

test('pages are the sorted whole, wherever chunks of several servers and rows overlap', async () => {
  const filters: [DeliveryFilter, (delivery: Delivery) => boolean][] = [
    [{}, () => true],
    [{ status: 200 }, ({ status }) => status === 200],
    [{ status: 422 }, ({ status }) => status === 422],
    [{ accepted: true }, ({ status }) => status < 300],
    [{ accepted: false }, ({ status }) => status >= 300],
    [{ accepted: false, status: 200 }, () => false],
  ]
  const property = fc.asyncProperty(
    fc.array(write, { minLength: 1, maxLength: 8 }),
    fc.constantFrom(3, 20, 101, 201),
    fc.integer({ min: 0, max: 500 }),
    async (writes, limit, cursorMs) => {
      const all = await storeAll(writes)
      for (const [filter, isWanted] of filters) {
        const wanted = all.filter(isWanted)
        assert.deepEqual(await readPages(filter, limit), wanted)
        const before = uuidv7({ msecs: at(cursorMs).getTime() })
        const older = wanted.filter(({ id }) => id < before)
        assert.deepEqual(await listDeliveries(db, { ...filter, before }, limit), older.slice(0, limit))
      }
    },
  )
  await fc.assert(property, { numRuns: 30 })
})

test('what follows a delivery is found in chunks and rows, of one token and of strangers', async () => {
  const property = fc.asyncProperty(
    fc.array(write, { minLength: 1, maxLength: 6 }),
    fc.nat(),
    async (writes, pick) => {
      const all = await storeAll(writes)
      assert.equal(await findNewestDelivery(db), all[0]?.id ?? null)
      const since = all[pick % (all.length + 1)]?.id ?? null
      const [tokenId] = TOKENS as [string]
      const wanted = all.filter(
        (one) => (one.tokenId === tokenId || !one.authenticated) && (since === null || one.id > since),
      )
      const found = await listDeliveriesSince(db, since, tokenId)
      assert.deepEqual(found, wanted.slice(0, 1_000).reverse())
    },
  )
  await fc.assert(property, { numRuns: 30 })
})

test('few of them are rows, and a crowd is in chunks, whose texts are kept apart and not compressed', async () => {
  const [few, crowd] = [several(15, (n) => n), several(16, (n) => 100 + n)]
  await insertDeliveries(db, [], [chunkOf(few)])
  await insertDeliveries(db, [], [chunkOf(crowd), chunkOf(several(250, (n) => 200 + n))])
  const { rows, chunks } = await storedDeliveries(db)
  assert.deepEqual(rows, idsOf(few))
  assert.deepEqual([chunks[0], chunks[1]!.length, chunks.length], [idsOf(crowd), 250, 2])
  const [body] = await db.read`
    SELECT attstorage FROM pg_attribute WHERE attrelid = 'delivery_chunks'::regclass AND attname = 'body'`
  assert.equal(body!.attstorage, 'e')
  const [sizes] = await db.read`
    SELECT pg_relation_size('delivery_chunks')::int AS heads, max(octet_length(body)) AS body FROM delivery_chunks`
  assert.ok(sizes!.body > 20_000 && sizes!.heads <= 8_192, JSON.stringify(sizes))
})

describe('the delivery of an event is found', () => {
  test('in whichever chunk, and together with those that repeated it', async () => {
    const crowd = several(250, (n) => n)
    const later = several(250, (n) => 250 + n)
    const { eventId } = crowd[77]!
    const repeat = plainDelivery(at(90_000), { eventId })
    await insertDeliveries(db, [repeat], [chunkOf(crowd), chunkOf(later)])
    for (const asked of [eventId!, eventId!.toUpperCase()]) {
      const found = await listDeliveries(db, { eventId: asked }, 10)
      assert.deepEqual(found, [repeat, crowd[77]])
      assert.deepEqual(await listDeliveries(db, { eventId: asked, before: repeat.id }, 10), [crowd[77]])
      assert.deepEqual(await listDeliveries(db, { eventId: asked, before: crowd[77]!.id }, 10), [])
      assert.deepEqual(await listDeliveries(db, { eventId: asked, accepted: false }, 10), [])
    }
  })

  test('also when the event was stored only after seconds, and the chunk holds much else', async () => {
    const eventId = uuidv7({ msecs: at(0).getTime() })
    const crowd = several(100, (n) => 59_000 + n * 20)
    crowd[60] = { ...crowd[60]!, eventId }
    await insertDeliveries(db, [], [chunkOf(crowd)])
    assert.deepEqual(idsOf(await listDeliveries(db, { eventId }, 10)), [crowd[60]!.id])
  })

  test('and none is where the id is of no event, or of another kind', async () => {
    await insertDeliveries(db, [], [chunkOf(several(250, (n) => n))])
    const ids = [
      uuidv7({ msecs: at(10).getTime() }),
      'ffffffff-ffff-7fff-bfff-ffffffffffff',
      '00000000-0000-7000-8000-000000000000',
      '9b2f0c1e-0a55-4a5c-8a52-0d9d3f1b7a11',
    ]
    for (const eventId of ids) assert.deepEqual(await listDeliveries(db, { eventId }, 10), [])
  })
})

describe('of the deliveries with a token the newest stay', () => {
  /** Prunes, and says what is left of these. */
  async function prune(known: number, strangers = 1_000): Promise<{ rows: string[]; chunks: string[][] }> {
    await pruneDeliveries(db, { known, strangers })
    return storedDeliveries(db)
  }

  test('rounded up to a whole chunk', async () => {
    const crowds = [0, 1, 2].map((k) => several(100, (n) => k * 1_000 + n))
    await insertDeliveries(db, [], crowds.map(chunkOf))
    const ids = crowds.map(idsOf)
    assert.deepEqual((await prune(300)).chunks, ids)
    assert.deepEqual((await prune(201)).chunks, ids)
    assert.deepEqual((await prune(200)).chunks, ids.slice(1))
    assert.deepEqual((await prune(101)).chunks, ids.slice(1))
    assert.deepEqual((await prune(1)).chunks, ids.slice(2))
  })

  test('exactly as many, where the bound is among rows behind, between, or before chunks', async () => {
    const crowds = [1, 3].map((k) => several(100, (n) => k * 1_000 + n))
    const rows = [0, 2, 4].flatMap((k) => several(20, (n) => k * 1_000 + n))
    await insertDeliveries(db, rows, crowds.map(chunkOf))
    const left = async (known: number) => {
      const { rows: kept, chunks } = await prune(known)
      assert.deepEqual(kept, idsOf(rows).slice(rows.length - kept.length))
      return [kept.length, chunks.length]
    }
    assert.deepEqual(await left(261), [60, 2])
    assert.deepEqual(await left(260), [60, 2])
    assert.deepEqual(await left(255), [55, 2])
    assert.deepEqual(await left(240), [40, 2])
    assert.deepEqual(await left(239), [40, 2])
    assert.deepEqual(await left(130), [30, 1])
    assert.deepEqual(await left(120), [20, 1])
    assert.deepEqual(await left(21), [20, 1])
    assert.deepEqual(await left(15), [15, 0])
    assert.deepEqual(await left(1), [1, 0])
  })

  test('whatever overlaps, never fewer, and hardly more', async () => {
    const property = fc.asyncProperty(
      fc.array(write, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 700 }),
      async (writes, known) => {
        const all = await storeAll(writes)
        const before = await storedDeliveries(db)
        const { rows, chunks } = await prune(known)
        const left = new Set([...rows, ...chunks.flat()])
        const strangers = all.filter(({ authenticated }) => !authenticated)
        const own = all.filter(({ authenticated }) => authenticated)
        const kept = own.filter(({ id }) => left.has(id)).length
        assert.ok(kept >= Math.min(known, own.length), `${kept} of ${own.length} are left`)
        assert.ok(strangers.every(({ id }) => left.has(id)))
        // Nothing older than what goes stays, but in a chunk that reaches over the bound.
        const gone = own.filter(({ id }) => !left.has(id))
        const bound = gone[0]?.id ?? ''
        for (const chunk of chunks) assert.ok(chunk.toSorted().at(-1)! > bound || gone.length === 0)
        for (const chunk of before.chunks) {
          const some = chunk.filter((id) => left.has(id)).length
          assert.ok(some === 0 || some === chunk.length)
        }
      },
    )
    await fc.assert(property, { numRuns: 40 })
  })

  test('and strangers have a bound of their own', async () => {
    const strangers = several(30, (n) => n, { authenticated: false, status: 401 })
    const crowd = several(50, (n) => 1_000 + n)
    await insertDeliveries(db, strangers, [chunkOf(crowd)])
    assert.deepEqual(await prune(50, 10), { rows: idsOf(strangers).slice(20), chunks: [idsOf(crowd)] })
  })
})

test('a crowd is listed as it was answered; what is more than a new event has a row of its own', async (t) => {
  const own = await startTestServer()
  t.after(own.stop)
  const secret = await own.token(['com.proxmox'])
  const send = (body: object, headers = {}) => own.post('/ingest', secret, { title: 'x', ...body }, headers)
  const [external, key] = [{ externalID: 'one' }, { 'Idempotency-Key': 'once' }]
  const first = [await send(external), await send({}, key)]
  const answers = await Promise.all(
    Array.from({ length: 400 }, (_, n) =>
      n % 40 === 0
        ? send(external)
        : n % 40 === 1
          ? send({}, key)
          : n % 40 === 2
            ? send({ title: '' })
            : send({}),
    ),
  )
  const sent = [...first, ...answers]
  const all = await eventually(async () => {
    const list: Delivery[] = []
    for (let cursor = ''; ; ) {
      const { body } = await own.get(`/api/v1/deliveries?limit=150${cursor && `&cursor=${cursor}`}`)
      list.push(...body.items)
      cursor = body.nextCursor
      if (!cursor) return list.length === sent.length && list
    }
  }, 10_000)
  assert.deepEqual(idsOf(all), idsOf(newestFirst(all)))
  assert.deepEqual(all.map(({ status }) => status).toSorted(), sent.map(({ status }) => status).toSorted())
  const { rows, chunks } = await storedDeliveries(own.db)
  assert.ok(chunks.flat().length > 100, `${chunks.flat().length} are in chunks`)
  assert.deepEqual([...rows, ...chunks.flat()].toSorted(), idsOf(all).toSorted())

  const made = sent.filter(({ status, body }) => status === 200 && body.created).map(({ body }) => body.id)
  const shared = first.map(({ body }) => body.id)
  const ofChunks = all.filter(({ id }) => chunks.flat().includes(id)).map(({ eventId }) => eventId)
  assert.ok(ofChunks.every((id) => made.includes(id) && !shared.includes(id)))
  assert.equal(new Set(ofChunks).size, ofChunks.length)
  const single = await own.get(`/api/v1/deliveries?eventId=${ofChunks[0]}`)
  assert.deepEqual(
    single.body.items,
    all.filter(({ eventId }) => eventId === ofChunks[0]),
  )
  for (const { body } of first) {
    const { items } = (await own.get(`/api/v1/deliveries?eventId=${body.id}`)).body
    assert.equal(items.length, 11)
  }

  const restarted = await startTestServer({ database: own.database })
  t.after(restarted.stop)
  const again = await restarted.get('/api/v1/deliveries?limit=200', own.adminToken)
  assert.deepEqual(again.body.items, all.slice(0, 200))
})
