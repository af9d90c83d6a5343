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
import type { ScoreFile } from './format.ts'
import { loadFolder } from './load.ts'
import { sampleEvent } from './testing.ts'

const ROOT = join(import.meta.dirname, '../..')
const FIXTURES = join(ROOT, 'test/fixtures')

const { scores } = await loadFolder(join(ROOT, 'scores'), 'bundled')
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
      indicator: null,
      tags: [],
      acked: false,
      dismissed: false,
      surface: 'timeline',
      role: key === null ? 'single' : 'repeats',
      key,
      windowMs: 86_400_000,
      stackColor: 'worst-severity',
      closedSeverity: null,
      stackTitle: null,
      eventPattern: 'episodic',
      progress: null,
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
    [
      'https://pbs:8007/',
      'https://pbs:8007/#DataStore-tank',
      'https://pbs:8007/#pbsServerAdministration:tasks',
      'https://pbs:8007',
      'pbs',
      'tank',
      null,
    ],
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
    indicator: null,
    tags: [],
    acked: false,
    dismissed: false,
    surface: 'timeline',
    role: 'repeats',
    key: 'k',
    windowMs: 86_400_000,
    stackColor: 'worst-severity',
    closedSeverity: null,
    stackTitle: null,
    eventPattern: 'episodic',
    progress: null,
    node: null,
    vmid: '7',
  })
})

function evaluate(score: Partial<ScoreFile>, event: Partial<IncomingEvent>): Evaluation {
  const { score: compiled } = createCatalog([{ providerIdentifier: 'abc', displayName: 'x', ...score }]).find(
    'abc',
  )!
  return evaluateEvent(compiled, sampleEvent(event))
}

test('an event is shown where its score says, else by its type', () => {
  assert.equal(evaluate({}, { eventType: 'alert' }).surface, 'timeline')
  for (const eventType of ['event', 'task', 'reminder'] as const) {
    assert.equal(evaluate({}, { eventType }).surface, 'agenda')
    assert.equal(evaluate({ surface: 'timeline' }, { eventType }).surface, 'timeline')
    assert.equal(evaluateEvent(undefined, sampleEvent({ eventType })).surface, 'agenda')
  }
  assert.equal(evaluate({ surface: 'agenda' }, { eventType: 'alert' }).surface, 'agenda')
})

test('a stack title is rendered with the event, what is missing left to be seen', () => {
  const stackTitle = '${metadata.host}: ${title} ${metadata.disk}'
  const { title, stackTitle: seen } = evaluate({ stackTitle }, { metadata: { host: 'nas' } })
  assert.deepEqual([title, seen], ['A title', 'nas: A title ${metadata.disk}'])
  assert.equal(evaluate({}, {}).stackTitle, null)
  assert.equal(evaluate({ stackTitle: ' ' }, {}).stackTitle, null)
  assert.equal(
    evaluate({ stackTitle: '${metadata.m}' }, { metadata: { m: 'm'.repeat(9000) } }).stackTitle?.length,
    1000,
  )
})

test('a run shows its progress, unless a rule writes the line itself', () => {
  const metadata = { runTotal: 10, runComplete: 3, runStatus: 'running', runTimeout: 60 }
  const seen = evaluate({ eventPattern: 'run-bound' }, { metadata })
  assert.equal(seen.subtitle, '3 of 10, running')
  assert.deepEqual(seen.progress, {
    total: 10,
    complete: 3,
    status: 'running',
    finished: false,
    timeoutSeconds: 60,
  })
  const severityRules = [{ match: {}, severity: 'info' as const, subtitle: 'own' }]
  assert.equal(evaluate({ eventPattern: 'run-bound', severityRules }, { metadata }).subtitle, 'own')
  for (const eventPattern of ['episodic', 'entity'] as const) {
    const other = evaluate({ eventPattern }, { metadata })
    assert.deepEqual([other.subtitle, other.progress, other.eventPattern], [null, null, eventPattern])
  }
})

test('marks and triage are part of what is stored', () => {
  const rules = { match: { a: 'x' } }
  const score = {
    indicatorRules: [{ ...rules, emoji: '🌙' }],
    tagRules: [{ ...rules, tag: `t\${metadata.a}${'x'.repeat(300)}` }],
    ackRules: [rules],
    dismissRules: [{ match: { b: 'x' } }],
  }
  const seen = evaluate(score, { metadata: { a: 'x' } })
  assert.deepEqual(
    [seen.indicator, seen.tags[0]?.length, seen.acked, seen.dismissed],
    [{ emoji: '🌙', color: null }, 200, true, false],
  )
  const both = evaluate(score, { metadata: { a: 'x', b: 'x' } })
  assert.deepEqual([both.acked, both.dismissed], [false, true])
  assert.deepEqual(evaluate(score, {}).tags, [])
})

test('names that every object has are ordinary names to every part of a score', () => {
  const match = JSON.parse('{"__proto__": "x", "constructor.name": "y"}')
  const key = '${metadata.__proto__}/${metadata.constructor.name}'
  const score: Partial<ScoreFile> = {
    severityRules: [{ match, severity: 'error', label: key }],
    tagRules: [{ match, tag: key }],
    dismissRules: [{ match }],
    groupingRules: [{ match, role: 'opens', key }],
  }
  const metadata = JSON.parse('{"__proto__": "x", "constructor": {"name": "y"}}')
  const seen = evaluate(score, { metadata })
  assert.deepEqual(
    [seen.severity, seen.label, seen.tags, seen.dismissed, seen.role, seen.key],
    ['error', 'x/y', ['x/y'], true, 'opens', 'x/y'],
  )
  const bare = evaluate(score, { metadata: {} })
  assert.deepEqual([bare.severity, bare.tags, bare.dismissed, bare.role], ['info', [], false, 'single'])
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
