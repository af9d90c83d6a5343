import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { renderDuration, renderSize } from '../../../test/helpers/vzdump.ts'
import { parseDuration, parseSize } from './measures.ts'

test('durations in the units of Proxmox', () => {
  for (const [text, seconds] of [
    ['0s', 0],
    ['19s', 19],
    ['1m', 60],
    ['1m 41s', 101],
    ['1h 2m 3s', 3723],
    ['1d 4s', 86_404],
    ['1w 2d', 777_600],
    ['1M', 2_630_016],
    ['1y 43m 12s', 31_560_192],
    ['1.5s', 1.5],
    ['<0.1s', 0],
  ] as const) {
    assert.equal(parseDuration(text), seconds, text)
  }
})

test('sizes as bytes', () => {
  for (const [text, bytes] of [
    ['0 B', 0],
    ['1023 B', 1023],
    ['1.5 KiB', 1536],
    ['371.377 MiB', 389_417_009],
    ['5.233 GiB', 5_618_890_965],
    ['2 TiB', 2_199_023_255_552],
    ['1 PiB', 1_125_899_906_842_624],
    ['4 KB', 4000],
  ] as const) {
    assert.equal(parseSize(text), bytes, text)
  }
})

test('what is neither is null', () => {
  for (const text of [
    '',
    ' ',
    's',
    '1',
    '1 s',
    '1s 1m',
    '1m 1m',
    '-1s',
    '1m  2s',
    'ERROR',
    '1e3s',
    '1h 2',
    'null',
  ]) {
    assert.equal(parseDuration(text), null, text)
  }
  for (const text of [
    '',
    'B',
    '1',
    '1GiB',
    '1,5 GiB',
    '-1 B',
    '1 gib',
    '1 XiB',
    '1 iB',
    '1.2345 GiB',
    '. B',
    'ERROR',
  ]) {
    assert.equal(parseSize(text), null, text)
  }
})

test('every duration comes back, and every size as near as it was printed', () => {
  fc.assert(fc.property(fc.nat(100_000_000), (seconds) => parseDuration(renderDuration(seconds)) === seconds))
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      assert.ok(Math.abs(parseSize(renderSize(bytes))! - bytes) <= 1 + bytes / 2000)
    }),
  )
})
