import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TempoError, unavailable } from '../errors.ts'
import type { JudgedEvent } from '../event.ts'
import type { Accepted } from '../wire.ts'
import { createWriter } from './writer.ts'

const event = (title: string) => ({ title }) as JudgedEvent
const answerTo = ({ title }: JudgedEvent) => ({ title }) as Accepted

/** A writer whose store notes each batch, and answers when it is told to. */
function createHeldWriter(more: { maxBatch?: number; maxWaiting?: number; maxWaitMs?: number } = {}) {
  const batches: string[][] = []
  const held: { succeed: () => void; fail: (error: unknown) => void }[] = []
  const store = (batch: JudgedEvent[]) =>
    new Promise<Accepted[]>((resolve, reject) => {
      batches.push(batch.map(({ title }) => title))
      held.push({ succeed: () => resolve(batch.map(answerTo)), fail: reject })
    })
  const isPassing = (error: unknown) => (error as { code?: string }).code === '40001'
  return { writer: createWriter({ store, isPassing, ...more }), batches, next: () => held.shift()! }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('what arrives during a commit goes together in the next one', async () => {
  const { writer, batches, next } = createHeldWriter({ maxBatch: 2 })
  const written = ['a', 'b', 'c', 'd'].map((title) => writer.write(event(title)))
  for (let n = 0; n < 3; n++) {
    next().succeed()
    await settled()
  }
  assert.deepEqual(batches, [['a'], ['b', 'c'], ['d']])
  assert.deepEqual(
    (await Promise.all(written)).map(({ title }) => title),
    ['a', 'b', 'c', 'd'],
  )
  await writer.drain()
})

test('a crowd is halved: one part is stored, and the next lies ready when all of it are back', async () => {
  const { writer, batches, next } = createHeldWriter()
  const arrive = (count: number) => {
    for (let n = 0; n < count; n++) writer.write(event(String(n)))
  }
  arrive(64)
  const answered: number[] = []
  // Who is answered asks again, as 64 senders do.
  for (let turn = 0; turn < 12; turn++) {
    next().succeed()
    await settled()
    answered.push(batches[turn]!.length)
    arrive(batches[turn]!.length)
  }
  for (let turn = answered.length; turn < batches.length; turn++) {
    next().succeed()
    await settled()
  }
  await writer.drain()
  const lengths = batches.map(({ length }) => length)
  assert.deepEqual(lengths.slice(0, 2), [1, 16])
  assert.ok(
    lengths.slice(2, 12).every((length) => length >= 30 && length <= 34),
    lengths.join(),
  )
  // Nobody waits for a third one.
  for (let turn = 3; turn < 12; turn++) assert.equal(lengths[turn]! + lengths[turn - 1]!, 64)
  assert.equal(
    lengths.reduce((sum, length) => sum + length),
    64 + answered.reduce((sum, length) => sum + length),
  )
})

test('the second batch waits for all who were answered, and goes without who does not come back', async () => {
  const { writer, batches, next } = createHeldWriter()
  const arrive = (count: number) => {
    for (let n = 0; n < count; n++) writer.write(event('x'))
  }
  arrive(64)
  for (const count of [1, 16]) {
    next().succeed()
    await settled()
    arrive(count)
  }
  const lengths = () => batches.slice(2).map(({ length }) => length)
  assert.deepEqual(lengths(), [34, 30])
  next().succeed()
  await settled()
  arrive(33)
  assert.deepEqual(lengths(), [34, 30])
  arrive(1)
  assert.deepEqual(lengths(), [34, 30, 34])
  next().succeed()
  await settled()
  // Ten of thirty have gone.
  arrive(20)
  assert.deepEqual(lengths(), [34, 30, 34])
  next().succeed()
  await settled()
  assert.deepEqual(lengths(), [34, 30, 34, 20])
  next().succeed()
  await settled()
  await writer.drain()
})

test('no more than two batches are under way, and a small one waits for those before it', async () => {
  const { writer, batches, next } = createHeldWriter({ maxBatch: 20 })
  const arrive = (count: number) => Array.from({ length: count }, () => writer.write(event('x')))
  const lengths = () => batches.map(({ length }) => length)
  const written = [...arrive(1), ...arrive(15)]
  assert.deepEqual(lengths(), [1])
  written.push(...arrive(1))
  assert.deepEqual(lengths(), [1, 16])
  written.push(...arrive(50))
  assert.deepEqual(lengths(), [1, 16])
  next().succeed()
  await settled()
  assert.deepEqual(lengths(), [1, 16, 20])
  for (let turn = 1; turn < batches.length; turn++) {
    next().succeed()
    await settled()
  }
  await Promise.all(written)
  assert.deepEqual(lengths(), [1, 16, 20, 20, 10])
})

test('the next batch is sent before those who wait for the first are answered', async () => {
  const { writer, batches, next } = createHeldWriter({ maxBatch: 1 })
  const seen: number[] = []
  const written = ['a', 'b', 'c'].map((title) =>
    writer.write(event(title)).then(() => seen.push(batches.length)),
  )
  for (let n = 0; n < 3; n++) {
    next().succeed()
    await settled()
  }
  await Promise.all(written)
  assert.deepEqual(seen, [2, 3, 3])
})

test('a bad event takes none of its neighbours down', async () => {
  const { writer, batches, next } = createHeldWriter()
  const first = writer.write(event('first'))
  const written = Promise.allSettled(['a', 'bad', 'c'].map((title) => writer.write(event(title))))
  next().succeed()
  await settled()
  next().fail(new Error('one of them'))
  for (const title of ['a', 'bad', 'c']) {
    await settled()
    if (title === 'bad') next().fail(new Error('this one'))
    else next().succeed()
  }
  assert.deepEqual(batches, [['first'], ['a', 'bad', 'c'], ['a'], ['bad'], ['c']])
  assert.deepEqual(
    (await written).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  await first
})

test('a database that does not answer is not asked for each event anew, and who waits is told at once', async () => {
  const { writer, batches, next } = createHeldWriter({ maxBatch: 2 })
  const first = writer.write(event('first'))
  const titles = ['a', 'b', 'c', 'd', 'e']
  const written = titles.map((title) => writer.write(event(title)))
  const waiting = Promise.allSettled(written.slice(2))
  const tried = Promise.allSettled(written.slice(0, 2))
  const answered = next()
  next().fail(unavailable('no answer in time'))
  const reasons = [...(await tried), ...(await waiting)].map(
    (result) => (result as PromiseRejectedResult).reason,
  )
  assert.ok(reasons.every((reason) => reason instanceof TempoError && reason.status === 503))
  answered.succeed()
  await first
  await writer.drain()
  assert.deepEqual(batches, [['first'], ['a', 'b']])
})

test('a failure that passes is answered 503, and those who wait are still tried', async () => {
  const { writer, batches, next } = createHeldWriter({ maxBatch: 2 })
  const first = writer.write(event('first'))
  const written = Promise.allSettled(['a', 'b', 'c'].map((title) => writer.write(event(title))))
  next().succeed()
  await settled()
  next().fail(Object.assign(new Error('conflict'), { code: '40001' }))
  await settled()
  next().succeed()
  const [a, b, c] = await written
  assert.equal((a as PromiseRejectedResult).reason.status, 503)
  assert.deepEqual([b!.status, c!.status], ['rejected', 'fulfilled'])
  assert.deepEqual(batches, [['first'], ['a', 'b'], ['c']])
  await first
})

test('who waits for its turn for too long is refused, and the others are stored', async () => {
  const { writer, batches, next } = createHeldWriter({ maxBatch: 1, maxWaitMs: 50 })
  const underWay = [writer.write(event('first')), writer.write(event('second'))]
  const late = writer.write(event('late'))
  late.catch(() => {})
  const since = performance.now()
  while (performance.now() - since < 60) await settled()
  const written = writer.write(event('in time'))
  await assert.rejects(late, { status: 503 })
  for (let n = 0; n < 3; n++) {
    next().succeed()
    await settled()
  }
  await Promise.all([...underWay, written])
  assert.deepEqual(batches, [['first'], ['second'], ['in time']])
})

test('more than may wait are refused', async () => {
  const { writer, next } = createHeldWriter({ maxWaiting: 1 })
  const first = writer.write(event('first'))
  const second = writer.write(event('second'))
  await assert.rejects(writer.write(event('third')), { status: 503, retryAfter: 5 })
  next().succeed()
  await settled()
  next().succeed()
  await Promise.all([first, second])
})
