import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { aborted, failed, ok, renderVzdump } from '../../../test/helpers/vzdump.ts'
import { parseVzdumpReport } from './report.ts'

test('a row that cannot be read is unparsed and kept, and its neighbours are read', () => {
  const { message } = renderVzdump({ guests: [ok(100, 'a'), ok(101, 'b'), ok(102, 'c')] })
  const bad: Record<string, (row: string) => string> = {
    'another status': (row) => row.replace('ok', 'OK'),
    'an unknown time': (row) => row.replace('1m 41s', 'ERROR '),
    'an unknown size': (row) => row.replace('4.87 GiB', '4,87 GiB'),
    'no file': (row) => row.replace(/\/dump\S+/, ''),
    'a file called null': (row) => row.replace(/\/dump\S+/, 'null'),
    'a cell that moved': (row) => row.replace('b ', 'b  '),
    'a cell that runs into the next': (row) => row.replace('b       ', 'bbbbbbbb'),
    'an end too early': (row) => row.slice(0, 30),
  }
  for (const [name, change] of Object.entries(bad)) {
    const row = /^101 .*$/m.exec(message)![0]
    const report = parseVzdumpReport({ title: '', message: message.replace(row, change(row)) })
    assert.deepEqual(
      report.guests.map(({ vmid, status }) => [vmid, status]),
      [
        [100, 'ok'],
        [101, 'unparsed'],
        [102, 'ok'],
      ],
      name,
    )
    assert.deepEqual(report.unparsed, [change(row)])
  }
  const noVmid = parseVzdumpReport({ title: '', message: message.replace('101 ', 'abc ') })
  assert.deepEqual([noVmid.guests.length, noVmid.unparsed.length], [2, 1])
})

test('a report that is cut off anywhere never makes more guests ok than the whole lines say', () => {
  const { message } = renderVzdump({
    guests: [ok(100, 'a'), ok(101, 'x    ok    1s    1 B    /y'), failed(102, 'c')],
  })
  for (let end = 0; end <= message.length; end++) {
    const part = message.slice(0, end)
    const { guests } = parseVzdumpReport({ title: '', message: part })
    const whole = part
      .split('\n')
      .slice(0, -1)
      .filter((each) => /^10[01] {4}/.test(each))
    assert.equal(guests.filter(({ status }) => status === 'ok').length, whole.length, `at ${end}`)
  }
})

test('a table that an error text or a log quotes does not count', () => {
  const fake = renderVzdump({ guests: [ok(999, 'fake')] }).message.split('\nTotal')[0]!
  const inError = renderVzdump({ guests: [failed(100, 'a')], error: `quoted:${fake}` })
  assert.deepEqual(
    parseVzdumpReport(inError).guests.map(({ vmid, status }) => [vmid, status]),
    [[100, 'failed']],
  )
  const inLog = renderVzdump({ guests: [], logs: new Map(), commandLine: `vzdump 100${fake}` })
  assert.deepEqual(parseVzdumpReport(inLog).guests, [])
})

test('arbitrary text is never an error and never a good backup', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('\n', '\r\n', 'Details\n=======\n', 'Logs\n====\n', '100: ', '100    ', 'ok', 'ok    '),
    fc.constantFrom('vzdump 100 ', "'", '"', '\\', '1m 41s    ', '0 B    ', 'null', 'Total size: ', '990'),
  )
  const text = fc.array(piece, { maxLength: 60 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, text, fc.date(), (title, message, sentAt) => {
      const { guests } = parseVzdumpReport({ title, message, sentAt })
      assert.ok(guests.every(({ status }) => status !== 'ok'))
    }),
    { numRuns: 3000 },
  )
})

test('a damaged report never calls a guest ok that the whole one did not', () => {
  const guests = [failed(100, 'a'), aborted(101, 'ü    ok'), failed(102, 'ok    1s    1 B    /x')]
  const { message } = renderVzdump({ guests })
  fc.assert(
    fc.property(fc.nat(message.length), fc.nat(80), fc.string({ maxLength: 12 }), (at, length, inserted) => {
      const changed = message.slice(0, at) + inserted.replaceAll('k', 'x') + message.slice(at + length)
      const report = parseVzdumpReport({ title: '', message: changed })
      assert.ok(report.guests.every(({ status }) => status !== 'ok'))
    }),
    { numRuns: 3000 },
  )
})

test('a mebibyte of anything is read in the time that its length takes', () => {
  const { message } = renderVzdump({ guests: [ok(100, 'a')] })
  const head = message.slice(0, message.indexOf('100 '))
  const row = /^100 .*\n/m.exec(message)![0]
  const fill = (text: string) => text.repeat(Math.ceil(1_048_576 / text.length))
  const bombs = [
    fill(' '),
    fill('\r'),
    fill('\n'),
    `VMID${fill(' ')}`,
    head + fill(row),
    head + fill('100 \n'),
    head + row.slice(0, 8) + fill('ü '),
    `${head}${fill(row).slice(0, 524_288)}\n\nLogs\n====\nvzdump 1\n${fill('100: x\n').slice(0, 524_288)}`,
    `${message}vzdump ${fill("'")}`,
    `Logs\n====\nvzdump ${fill('\\"')}`,
    `Logs\n====\nvzdump ${fill('" ')}`,
    `Logs\n====\nvzdump ${fill('a')}`,
    `Logs\n====\n${fill(`100: ${'x'.repeat(985)}\n`)}`,
    fill('Details\n=======\n'),
    fill('Logs\n====\n'),
    fill('Total running time: '),
  ]
  for (const bomb of bombs) {
    const started = performance.now()
    parseVzdumpReport({ title: bomb, message: bomb, sentAt: new Date(0) })
    assert.ok(performance.now() - started < 2000, JSON.stringify(bomb.slice(0, 40)))
  }
})
