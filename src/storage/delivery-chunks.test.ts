import assert from 'node:assert/strict'
import { test } from 'node:test'
import { v7 as uuidv7 } from 'uuid'
import type { Delivery } from '../access.ts'
import { createChunk, readChunk } from './delivery-chunks.ts'

function delivery(change: Partial<Delivery> = {}): Delivery {
  return {
    id: uuidv7(),
    receivedAt: new Date('2026-01-02T03:04:05.678Z'),
    path: '/ingest',
    address: '::1',
    userAgent: null,
    tokenId: uuidv7(),
    tokenName: 'pve',
    provider: 'com.proxmox',
    status: 200,
    reason: null,
    durationMs: 1.234,
    bytes: 12,
    eventId: uuidv7(),
    quarantineId: null,
    authenticated: true,
    ...change,
  }
}

function chunkOf(deliveries: Delivery[]) {
  const chunk = createChunk()
  for (const one of deliveries) chunk.add(one)
  return chunk
}

test('what is read is what was added, whatever the sender is called', () => {
  const first = delivery({ userAgent: 'quote " and \\ and \n', tokenName: 'Ünïcode 🙂 \ud800' })
  const { id, eventId } = delivery()
  const deliveries = [
    first,
    delivery(),
    { ...first, id, eventId, bytes: null, durationMs: 0 },
    ...(['path', 'address', 'userAgent', 'tokenId', 'tokenName', 'provider'] as const).map((name) => ({
      ...first,
      [name]: 'another',
    })),
  ]
  assert.deepEqual(readChunk(chunkOf(deliveries).toStored().body), deliveries)
})

test('durations are kept to the microsecond', () => {
  const { body } = chunkOf([delivery({ durationMs: 1.234567 }), delivery({ durationMs: 1e-9 })]).toStored()
  assert.deepEqual(
    readChunk(body).map(({ durationMs }) => durationMs),
    [1.235, 0],
  )
})

test('a chunk names its oldest and its newest delivery, in whatever order they came', () => {
  const ids = Array.from({ length: 3 }, (_, n) => uuidv7({ msecs: n }))
  const { firstId, lastId, count } = chunkOf([1, 2, 0].map((n) => delivery({ id: ids[n]! }))).toStored()
  assert.deepEqual({ firstId, lastId, count }, { firstId: ids[0], lastId: ids[2], count: 3 })
})

test('a sender is written once, and a chunk is full at 250', () => {
  const one = delivery({ userAgent: 'the same' })
  const chunk = chunkOf(Array.from({ length: 249 }, () => one))
  assert.equal(chunk.isFull(), false)
  chunk.add(one)
  assert.deepEqual([chunk.isFull(), chunk.size()], [true, 250])
  assert.equal(chunk.toStored().body.split('the same').length, 2)
})
