import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FailureKind, invalidInput } from '../errors.ts'
import type { JudgedEvent } from '../event.ts'
import { silentLog } from '../log.ts'
import { createDrain, type DrainOptions } from './drain.ts'
import type { SpoolRecord } from './line.ts'
import { spoolRecord } from './testing.ts'

const failure = (kind: FailureKind) => Object.assign(new Error(kind), { kind })
const kindOf = (error: unknown): FailureKind => {
  const { kind, cause } = error as { kind?: FailureKind; cause?: unknown }
  return kind ?? (cause === undefined ? 'unknown' : kindOf(cause))
}

const idOf = ({ id }: { id: string }) => id

/** A drain of a spool in memory; `fails` says how each attempt to store these ends, undefined: well. */
function createTestDrain(
  records: SpoolRecord[],
  fails: (ids: string[]) => FailureKind | undefined,
  more: Partial<DrainOptions> = {},
) {
  const waiting = [...records]
  const stored: string[][] = []
  const refused: { id: string; problem: Record<string, unknown> }[] = []
  let backs = 0
  const drain = createDrain({
    spool: {
      take: async () => {
        const lot = waiting.slice(0, 10)
        let counted = 0
        return {
          records: lot,
          done: async (count) => {
            waiting.splice(0, count - counted)
            counted = count
          },
        }
      },
    },
    probe: async () => {},
    revive: ({ id }) => ({ id }) as JudgedEvent,
    store: async (events) => {
      const kind = fails(events.map(idOf))
      if (kind) throw failure(kind)
      stored.push(events.map(idOf))
    },
    refuse: async ({ id }, problem) => void refused.push({ id, problem }),
    kindOf,
    onBack: () => backs++,
    log: silentLog,
    retryMs: [1, 1],
    pauseMs: 1,
    ...more,
  })
  return { drain, stored, refused, waiting, backs: () => backs }
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !condition(); ) {
    assert.ok(Date.now() < end, `not in time: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const make = (count: number) => Array.from({ length: count }, () => spoolRecord())

test('what waits is stored in order, in lots, and refused bodies go to quarantine in their turn', async () => {
  const records = make(25)
  for (const index of [0, 7, 8, 24]) records[index] = spoolRecord({ problem: { code: `n${index}` } })
  const { drain, stored, refused, waiting } = createTestDrain(records, () => undefined)
  drain.wake()
  await until(() => waiting.length === 0)
  assert.deepEqual(stored.flat(), records.filter(({ problem }) => problem === null).map(idOf))
  assert.deepEqual(
    refused.map(({ problem }) => problem.code),
    ['n0', 'n7', 'n8', 'n24'],
  )
  await drain.stop()
})

test('while the database is away nothing is given up, and it goes on by itself', async () => {
  const records = make(3)
  let tries = 0
  const { drain, stored, waiting, backs } = createTestDrain(records, () =>
    ++tries < 20 ? 'away' : undefined,
  )
  drain.wake()
  await until(() => waiting.length === 0)
  assert.deepEqual(stored.flat(), records.map(idOf))
  assert.equal(tries >= 20 && backs() > 0, true)
  await drain.stop()
})

test('a lot that is too much for one deadline goes in smaller ones', async () => {
  const records = make(10)
  const { drain, stored, waiting } = createTestDrain(records, (ids) => (ids.length > 3 ? 'away' : undefined))
  drain.wake()
  await until(() => waiting.length === 0)
  assert.deepEqual(stored.flat(), records.map(idOf))
  await drain.stop()
})

test('a record that the database refuses goes to quarantine, and takes none of its neighbours with it', async () => {
  const records = make(5)
  const bad = records[2]!.id
  const { drain, stored, refused, waiting } = createTestDrain(records, (ids) =>
    ids.includes(bad) ? 'bad' : undefined,
  )
  drain.wake()
  await until(() => waiting.length === 0)
  assert.deepEqual(
    refused.map(({ id, problem }) => [id, problem.code]),
    [[bad, 'unstorable']],
  )
  assert.deepEqual(
    stored.flat(),
    records.map(idOf).filter((id) => id !== bad),
  )
  await drain.stop()
})

test('one that fails for an unknown reason is tried several times, and then goes to quarantine', async () => {
  const records = make(3)
  const odd = records[1]!.id
  let tries = 0
  const { drain, stored, refused, waiting } = createTestDrain(records, (ids) => {
    if (!ids.includes(odd)) return undefined
    if (ids.length === 1) tries++
    return 'unknown'
  })
  drain.wake()
  await until(() => waiting.length === 0)
  assert.deepEqual([tries, refused.map(idOf)], [4, [odd]])
  assert.deepEqual(stored.flat(), [records[0]!.id, records[2]!.id])
  await drain.stop()
})

test('a conflict, or a table that is yet to come, is waited for without end', async () => {
  const records = make(2)
  let tries = 0
  const { drain, stored, waiting, refused } = createTestDrain(records, () =>
    ++tries < 30 ? 'later' : undefined,
  )
  drain.wake()
  await until(() => waiting.length === 0)
  assert.deepEqual([stored.flat(), refused], [records.map(idOf), []])
  await drain.stop()
})

test('what is not understood any more goes to quarantine with the reason', async () => {
  const records = make(3)
  const revive = ({ id }: SpoolRecord) => {
    if (id === records[0]!.id) throw invalidInput('event', [{ path: 'title', message: 'is missing' }])
    if (id === records[1]!.id) throw new TypeError('a fault')
    return { id } as JudgedEvent
  }
  const { drain, stored, refused, waiting } = createTestDrain(records, () => undefined, { revive })
  drain.wake()
  await until(() => waiting.length === 0)
  assert.deepEqual(
    refused.map(({ problem }) => problem.code),
    ['invalid_input', 'internal'],
  )
  assert.deepEqual(stored.flat(), [records[2]!.id])
  await drain.stop()
})

test('what comes while the last look is under way is not forgotten', async () => {
  const { drain, stored, waiting } = createTestDrain([], () => undefined)
  for (let round = 0; round < 50; round++) {
    waiting.push(spoolRecord())
    drain.wake()
    if (round % 3 === 0) await new Promise(setImmediate)
  }
  await until(() => stored.flat().length === 50)
  await drain.stop()
})

test('it ends in the middle of a pause', async () => {
  const { drain } = createTestDrain(make(1), () => 'later', { pauseMs: 60_000 })
  drain.wake()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await drain.stop()
})
