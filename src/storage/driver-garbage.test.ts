import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { serverUrl } from '../../test/helpers/database.ts'
import { createClient } from './database.ts'
import { repair } from './driver.ts'
import { sendWhole } from './send-whole.ts'

test('a statement and its parameters are garbage that a small collection finds', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  const oldBytes = () =>
    getHeapSpaceStatistics()
      .filter(({ space_name }) => /^(old|large_object)_space$/.test(space_name))
      .reduce((sum, { space_used_size }) => sum + space_used_size, 0)
  const { sql } = createClient({ url: serverUrl() }, { max: 1 })
  t.after(() => sql.end({ timeout: 1 }))
  for (const [what, ask] of [
    ['statements', (text: string) => sql`SELECT length(${text}::text)`],
    ['transactions', (text: string) => sql.begin((tx) => tx`SELECT length(${text}::text)`)],
    ['what is sent whole', (text: string) => sendWhole(sql, (tx) => [tx`SELECT ${text}::text`.execute()])],
  ] as const) {
    await ask('warm')
    collect()
    const before = oldBytes()
    for (let n = 0; n < 200; n++) {
      await ask(JSON.stringify(Array.from({ length: 50 }, (_, i) => `${n} ${i} ${'x'.repeat(500)}`)))
      if (n % 4 === 3) collect({ type: 'minor' })
    }
    const grown = oldBytes() - before
    assert.ok(grown < 1_500_000, `${what}: ${grown} of some 5,000,000 bytes became old`)
  }
})

test('a queue that is never empty gives what it was given, in order, and keeps few places', () => {
  const file = createRequire(import.meta.url)
    .resolve('postgres')
    .replace(/index\.js$/, 'queue.js')
  const module = {
    exports: (_initial: { slice: () => number[] }): Queue => ({ push: () => {}, shift: () => 0, length: 0 }),
  }
  type Queue = { push: (n: number) => void; shift: () => number; length: number }
  runInNewContext(repair('queue.js', readFileSync(file, 'utf8')), { module })
  const places: number[] = []
  const queue = module.exports({ slice: () => places })
  queue.push(0)
  for (let n = 1; n < 5_000; n++) {
    queue.push(n)
    assert.equal(queue.shift(), n - 1)
    assert.equal(queue.length, 1)
  }
  assert.ok(places.length < 2_000, `${places.length}`)
})
