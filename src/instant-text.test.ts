import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instantText } from './instant-text.ts'

test('an instant is written as toISOString does it, whatever was written before', () => {
  const near = fc.integer({ min: -3_000, max: 3_000 })
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), fc.array(near), (date, offsets) => {
      for (const offset of [0, ...offsets]) {
        const at = new Date(date.getTime() + offset)
        if (!Number.isNaN(at.getTime())) assert.equal(instantText(at), at.toISOString())
      }
    }),
  )
})

test('a date that is none is refused, also after good ones', () => {
  instantText(new Date(0))
  assert.throws(() => instantText(new Date(Number.NaN)), RangeError)
})
