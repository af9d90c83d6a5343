import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Metadata, Progress } from '../event.ts'
import { describeProgress, readProgress } from './progress.ts'
import { read } from './testing.ts'

function progress(metadata: Metadata): Progress | null {
  return readProgress(read(metadata).metadata)
}

function subtitle(runTotal: unknown, runComplete: unknown, runStatus?: unknown): string | null {
  const seen = progress({ runTotal, runComplete, runStatus })
  return seen && describeProgress(seen)
}

test('steps done of all steps, and the state', () => {
  assert.equal(subtitle(10, 3, 'running'), '3 of 10, running')
  assert.equal(subtitle('10', '3'), '3 of 10')
  assert.equal(subtitle(10, 0, 'queued'), '0 of 10, queued')
  assert.equal(subtitle(10, 10), '10 of 10, done')
  assert.equal(subtitle(10, 10, 'Succeeded'), '10 of 10, Succeeded')
  assert.equal(subtitle(10, 7, 'failed'), '7 of 10, failed')
  assert.equal(subtitle(10.5, 3.256), '3.26 of 10.5')
})

test('without a total a part of one is a share, and more is a count', () => {
  assert.equal(subtitle(undefined, 0.29, 'running'), '29%, running')
  assert.equal(subtitle(null, 0.999), '99%')
  assert.equal(subtitle('', 1), '100%, done')
  assert.equal(subtitle(undefined, '42 %'), '42%')
  assert.equal(subtitle(8, '42.5%'), '42%')
  assert.equal(subtitle(undefined, '120%'), '100%, done')
  assert.equal(subtitle(undefined, 3, 'running'), 'step 3, running')
})

test('a plain yes ends the run, a plain no says nothing', () => {
  assert.equal(subtitle(10, true), '10 of 10, done')
  assert.equal(subtitle(undefined, 'Yes'), 'done')
  assert.equal(subtitle(10, false, 'running'), '10 steps, running')
  assert.equal(subtitle(undefined, false), null)
  assert.equal(subtitle(undefined, undefined, 'uploading'), 'uploading')
})

test('a run is finished when all is done, when it says so, or when its state is a last one', () => {
  const finished = (metadata: Metadata) => progress(metadata)?.finished
  assert.equal(finished({ runTotal: 3, runComplete: 3 }), true)
  assert.equal(finished({ runComplete: 'true' }), true)
  for (const runStatus of ['Failed', 'OK', 'cancelled', ' done ']) assert.equal(finished({ runStatus }), true)
  assert.equal(finished({ runTotal: 3, runComplete: 2, runStatus: 'running' }), false)
  assert.equal(finished({ runStatus: 'failed over' }), false)
})

test('the timeout is in seconds, or a duration', () => {
  const timeout = (runTimeout: unknown) => progress({ runTimeout })?.timeoutSeconds
  assert.equal(timeout(90), 90)
  assert.equal(timeout('90'), 90)
  assert.equal(timeout('15m'), 900)
  for (const runTimeout of ['', 0, -5, 'soon', '1e3', {}, '99999999999999999']) {
    assert.equal(timeout(runTimeout), undefined)
  }
})

test('nothing that says anything is no progress', () => {
  assert.equal(progress({}), null)
  assert.equal(progress({ runTotal: 0, runComplete: 'x', runTimeout: 'x', runStatus: ' ' }), null)
})

test('whatever the metadata, progress is finite and its subtitle short', () => {
  const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.double(), fc.float().map(String), fc.string())
  fc.assert(
    fc.property(value, value, value, value, (runTotal, runComplete, runStatus, runTimeout) => {
      const seen = progress({ runTotal, runComplete, runStatus, runTimeout })
      if (!seen) return
      const { total, complete, timeoutSeconds } = seen
      for (const number of [total, complete, timeoutSeconds]) {
        assert.ok(number === null || (Number.isFinite(number) && number >= 0))
      }
      assert.ok((describeProgress(seen)?.length ?? 0) < 200)
      assert.deepEqual(JSON.parse(JSON.stringify(seen)), seen)
    }),
    { numRuns: 500 },
  )
})
