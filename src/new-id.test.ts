import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validate, version } from 'uuid'
import { newId } from './new-id.ts'

test('an id is a UUIDv7 that carries the time', () => {
  const now = Date.UTC(2100, 0, 1, 12, 30)
  const id = newId(now)
  assert.ok(validate(id))
  assert.equal(version(id), 7)
  assert.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), now)
})

test('ids sort in the order of their making, also more in a millisecond than the counter holds', () => {
  const now = Date.UTC(2100, 0, 1, 12, 31)
  const ids = Array.from({ length: 10_000 }, () => newId(now))
  assert.deepEqual([...ids].sort(), ids)
  assert.equal(new Set(ids).size, ids.length)
})

test('ids sort in the order of their making when the clock is set back', () => {
  const now = Date.UTC(2100, 0, 1, 12, 32)
  const before = newId(now)
  assert.ok(newId(now - 60_000) > before)
})
