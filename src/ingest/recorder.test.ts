import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery } from '../access.ts'
import { silentLog } from '../log.ts'
import { createRecorder } from './recorder.ts'

const delivery = (id: string, authenticated = true) => ({ id, authenticated }) as Delivery

function createNoted() {
  const batches: string[][] = []
  const recorder = createRecorder({
    insert: async (deliveries) => {
      batches.push(deliveries.map(({ id }) => id))
    },
    prune: async () => {},
    log: silentLog,
  })
  return { recorder, batches }
}

test('the first delivery is written at once, and what follows shortly after goes together', async () => {
  const { recorder, batches } = createNoted()
  recorder.record(delivery('first'))
  assert.deepEqual(batches, [['first']])
  for (const id of ['second', 'third', 'fourth']) {
    recorder.record(delivery(id))
    await new Promise((resolve) => setImmediate(resolve))
  }
  while (batches.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(batches, [['first'], ['second', 'third', 'fourth']])
})

test('the end waits for no pause', async () => {
  const { recorder, batches } = createNoted()
  recorder.record(delivery('first'))
  recorder.record(delivery('second'))
  await recorder.drain()
  assert.deepEqual(batches, [['first'], ['second']])
})

test('a full batch waits for no pause, and no delivery is dropped for it', async () => {
  const { recorder, batches } = createNoted()
  const ids = Array.from({ length: 2_500 }, (_, n) => String(n))
  for (const id of ids) recorder.record(delivery(id))
  while (batches.flat().length < ids.length) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(batches.flat(), ids)
  assert.ok(batches.every(({ length }) => length <= 1_000))
})
