import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery } from '../access.ts'
import { invalidInput } from '../errors.ts'
import type { IncomingEvent, JudgedEvent } from '../event.ts'
import { silentLog } from '../log.ts'
import { createCatalog } from '../scores/catalog.ts'
import type { Accepted } from '../wire.ts'
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
  const receiver = createReceiver({
    identify: async () => ({ tokenId: 'id', name: 'pve', scopes: ['ingest'], providers: ['com.one'] }),
    rateLimit: () => {},
    catalog: () => createCatalog([]),
    write: async (event) => {
      stored.push(event)
      return { id: event.id, provider: event.provider } as Accepted
    },
    findAnswer: async () => null,
    keepBody: async () => {},
    record: (delivery) => deliveries.push(delivery),
    now: () => NOW,
    log: silentLog,
    ...deps,
  })
  return { receiver, stored, deliveries }
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
  await assert.rejects(receiver.receive(attempt('{"title":""}')), { status: 422, extra: {} })
  assert.deepEqual([deliveries[0]!.status, deliveries[0]!.quarantineId], [422, null])
})
