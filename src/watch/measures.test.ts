import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuestResult } from '../guest.ts'
import { createMeasures } from './measures.ts'

/** Judges good backups of one guest in turn; gives those that stand out, with what was usual. */
function judge(backups: Partial<GuestResult>[]) {
  const measures = createMeasures()
  return backups.flatMap((backup, n) => {
    const guest = { vmid: '100', name: 'web', status: 'ok' as const, durationSeconds: null, sizeBytes: null }
    const report = { id: `${n}`, cluster: 'lab', node: 'pve', jobId: 'nightly', startedAt: n, endedAt: n }
    const { slow, small } = measures.judge({
      ...report,
      incomplete: false,
      guests: [{ ...guest, ...backup }],
    })
    return [
      ...slow.map(({ found, usual }) => `${n} slow ${found} usual ${usual}`),
      ...small.map(({ found, usual }) => `${n} small ${found} usual ${usual}`),
    ]
  })
}

const lasting = (...seconds: number[]) => seconds.map((durationSeconds) => ({ durationSeconds }))
const sized = (...bytes: number[]) => bytes.map((sizeBytes) => ({ sizeBytes }))

test('slow is three times the median, and a minute more, whatever the shortest and the longest were', () => {
  assert.deepEqual(judge(lasting(100, 110, 90, 299)), [])
  assert.deepEqual(judge(lasting(100, 110, 90, 299, 1, 330)), ['5 slow 330 usual 100'])
  assert.deepEqual(judge(lasting(100, 100, 900, 300)), ['3 slow 300 usual 100'])
  assert.deepEqual(judge(lasting(10, 10, 10, 69, 70)), ['4 slow 70 usual 10'])
})

test('small is less than a third of the median, whatever the smallest and the largest were', () => {
  assert.deepEqual(judge(sized(300, 300, 300, 100)), [])
  assert.deepEqual(judge(sized(300, 300, 1, 99)), ['3 small 99 usual 300'])
  assert.deepEqual(judge(sized(900, 300, 300, 200, 99)), ['4 small 99 usual 300'])
})

test('three good backups are enough to compare with, and seven are all', () => {
  assert.deepEqual(judge(lasting(100, 100, 900)), [])
  const changed = [...Array(7).fill(100), ...Array(4).fill(290), 500]
  assert.deepEqual(judge(lasting(...changed)), [])
  const fewer = [...Array(7).fill(100), ...Array(3).fill(290), 500]
  assert.deepEqual(judge(lasting(...fewer)), ['10 slow 500 usual 100'])
  const faster = [...Array(7).fill(290), ...Array(4).fill(100), 300]
  assert.deepEqual(judge(lasting(...faster)), ['11 slow 300 usual 100'])
  assert.deepEqual(
    judge([...lasting(100, 100, 100), { durationSeconds: 900, status: 'failed' }, ...lasting(100, 100, 300)]),
    ['6 slow 300 usual 100'],
  )
})
