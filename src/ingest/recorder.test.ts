import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery } from '../access.ts'
import { silentLog } from '../log.ts'
import { createRecorder, type RecorderOptions } from './recorder.ts'

const delivery = (id: string, authenticated = true) =>
  ({ id, authenticated, status: 200, reason: null, quarantineId: null }) as Delivery

const CHUNK = 250

/** Keeps the ids only. */
function createChunk() {
  const ids: string[] = []
  return {
    ids,
    add: ({ id }: Delivery) => void ids.push(id),
    size: () => ids.length,
    isFull: () => ids.length >= CHUNK,
  }
}

function createNoted(options: Partial<RecorderOptions<ReturnType<typeof createChunk>>> = {}) {
  const batches: string[][] = []
  const chunked: string[][][] = []
  const recorder = createRecorder({
    insert: async (deliveries, chunks) => {
      batches.push(deliveries.map(({ id }) => id))
      chunked.push(chunks.map(({ ids }) => ids))
    },
    createChunk,
    prune: async () => {},
    log: silentLog,
    ...options,
  })
  return { recorder, batches, chunked }
}

const names = (count: number, prefix = '') => Array.from({ length: count }, (_, n) => `${prefix}${n}`)

test('the first delivery is written at once, and what follows shortly after goes together', async () => {
  const { recorder, batches } = createNoted()
  recorder.record(delivery('first'), false)
  assert.deepEqual(batches, [['first']])
  for (const id of ['second', 'third', 'fourth']) {
    recorder.record(delivery(id), false)
    await new Promise((resolve) => setImmediate(resolve))
  }
  while (batches.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(batches, [['first'], ['second', 'third', 'fourth']])
})

test('the end waits for no pause', async () => {
  const { recorder, batches } = createNoted()
  recorder.record(delivery('first'), false)
  recorder.record(delivery('second'), false)
  await recorder.drain()
  assert.deepEqual(batches, [['first'], ['second']])
})

test('a full batch waits for no pause, and no delivery is dropped for it', async () => {
  const { recorder, batches } = createNoted()
  const ids = names(2_500)
  for (const id of ids) recorder.record(delivery(id), false)
  while (batches.flat().length < ids.length) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(batches.flat(), ids)
  assert.ok(batches.every(({ length }) => length <= 1_000))
})

test('what made an event waits in chunks that are not too large, and is not held up by the rest', async () => {
  const { recorder, batches, chunked } = createNoted()
  const ids = names(2_500)
  for (const id of ids) recorder.record(delivery(id), true)
  recorder.record(delivery('repeat'), false)
  await recorder.drain()
  assert.deepEqual(chunked.flat(2), ids)
  assert.ok(chunked.every((chunks) => chunks.length <= 4 && chunks.every(({ length }) => length <= CHUNK)))
  assert.deepEqual(batches.flat(), ['repeat'])
})

test('only what tells nothing but that an event came goes into a chunk', async () => {
  const { recorder, batches, chunked } = createNoted()
  const special: Partial<Delivery>[] = [
    { status: 202 },
    { reason: 'internal' },
    { quarantineId: 'some' },
    { authenticated: false },
  ]
  for (const change of special) recorder.record({ ...delivery('special'), ...change }, true)
  recorder.record(delivery('update'), false)
  recorder.record(delivery('plain'), true)
  await recorder.drain()
  assert.deepEqual(batches.flat(), [...special.map(() => 'special'), 'update'])
  assert.deepEqual(chunked.flat(2), ['plain'])
})

test('of a crowd that the database does not take, 5000 wait, in chunks or not, and the rest is told of', async () => {
  const told: unknown[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const log = { ...silentLog, warn: (facts: object) => void told.push(facts) }
  let written = 0
  const { recorder } = createNoted({
    log,
    insert: async (deliveries, chunks) => {
      await promise
      written += deliveries.length + chunks.flatMap(({ ids }) => ids).length
    },
  })
  for (const id of names(6_002)) recorder.record(delivery(id), Number(id) % 2 === 0)
  resolve()
  await recorder.drain()
  // The very first one is under way while the others wait.
  assert.equal(written, 5_001)
  assert.deepEqual(told, [{ deliveries: 1_001 }])
})

test('old ones are dropped after 5000, those in chunks included', async () => {
  let prunes = 0
  const { recorder } = createNoted({
    prune: async () => {
      prunes++
    },
  })
  for (const id of names(4_000)) recorder.record(delivery(id), true)
  for (const id of names(999)) recorder.record(delivery(id), false)
  await recorder.drain()
  assert.equal(prunes, 0)
  recorder.record(delivery('last'), true)
  await recorder.drain()
  assert.equal(prunes, 1)
})
