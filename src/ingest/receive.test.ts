import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery } from '../access.ts'
import { invalidInput, unavailable } from '../errors.ts'
import type { IncomingEvent, JudgedEvent } from '../event.ts'
import { silentLog } from '../log.ts'
import { createCatalog } from '../scores/catalog.ts'
import type { SpoolRecord } from '../spool/line.ts'
import type { Accepted } from '../wire.ts'
import { createKeeper } from './keeper.ts'
import { type Attempt, createReceiver, type ReceiverDeps } from './receive.ts'

const NOW = new Date('2026-11-21T02:14:07Z')

function parse({ title }: Record<string, unknown>) {
  if (!title) throw invalidInput('event', [{ path: 'title', message: 'is missing' }])
  const event: IncomingEvent = {
    provider: 'com.one',
    title: String(title),
    startDate: NOW,
    endDate: null,
    eventType: 'alert',
    externalID: null,
    severity: null,
    color: null,
    groupingKey: null,
    recurrenceRule: null,
    actions: [],
    metadata: {},
  }
  return { event, warnings: [] }
}

function attempt(body: string): Attempt {
  return {
    dialect: { claimedProvider: () => null, parse },
    path: '/ingest',
    address: '127.0.0.1',
    userAgent: null,
    contentType: null,
    secret: 'secret',
    idempotencyKey: 'key',
    readBody: async () => Buffer.from(body),
  }
}

function createTestReceiver(deps: Partial<ReceiverDeps>) {
  const stored: JudgedEvent[] = []
  const deliveries: Delivery[] = []
  const spooled: SpoolRecord[] = []
  const write = async (event: JudgedEvent) => {
    stored.push(event)
    return { id: event.id, provider: event.provider } as Accepted
  }
  const isAway = deps.isAway ?? (() => false)
  const keeper = createKeeper({
    write: deps.write ?? write,
    append: async (record) => {
      if (record.path === '/full') throw unavailable('full')
      spooled.push(record)
    },
    kindOf: () => 'later',
    wake: () => {},
    outage: { isAway, begin: () => {}, end: () => {} },
    log: silentLog,
  })
  const receiver = createReceiver({
    identify: async () => ({ tokenId: 'id', name: 'pve', scopes: ['ingest'], providers: ['com.one'] }),
    rateLimit: () => {},
    catalog: () => createCatalog([]),
    write,
    keeper,
    isAway,
    findAnswer: async () => null,
    keepBody: async () => {},
    record: (delivery) => deliveries.push(delivery),
    now: () => NOW,
    log: silentLog,
    ...deps,
  })
  return { receiver, stored, spooled, deliveries }
}

test('an Idempotency-Key that cannot be looked up does not keep the event from being stored under it', async () => {
  const findAnswer = () => Promise.reject(new Error('no connection'))
  const { receiver, stored, deliveries } = createTestReceiver({ findAnswer })
  await receiver.receive(attempt('{"title":"x"}'))
  assert.deepEqual(stored[0]!.idempotency, { tokenId: 'id', key: 'key' })
  assert.deepEqual([deliveries[0]!.status, deliveries[0]!.eventId], [200, stored[0]!.id])
})

test('a body that cannot be kept is refused all the same, without a place where it is kept', async () => {
  const keepBody = () => Promise.reject(new Error('no connection'))
  const { receiver, deliveries } = createTestReceiver({ keepBody })
  const refused = receiver.receive({ ...attempt('{"title":""}'), path: '/full' })
  await assert.rejects(refused, { status: 422, extra: {} })
  assert.deepEqual([deliveries[0]!.status, deliveries[0]!.quarantineId], [422, null])
})

test('a refused body that quarantine cannot take now waits in the spool, under the id that is told', async () => {
  const keepBody = () => Promise.reject(new Error('no connection'))
  const { receiver, spooled, deliveries } = createTestReceiver({ keepBody })
  await assert.rejects(receiver.receive(attempt('{"title":""}')), { status: 422 })
  assert.deepEqual(
    [deliveries[0]!.quarantineId, spooled[0]!.problem?.code],
    [spooled[0]!.id, 'invalid_input'],
  )
})

test('an event that is not stored now is answered as spooled, and so is its Idempotency-Key', async () => {
  const write = () => Promise.reject(new Error('no connection'))
  const { receiver, spooled, deliveries } = createTestReceiver({ write })
  const both = await Promise.all(
    ['one', 'two'].map((title) => receiver.receive(attempt(`{"title":"${title}"}`))),
  )
  assert.deepEqual(await receiver.receive(attempt('{"title":"three"}')), both[0])
  assert.deepEqual(both, [both[0], { id: spooled[0]!.id, spooled: true, warnings: [] }])
  assert.equal(spooled.length, 1)
  assert.deepEqual([deliveries[0]!.status, deliveries[0]!.reason], [202, null])

  const { dialect } = attempt('')
  const { id, receivedAt, replay, idempotency, title } = receiver.revive(spooled[0]!, dialect)
  assert.deepEqual(
    { id, receivedAt, replay, idempotency, title },
    {
      id: both[0]!.id,
      receivedAt: NOW,
      replay: true,
      idempotency: { tokenId: 'id', key: 'key' },
      title: 'one',
    },
  )
})

test('an event that neither can take is refused, and its key is free for the next try', async () => {
  let isDown = true
  const write = (event: JudgedEvent) =>
    isDown ? Promise.reject(new Error('no connection')) : Promise.resolve({ id: event.id } as Accepted)
  const { receiver } = createTestReceiver({ write })
  await assert.rejects(receiver.receive({ ...attempt('{"title":"x"}'), path: '/full' }), { status: 503 })
  isDown = false
  assert.ok(!('spooled' in (await receiver.receive(attempt('{"title":"x"}')))))
})
