import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { IncomingEvent } from '../event.ts'
import { resolveActions } from './actions.ts'
import { createCatalog } from './catalog.ts'
import { type Evaluation, evaluateEvent } from './evaluate.ts'
import { loadScores } from './load.ts'
import { sampleEvent } from './testing.ts'

const ROOT = join(import.meta.dirname, '../..')
const FIXTURES = join(ROOT, 'test/fixtures')

const { scores } = await loadScores({ bundledDir: join(ROOT, 'scores') })
const catalog = createCatalog(scores.map(({ score }) => score))

/** A payload of the Proxmox template, read only as far as scores need it. */
async function fixture(name: string): Promise<IncomingEvent> {
  const body = JSON.parse(await readFile(join(FIXTURES, name), 'utf8'))
  return sampleEvent({
    provider: body.providerIdentifier,
    title: body.title.trim(),
    startDate: new Date(typeof body.startDate === 'number' ? body.startDate * 1000 : body.startDate),
    eventType: body.eventType,
    metadata: body.metadata,
  })
}

/** severity, badge, key; the node is the key, as no template of Proxmox itself knows a VMID. */
const EXPECTED: Record<string, [severity: string, label: string, key: string | null]> = {
  'pve/fencing-success.json': ['error', 'Error', 'pve2'],
  'pve/fencing.json': ['error', 'Error', 'pve2'],
  'pve/package-updates.json': ['info', 'Info', 'pve1'],
  'pve/replication.json': ['error', 'Error', 'pve1'],
  'pve/system-mail.json': ['warning', 'System mail', 'pve1'],
  'pve/test.json': ['info', 'Info', null],
  'pve/vzdump-failed-lock.json': ['error', 'Error', 'pve1'],
  'pve/vzdump-failed.json': ['error', 'Error', 'pve1'],
  'pve/vzdump-ok-manual.json': ['info', 'Info', 'pve1'],
  'pve/vzdump-ok.json': ['info', 'Info', 'pve1'],
  'pve-tera/fencing.json': ['error', 'Error', 'pve2'],
  'pve-tera/test.json': ['info', 'Info', null],
  'pve-tera/vzdump-ok.json': ['info', 'Info', 'pve1'],
}

for (const [name, [severity, label, key]] of Object.entries(EXPECTED)) {
  test(`the bundled score reads ${name}`, async () => {
    const event = await fixture(name)
    const { score } = catalog.find(event.provider)!
    assert.deepEqual(evaluateEvent(score, event), {
      severity,
      band: severity,
      label,
      title: event.title,
      subtitle: null,
      color: '#E57000',
      key,
      windowMs: 86_400_000,
      node: key,
      vmid: null,
    } as Evaluation)
    assert.deepEqual(
      resolveActions(score, event, []).map(({ label, value, enabled, missing }) => [
        label,
        enabled,
        value,
        missing,
      ]),
      [
        ['Open Proxmox UI', true, 'https://your-proxmox.lan:8006/', []],
        ['Open Datacenter', true, 'https://your-proxmox.lan:8006/#v1:0:18', []],
        ['Copy server URL', true, 'https://your-proxmox.lan:8006', []],
        ['Copy node name', key !== null, key, key === null ? ['metadata.NodeName'] : []],
        ['Copy VMID', false, null, ['metadata.VMID']],
      ],
    )
  })
}

test('Proxmox’s levels map to ours, any other is info', () => {
  const { score } = catalog.find('com.proxmox')!
  for (const [said, severity, label] of [
    ['critical', 'critical', 'Critical'],
    ['error', 'error', 'Error'],
    ['Warning', 'warning', 'Warning'],
    ['notice', 'info', 'Notice'],
    ['info', 'info', 'Info'],
    ['unknown', 'info', 'Info'],
    ['', 'info', 'Info'],
    [null, 'info', 'Info'],
  ]) {
    const seen = evaluateEvent(score, sampleEvent({ metadata: { severity: said, TaskType: 'vzdump' } }))
    assert.deepEqual([seen.severity, seen.label], [severity, label])
  }
})

test('a guest’s events are keyed by node and guest, whether its number is a text or a number', () => {
  const { score } = catalog.find('com.proxmox')!
  for (const VMID of ['100', 100, ' 100 ']) {
    const seen = evaluateEvent(score, sampleEvent({ metadata: { NodeName: ' pve1 ', VMID } }))
    assert.deepEqual([seen.key, seen.node, seen.vmid], ['pve1/100', 'pve1', '100'])
  }
})

test('Proxmox Backup Server events are keyed by datastore', () => {
  const { score, foundAs } = catalog.find('com.proxmox.backup')!
  assert.equal(foundAs, 'com.proxmox.backup')
  const event = sampleEvent({
    metadata: { severity: 'error', NodeName: 'pbs', Datastore: 'tank', ServerUrl: 'https://pbs:8007' },
  })
  const seen = evaluateEvent(score, event)
  assert.deepEqual([seen.severity, seen.key], ['error', 'pbs/tank'])
  assert.deepEqual(
    resolveActions(score, event, []).map(({ value }) => value),
    ['https://pbs:8007/', 'https://pbs:8007/#DataStore-tank', 'https://pbs:8007', 'pbs', 'tank'],
  )
})

test('catalogue rules apply in their order', () => {
  const jellyfin = JSON.parse(readFileSync(join(FIXTURES, 'catalog/jellyfin.tempo-score'), 'utf8'))
  const { score } = createCatalog([jellyfin]).find('org.jellyfin')!
  const label = (NotificationType: string) =>
    evaluateEvent(score, sampleEvent({ metadata: { NotificationType } })).label
  assert.equal(label('ScheduledTaskFailed'), 'Failed')
  assert.equal(label('itemadded'), 'New item')
  assert.equal(label('Other'), 'Info')
})

test('without a score an event keeps what its payload says', () => {
  const event = sampleEvent({ severity: 'ok', color: '#123456', groupingKey: 'k', metadata: { VMID: 7 } })
  assert.deepEqual(evaluateEvent(undefined, event), {
    severity: 'ok',
    band: 'info',
    label: 'OK',
    title: 'A title',
    subtitle: null,
    color: '#123456',
    key: 'k',
    windowMs: 86_400_000,
    node: null,
    vmid: '7',
  })
})

test('lines that a rule writes are cut, never inside a character', () => {
  const rule = {
    match: {},
    severity: 'info' as const,
    title: '${metadata.m}',
    subtitle: '${metadata.m}',
    label: '${metadata.m}',
  }
  const { score } = createCatalog([
    { providerIdentifier: 'abc', displayName: 'x', severityRules: [rule] },
  ]).find('abc')!
  const seen = evaluateEvent(
    score,
    sampleEvent({ metadata: { m: `x${'😀'.repeat(5000)}`, NodeName: 'n'.repeat(9999) } }),
  )
  assert.equal(seen.title.length, 999)
  assert.ok(seen.title.isWellFormed() && seen.subtitle!.isWellFormed() && seen.label.isWellFormed())
  assert.ok(seen.label.length <= 200 && seen.node!.length === 255)
})

test('whatever the metadata, an event is evaluated, and nulls make no difference', () => {
  const { score } = catalog.find('com.proxmox')!
  const names = fc.constantFrom('severity', 'NodeName', 'VMID', 'TaskType', 'a.b', 'constructor', 'ServerUrl')
  fc.assert(
    fc.property(fc.dictionary(names, fc.jsonValue({ maxDepth: 2 })), names, (metadata, name) => {
      const seen = evaluateEvent(score, sampleEvent({ metadata }))
      assert.notEqual(seen.key, '')
      if (name in metadata && Object.hasOwn(metadata, name)) return
      for (const empty of [null, '']) {
        assert.deepEqual(
          evaluateEvent(score, sampleEvent({ metadata: { ...metadata, [name]: empty } })),
          seen,
        )
      }
    }),
  )
})
