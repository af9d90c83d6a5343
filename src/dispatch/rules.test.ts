import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { EVENT_PRESETS } from '../channel.ts'
import type { Metadata } from '../event.ts'
import { dialectOf } from '../ingest/dialects.ts'
import { judgeEvent } from '../ingest/judge.ts'
import { createCatalog } from '../scores/catalog.ts'
import { BUNDLED_DIR, loadFolder } from '../scores/load.ts'
import { compileMatch, matchHolds } from '../scores/match.ts'
import { subjectOfStored } from './book.ts'
import { PRESETS } from './presets.ts'
import { compileChannel, compileSilence, readSubject, type Subject } from './rules.ts'
import { NOW, sampleChannel, sampleSilence } from './testing.ts'

const OF_A_BACKUP = { TaskType: 'vzdump', JobId: 'backup-1' }

type Changes = Partial<Subject> & { metadata?: Metadata }

function subject({ metadata = OF_A_BACKUP, ...changes }: Changes = {}) {
  const event: Subject = {
    provider: 'com.proxmox',
    title: 'vzdump backup status: backup failed',
    severity: 'error',
    label: 'Error',
    node: 'pve1',
    vmid: '100',
    role: 'repeats',
    acked: false,
    dismissed: false,
  }
  return readSubject({ ...event, ...changes }, () => metadata)
}

function ruling(rules: Parameters<typeof sampleChannel>[0], changes: Changes = {}): string {
  const said = compileChannel(sampleChannel(rules)).rule(subject(changes))
  return 'occasion' in said ? said.occasion : said.reason
}

test('a channel as it is made is told of everything from a warning on', () => {
  assert.equal(ruling({}), 'event')
  assert.equal(ruling({}, { severity: 'warning' }), 'event')
  assert.equal(ruling({}, { severity: 'info' }), 'Its severity, info, is below warning.')
  assert.equal(ruling({ minSeverity: 'ok' }, { severity: 'ok' }), 'event')
})

test('each reason not to tell is said', () => {
  const reasons: [Parameters<typeof ruling>, string][] = [
    [[{ enabled: false }], 'The channel is switched off.'],
    [[{ providers: ['com.example', 'com.prox'] }], 'com.proxmox is none of its providers.'],
    [[{ nodes: ['pve2', 'nas*'] }], 'pve1 is none of its nodes.'],
    [[{ nodes: ['*'] }, { node: null }], 'No node is none of its nodes.'],
    [[{}, { dismissed: true }], 'The score dismissed the event as it arrived.'],
    [[{}, { acked: true }], 'The score acknowledged the event as it arrived.'],
    [[{ minSeverity: 'critical' }], 'Its severity, error, is below critical.'],
    [
      [{ events: ['node_offline'] }],
      'It is none of the chosen event types, and no match of the channel holds.',
    ],
    [
      [{ match: [{ TaskType: 'sync' }] }],
      'It is none of the chosen event types, and no match of the channel holds.',
    ],
  ]
  for (const [given, expected] of reasons) assert.equal(ruling(...given), expected)
})

test('a provider stands for those below it, a node for those that fit its pattern in any case', () => {
  assert.equal(ruling({ providers: ['com.proxmox'] }, { provider: 'com.proxmox.backup' }), 'event')
  assert.equal(ruling({ nodes: ['PVE?'] }), 'event')
  assert.equal(ruling({ nodes: ['pve*'] }, { node: 'Pve12' }), 'event')
})

test('event types and matches are alternatives, the conditions of a match belong together', () => {
  const rules = { events: ['node_offline' as const], match: [{ TaskType: 'vz*', JobId: 'backup-1' }] }
  assert.equal(ruling(rules), 'event')
  assert.equal(ruling(rules, { metadata: { TaskType: 'fencing' } }), 'event')
  assert.match(ruling(rules, { metadata: { TaskType: 'vzdump', JobId: 'backup-2' } }), /no match/)
})

test('a match may ask for the properties of the event itself', () => {
  for (const match of [
    { 'event.severity': 'error' },
    { 'event.provider': 'com.*' },
    { 'event.node': 'pve1', 'event.vmid': 100 },
    { 'event.title': '*backup failed' },
    { 'event.label': 'error' },
    { 'event.role': 'repeats' },
  ])
    assert.equal(ruling({ match: [match as Record<string, string>] }), 'event', JSON.stringify(match))
  // What a sender writes does not pass for them.
  assert.match(
    ruling({ match: [{ 'event.severity': 'critical' }] }, { metadata: { 'event.severity': 'critical' } }),
    /no match/,
  )
  assert.match(
    ruling({ match: [{ 'event.severity': 'critical' }] }, { metadata: { event: { severity: 'critical' } } }),
    /no match/,
  )
})

test('an end is told as one, however mild, unless it is not wanted', () => {
  const end = { role: 'closes', severity: 'ok' as const }
  assert.equal(ruling({}, end), 'resolved')
  assert.equal(ruling({}, { severity: 'ok' }), 'resolved')
  assert.equal(ruling({ sendResolved: false }, end), 'Its severity, ok, is below warning.')
  assert.equal(ruling({ events: ['node_offline'] }, end), 'resolved')
  assert.equal(ruling({ events: ['alert_resolved'], sendResolved: false }, end), 'event')
})

test('a silence holds where all that it names fits', () => {
  const holds = (changes: Parameters<typeof sampleSilence>[0], of: Partial<Subject> = {}, channel = 'a') =>
    compileSilence(sampleSilence(changes)).holds(channel, subject(of))
  assert.ok(holds({}))
  assert.ok(holds({ channels: ['b', 'a'] }))
  assert.ok(!holds({ channels: ['b'] }))
  assert.ok(holds({ providers: ['com'], nodes: ['pve*'], vmids: ['10?'], match: [{ TaskType: 'vzdump' }] }))
  assert.ok(!holds({ providers: ['com.proxmox.backup'] }))
  assert.ok(!holds({ nodes: ['pve2'] }))
  assert.ok(!holds({ vmids: ['100'] }, { vmid: null }))
  assert.ok(!holds({ match: [{ TaskType: 'sync' }] }))
  assert.ok(holds({ match: [{ TaskType: 'sync' }, { 'event.severity': 'error' }] }))
})

const { scores } = await loadFolder(BUNDLED_DIR, 'bundled')
const catalog = createCatalog(scores.map(({ score }) => score))

/** The event types of a notification, judged as the server does. */
function typesOf(path: string, body: Record<string, unknown>): string[] {
  const { event, warnings } = dialectOf(path).parse(body, { now: NOW, provider: null })
  const judged = judgeEvent(catalog, event, { receivedAt: NOW, payload: body, warnings, idempotency: null })
  const { reader } = subjectOfStored({ ...judged, stackId: judged.id } as never, judged.role)
  return EVENT_PRESETS.filter((name) =>
    PRESETS[name].some((match) => matchHolds(compileMatch(match), reader())),
  )
}

test('every recorded notification of Proxmox VE is of its event type', () => {
  const expected: Record<string, string[]> = {
    'fencing-success.json': ['node_offline'],
    'fencing.json': ['node_offline'],
    'package-updates.json': [],
    'replication.json': ['task_failed'],
    'system-mail.json': ['alert_triggered'],
    'test.json': [],
    'vzdump-failed-lock.json': ['backup_failed'],
    'vzdump-failed.json': ['backup_failed'],
    'vzdump-ok-manual.json': [],
    'vzdump-ok.json': [],
  }
  const folder = new URL('../../test/fixtures/pve/', import.meta.url)
  const found = readdirSync(folder).map((file) => {
    const body = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
    return [file, typesOf('/ingest', body)]
  })
  assert.deepEqual(Object.fromEntries(found), expected)
})

test('a notification of ProxCenter is of the event type that it names, and of no other', () => {
  for (const name of EVENT_PRESETS) {
    for (const event of [name, name.replace('_', '.'), name.replace('_', ' ').toUpperCase()]) {
      const body = { event, severity: 'critical', message: 'x', metadata: { node: 'pve1', alert_id: 'a1' } }
      assert.deepEqual(typesOf('/ingest/proxcenter', body), [name], event)
    }
  }
})

test('what Proxmox Backup Server and the watch over backups tell has its event type', () => {
  const pbs = (TaskType: string, severity: string) =>
    typesOf('/ingest', {
      providerIdentifier: 'com.proxmox.backup',
      title: TaskType,
      metadata: { TaskType, severity },
    })
  for (const type of ['sync', 'verify', 'verification', 'tape-backup']) {
    assert.deepEqual(pbs(type, 'error'), ['backup_failed'], type)
    assert.deepEqual(pbs(type, 'info'), [], type)
  }
  for (const type of ['gc', 'prune', 'acme']) assert.deepEqual(pbs(type, 'error'), ['task_failed'], type)
  assert.deepEqual(pbs('thresholds', 'warning'), ['alert_triggered'])
  const watch = (metadata: Record<string, string>) =>
    typesOf('/ingest', { providerIdentifier: 'tempo.watch', title: 'watch', metadata })
  assert.deepEqual(watch({ state: 'alarm', concern: 'missing' }), ['alert_triggered', 'backup_failed'])
  assert.deepEqual(watch({ state: 'alarm', concern: 'slow' }), ['alert_triggered'])
  assert.deepEqual(watch({ state: 'recovered', concern: 'missing' }), ['alert_resolved'])
})
