import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fixture, NOW, parse, proxmoxEvent } from '../../../test/helpers/proxmox.ts'
import { renderVzdump, type SentGuest } from '../../../test/helpers/vzdump.ts'
import type { Metadata } from '../../event.ts'
import { parseTempoPayload } from '../tempo.ts'
import { effectiveMetadata, enrichProxmox } from './enrich.ts'

const NAMES = [
  'vzdump-ok',
  'vzdump-ok-manual',
  'vzdump-failed',
  'vzdump-failed-lock',
  'replication',
  'fencing',
  'fencing-success',
  'package-updates',
  'system-mail',
  'test',
]

function enrich(title: string, metadata: Metadata = {}, provider = 'com.proxmox') {
  const event = proxmoxEvent({ title, metadata, provider })
  const found = enrichProxmox(event)
  return { ...found, effective: effectiveMetadata(metadata, found) }
}

test('what each recorded notification is about', () => {
  const seen = NAMES.map((name) => {
    const found = enrichProxmox(parse(fixture(`pve-native/${name}`)).event)
    return [name, found.kind, found.outcome, found.guests.map(({ vmid }) => vmid), found.facts.VMID]
  })
  assert.deepEqual(seen, [
    ['vzdump-ok', 'vzdump', 'ok', [100, 101], undefined],
    ['vzdump-ok-manual', 'vzdump', 'ok', [100], '100'],
    ['vzdump-failed', 'vzdump', 'failed', [100, 101, 102], undefined],
    ['vzdump-failed-lock', 'vzdump', 'failed', [], undefined],
    ['replication', 'replication', 'failed', [100], '100'],
    ['fencing', 'fencing', null, [100, 104], undefined],
    ['fencing-success', 'fencing', null, [100, 104], undefined],
    ['package-updates', 'package-updates', null, [], undefined],
    ['system-mail', 'system-mail', null, [], undefined],
    ['test', 'test', null, [], undefined],
  ])
})

test('the same is found in every dialect', () => {
  for (const folder of ['pve', 'pve-tera']) {
    for (const name of folder === 'pve' ? NAMES : ['fencing', 'test', 'vzdump-ok']) {
      const { event } = parseTempoPayload(fixture(`${folder}/${name}`), { now: NOW, provider: null })
      const native = parse(fixture(`pve-native/${name}`)).event
      const expected = enrichProxmox(native)
      // The Tera template leaves out the id of the job.
      assert.deepEqual(enrichProxmox(event), expected, `${folder}/${name}`)
    }
  }
})

test('without fields the title gives node, kind, job and guest', () => {
  for (const [title, expected] of [
    [
      'vzdump backup status (pve1.example.lan): backup successful',
      {
        NodeName: 'pve1',
        TaskType: 'vzdump',
        FQDN: 'pve1.example.lan',
        Outcome: 'ok',
        ErrorCount: '0',
      },
    ],
    [
      "Replication Job: '100-0' failed",
      { VMID: '100', TaskType: 'replication', JobId: '100-0', Outcome: 'failed' },
    ],
    ["Trying to fence node 'pve2'", { NodeName: 'pve2', TaskType: 'fencing' }],
    [
      'New software packages available (pve1.example.lan)',
      {
        NodeName: 'pve1',
        TaskType: 'package-updates',
        FQDN: 'pve1.example.lan',
      },
    ],
    [
      'SMART error (CurrentPendingSector) detected on host: pve1',
      { NodeName: 'pve1', TaskType: 'system-mail' },
    ],
    ['Cron <root@pve1.example.lan> /usr/local/bin/x (failed)', { NodeName: 'pve1', TaskType: 'system-mail' }],
    ['DegradedArray event on /dev/md0:pve1', { NodeName: 'pve1', TaskType: 'system-mail' }],
    ['ZFS device fault for pool rpool on pve1', { NodeName: 'pve1', TaskType: 'system-mail' }],
    ['ZFS scrub_finish event for rpool on pve1', { NodeName: 'pve1', TaskType: 'system-mail' }],
    ['Test notification', { TaskType: 'test' }],
    ['Something else', {}],
  ] as const) {
    assert.deepEqual(enrich(title).facts, expected, title)
  }
})

test('null, "" and a missing key mean the same, and a value that is there is never replaced', () => {
  const title = 'vzdump backup status (pve1.example.lan): backup successful'
  for (const blank of [null, undefined, '', '  ']) {
    assert.equal(enrich(title, { NodeName: blank }).effective.NodeName, 'pve1')
  }
  const given = { NodeName: 'other', TaskType: 'custom', VMID: 7, JobId: 0, FQDN: 'a.b' }
  const { effective, facts, kind } = enrich(title, given)
  assert.deepEqual(effective, given)
  assert.deepEqual([facts, kind], [{}, null])
  const replication = enrich("Replication Job: '100-0' failed", { VMID: '7', JobId: '200-1' })
  assert.deepEqual([replication.effective.VMID, replication.guests[0]!.vmid], ['7', 200])
})

test('the event and its metadata stay as they came, and odd keys survive in the copy', () => {
  const metadata = JSON.parse('{"__proto__":{"a":1},"constructor":"c","NodeName":null,"Message":"m"}')
  const event = proxmoxEvent({ title: 'vzdump backup status (pve1): backup failed', metadata })
  const before = JSON.stringify(event)
  const effective = effectiveMetadata(metadata, enrichProxmox(event))
  assert.equal(JSON.stringify(event), before)
  assert.deepEqual(Object.keys(effective).slice(0, 4), ['__proto__', 'constructor', 'NodeName', 'Message'])
  assert.equal(effective.NodeName, 'pve1')
  assert.equal(effectiveMetadata(metadata, { facts: { Message: 'other' } }), metadata)
})

const guest = (vmid: number, name: string, state: SentGuest['state'] = 'ok'): SentGuest => ({
  vmid,
  name,
  state,
  seconds: 1,
  bytes: 1,
  file: '/x',
})

test('a report of exactly one guest is about that guest, whatever became of it', () => {
  for (const state of ['ok', 'err', 'todo'] as const) {
    const { title, message } = renderVzdump({ guests: [guest(100, 'web01', state)] })
    const { facts } = enrich(title, { Message: message })
    assert.deepEqual([facts.VMID, facts.GuestName], ['100', 'web01'])
    assert.equal(facts.Outcome, state === 'ok' ? 'ok' : 'failed')
    const unreadable = enrich(title, { Message: message.replace('100 ', 'abc ') })
    assert.equal(unreadable.facts.VMID, undefined)
  }
  const two = renderVzdump({ guests: [guest(100, 'a'), guest(101, 'b')] })
  assert.equal(enrich(two.title, { Message: two.message }).facts.VMID, undefined)
  const hidden = enrich(two.title, { Message: two.message.replace('101 ', 'abc ') })
  assert.equal(hidden.facts.VMID, undefined)
})

test('a guest without a backup counts, even where the title says successful', () => {
  const { message } = renderVzdump({
    guests: [guest(100, 'a'), guest(101, 'b', 'err'), guest(102, 'c', 'todo')],
  })
  const found = enrich('vzdump backup status (pve1): backup successful', { Message: message })
  assert.deepEqual([found.outcome, found.errorCount], ['failed', 2])
})

test('mail whose subject looks like a backup stays mail', () => {
  const title = 'vzdump backup status (pve1.example.lan): backup successful'
  const { message } = renderVzdump({ guests: [guest(100, 'a')] })
  for (const metadata of [{ TaskType: 'system-mail' }, { severity: 'unknown' }]) {
    const found = enrich(title, { ...metadata, Message: message })
    assert.deepEqual(
      [found.kind, found.report, found.outcome, found.facts.VMID],
      ['system-mail', null, null, undefined],
    )
  }
})

test('why a replication failed stands below Error:', () => {
  const { reason } = enrichProxmox(parse(fixture('pve-native/replication')).event)
  assert.match(reason!, /^command 'set -o pipefail .* failed: exit code 255$/)
})

test('other providers are left alone', () => {
  for (const provider of ['com.proxmoxx', 'com.proxcenter', 'scripts']) {
    const found = enrich('Test notification', {}, provider)
    assert.deepEqual([found.kind, found.facts], [null, {}])
  }
  assert.equal(enrich('Test notification', {}, 'com.proxmox.backup.site1').kind, 'test')
})

test('no event is an error, and nothing that is there is changed', () => {
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom(null, '', 0, [], {}, 'vzdump', 'unknown', '100-0', 'gc'),
  )
  const keys = [
    'severity',
    'NodeName',
    'VMID',
    'TaskType',
    'JobId',
    'Message',
    'Datastore',
    '__proto__',
    'FQDN',
  ]
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.constantFrom(...keys), value), (title, metadata) => {
      const { effective } = enrich(title, metadata)
      for (const [name, given] of Object.entries(metadata)) {
        if (given !== null && String(given).trim() !== '') assert.equal(effective[name], given)
      }
    }),
  )
})
