import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeLine, encodeLine, type SpoolRecord, splitLines } from './line.ts'
import { spoolRecord } from './testing.ts'

const record = (given: Partial<SpoolRecord> = {}) =>
  spoolRecord({ tokenName: 'pve\twith\ntab, line and \u001e', ...given })

function bodies(bytes: Buffer, isLast = true): (string | null)[] {
  return splitLines(bytes, 0, isLast).map(({ line }) => line && Buffer.from(line.body()).toString())
}

const three = () => ['one', 'two', 'three'].map((text) => encodeLine(record({ body: Buffer.from(text) })))

test('a record comes back as it was, whatever its bytes', () => {
  const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  for (const given of [
    record({ body }),
    record({ problem: { code: 'x' }, idempotencyKey: 'k' }),
    record({ body: Buffer.alloc(0) }),
  ]) {
    const { body, ...head } = given
    const line = encodeLine(given)
    assert.equal(line.indexOf('\n'), line.length - 1)
    const decoded = decodeLine(line)!
    assert.deepEqual(decoded.head, head)
    assert.deepEqual(Buffer.from(decoded.body()), body)
  }
})

test('any change of a byte is noticed, and the neighbours are read', () => {
  const [one, two, three_] = three() as [Buffer, Buffer, Buffer]
  for (let at = 0; at < two.length; at++) {
    for (const bit of [1, 0x80]) {
      const damaged = Buffer.from(two)
      damaged[at]! ^= bit
      const read = bodies(Buffer.concat([one, damaged, three_]))
      assert.equal(read[0], 'one')
      assert.equal(read.at(-1), 'three')
      // But for its own end, which says nothing of what stands before.
      if (at < two.length - 1) assert.ok(!read.includes('two'), `byte ${at}`)
    }
  }
})

test('a torn end is a piece by itself when the file ends there, and else waits for the rest', () => {
  const [one, two] = three() as [Buffer, Buffer]
  for (let length = 1; length < two.length - 1; length++) {
    const torn = Buffer.concat([one, two.subarray(0, length)])
    assert.deepEqual(bodies(torn), ['one', null], `${length} bytes`)
    assert.deepEqual(bodies(torn, false), ['one'])
  }
})

test('places are those of the file, and the pieces leave nothing out', () => {
  const whole = Buffer.concat([...three(), Buffer.from('rubbish\n'), ...three()])
  const pieces = splitLines(whole, 1_000, true)
  assert.equal(pieces.at(-1)!.end, 1_000 + whole.length)
  assert.deepEqual(Buffer.concat(pieces.map(({ bytes }) => bytes)), whole)
  assert.deepEqual(
    pieces.map(({ line }) => line !== null),
    [true, true, true, false, true, true, true],
  )
})
