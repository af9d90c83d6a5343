import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPace } from './pace.ts'

test('work that took two seconds is due again after eighteen, and never while it is under way', async () => {
  let ms = 0
  const pace = createPace(9, () => ms)
  assert.ok(pace.isDue())
  let end = () => {}
  const work = pace.run(() => new Promise((resolve) => (end = resolve)))
  assert.ok(!pace.isDue())
  ms = 2_000
  assert.ok(!pace.isDue())
  end()
  await work
  ms = 19_999
  assert.ok(!pace.isDue())
  ms = 20_000
  assert.ok(pace.isDue())
})

test('a failure is told of, and rested from', async () => {
  let ms = 0
  const pace = createPace(9, () => ms)
  const failing = pace.run(async () => {
    ms = 1_000
    throw new Error('gone')
  })
  await assert.rejects(failing, /gone/)
  assert.ok(!pace.isDue())
  ms = 10_000
  assert.ok(pace.isDue())
})
