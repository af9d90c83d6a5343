import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReleasers } from './releasers.ts'

const BUDGET_MS = 50

test('ends run one after the other in the reverse order, also when one fails', async () => {
  const releasers = createReleasers(BUDGET_MS)
  const ended: string[] = []
  const failed: string[] = []
  releasers.add('first', () => void ended.push('first'))
  releasers.add('second', async () => {
    ended.push('second begins')
    await new Promise((resolve) => setImmediate(resolve))
    ended.push('second ends')
  })
  releasers.add('third', () => {
    throw new Error('no')
  })
  releasers.add('fourth', () => Promise.reject(new Error('no')))
  await releasers.run((name) => failed.push(name))
  assert.deepEqual(ended, ['second begins', 'second ends', 'first'])
  assert.deepEqual(failed, ['fourth', 'third'])
})

test('ends that hang share one budget, and a patient one gets the time that it needs', async () => {
  const releasers = createReleasers(BUDGET_MS)
  const failed: string[] = []
  let isDone = false
  releasers.addPatient('database', async () => {
    await new Promise((resolve) => setTimeout(resolve, 2 * BUDGET_MS))
    isDone = true
  })
  releasers.add('quick', () => {})
  for (const name of ['one', 'two', 'three']) releasers.add(name, () => new Promise(() => {}))
  const begun = performance.now()
  await releasers.run((name) => failed.push(name))
  assert.deepEqual(failed, ['three', 'two', 'one'])
  assert.ok(isDone)
  assert.ok(performance.now() - begun < 10 * BUDGET_MS)
})

test('a second call waits for the first and runs nothing again', async () => {
  const releasers = createReleasers(BUDGET_MS)
  let runs = 0
  releasers.add('only', async () => {
    await new Promise((resolve) => setImmediate(resolve))
    runs++
  })
  await Promise.all([releasers.run(() => {}), releasers.run(() => {})])
  assert.equal(runs, 1)
})
