import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFixtures } from '../../../test/helpers/fixtures.ts'
import { aborted, failed, ok, renderVzdump, type SentReport } from '../../../test/helpers/vzdump.ts'
import { parseVzdumpReport } from './report.ts'

const FIXTURES = new Map(
  loadFixtures('pve-native').map(({ name, bytes }) => [name.split('/')[1]!, JSON.parse(bytes.toString())]),
)

function parseFixture(name: string) {
  const { title, message, timestamp } = FIXTURES.get(name)!
  return parseVzdumpReport({ title, message, sentAt: new Date(timestamp * 1000) })
}

test('the renderer of these tests prints the tables of the recorded reports', () => {
  const { message } = FIXTURES.get('vzdump-failed.json')!
  const dump = '/mnt/pve/backup-nfs/dump/vzdump'
  const sent: SentReport = {
    guests: [
      { ...ok(100, 'web01', `${dump}-qemu-100-2026_11_21-02_00_04.vma.zst`), bytes: 5_229_122_683 },
      { ...ok(101, 'dns1', `${dump}-lxc-101-2026_11_21-02_01_45.tar.zst`), seconds: 19, bytes: 389_417_000 },
      { ...failed(102, 'db01'), seconds: 129 },
    ],
    totalBytes: 5_618_890_965,
  }
  const upToLogs = (text: string) => text.slice(0, text.indexOf('Logs\n'))
  assert.equal(upToLogs(renderVzdump(sent).message), upToLogs(message))
})

test('a report with a failed guest: what the table, the totals and the logs say', () => {
  const report = parseFixture('vzdump-failed.json')
  const [web, dns, db] = report.guests
  assert.equal(report.guests.length, 3)
  const { log, ...rest } = web!
  assert.deepEqual(rest, {
    vmid: 100,
    name: 'web01',
    status: 'ok',
    durationSeconds: 101,
    sizeBytes: Math.round(4.87 * 1024 ** 3),
    file: '/mnt/pve/backup-nfs/dump/vzdump-qemu-100-2026_11_21-02_00_04.vma.zst',
    startedAt: new Date('2026-11-21T01:00:04Z'),
    startedLocal: '2026-11-21 02:00:04',
  })
  assert.equal(log[0], '2026-11-21 02:00:04 INFO: Starting Backup of VM 100 (qemu)')
  assert.equal(log.at(-1), '2026-11-21 02:01:45 INFO: Finished Backup of VM 100 (00:01:41)')
  assert.deepEqual([dns!.status, dns!.durationSeconds, dns!.sizeBytes], ['ok', 19, 389_417_009])
  assert.deepEqual([db!.status, db!.durationSeconds, db!.sizeBytes, db!.file], ['failed', 129, 0, null])
  assert.deepEqual(
    [report.reason, report.totalSeconds, report.logTruncated, report.utcOffsetMinutes, report.unparsed],
    [null, 249, false, 60, []],
  )
  assert.equal(report.totalBytes, Math.round(5.233 * 1024 ** 3))
})

test('a job that was refused has no guests, and its reason stands above the table or in the title', () => {
  const report = parseFixture('vzdump-failed-lock.json')
  assert.deepEqual([report.guests, report.totalSeconds, report.totalBytes, report.unparsed], [[], 0, 0, []])
  assert.equal(report.reason, "can't acquire lock '/var/run/vzdump.lock' - got timeout")
  const one = renderVzdump({ guests: [], error: "storage 'nfs' is not online" })
  assert.equal(parseVzdumpReport(one).reason, "storage 'nfs' is not online")
  const several = renderVzdump({ guests: [], error: 'first problem\n\nsecond problem' })
  assert.match(several.title, /: multiple problems $/)
  assert.equal(parseVzdumpReport(several).reason, 'first problem\n\nsecond problem')
  assert.equal(parseVzdumpReport({ ...several, message: '' }).reason, 'multiple problems')
})

test('a guest that was never reached is aborted, with nothing backed up', () => {
  const sent = { guests: [ok(100, 'a'), failed(101, 'b'), aborted(102, 'c')], error: 'interrupted by signal' }
  const { guests, reason } = parseVzdumpReport(renderVzdump(sent))
  assert.deepEqual(
    guests.map(({ status, sizeBytes, file }) => [status, sizeBytes, file]),
    [
      ['ok', 5_229_122_683, '/dump/vzdump-qemu-100.vma.zst'],
      ['failed', 0, null],
      ['aborted', 0, null],
    ],
  )
  assert.equal(reason, 'interrupted by signal')
})

test('a backup on a Proxmox Backup Server starts at the second of its name, and tells the zone of the others', () => {
  const logs = new Map([
    [100, ['2026-11-21 02:00:04 INFO: Starting Backup of VM 100 (qemu)']],
    [101, ['2026-11-21 02:03:00 INFO: Starting Backup of VM 101 (lxc)']],
  ])
  const guests = [ok(100, 'a', 'vm/100/2026-11-21T01:00:04Z'), failed(101, 'b')]
  const report = parseVzdumpReport(renderVzdump({ guests, logs }))
  assert.equal(report.guests[0]!.file, 'vm/100/2026-11-21T01:00:04Z')
  assert.deepEqual(
    report.guests.map(({ startedAt }) => startedAt?.toISOString()),
    ['2026-11-21T01:00:04.000Z', '2026-11-21T01:03:00.000Z'],
  )
})

test('without anything that tells the zone only the local start is known', () => {
  const logs = new Map([[100, ['2026-11-21 02:00:04 INFO: Starting Backup of VM 100 (qemu)']]])
  const rendered = renderVzdump({ guests: [ok(100, 'a')], logs })
  const [guest] = parseVzdumpReport(rendered).guests
  assert.deepEqual([guest!.startedLocal, guest!.startedAt], ['2026-11-21 02:00:04', null])
  const received = { ...rendered, sentAt: new Date('2026-11-25T00:07:31Z') }
  assert.equal(parseVzdumpReport(received).guests[0]!.startedAt, null)
})

test('logs that were too long are missing, and the report says so', () => {
  const report = parseVzdumpReport(renderVzdump({ guests: [ok(100, 'a')], logTooLong: true }))
  assert.deepEqual([report.logTruncated, report.guests[0]!.status, report.guests[0]!.log], [true, 'ok', []])
})
