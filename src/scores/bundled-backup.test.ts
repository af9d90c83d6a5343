import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metadata } from '../event.ts'
import { resolveActions } from './actions.ts'
import { createCatalog } from './catalog.ts'
import { evaluateEvent } from './evaluate.ts'
import { BUNDLED_DIR, loadFolder } from './load.ts'
import { sampleEvent } from './testing.ts'

const PROVIDER = 'com.proxmox.backup'
const { scores, problems } = await loadFolder(BUNDLED_DIR, 'bundled')
const score = createCatalog(scores.map((each) => each.score)).find(PROVIDER)?.score

function backupEvent(metadata: Metadata) {
  return sampleEvent({ provider: PROVIDER, metadata })
}

function evaluate(metadata: Metadata) {
  return evaluateEvent(score, backupEvent(metadata))
}

test('the bundled scores have no problem', () => {
  assert.deepEqual(problems, [])
})

test('each type that Proxmox Backup Server sends, in each severity that it has', () => {
  for (const [TaskType, severity, expected, label, emoji] of [
    ['acme', 'info', 'error', 'Certificate failed', '🔏'],
    ['acme', 'error', 'error', 'Certificate failed', '🔏'],
    ['gc', 'info', 'info', 'GC', '♻️'],
    ['gc', 'error', 'error', 'GC failed', '♻️'],
    ['package-updates', 'info', 'info', 'Updates', '📦'],
    ['prune', 'info', 'info', 'Prune', '✂️'],
    ['prune', 'error', 'error', 'Prune failed', '✂️'],
    ['sync', 'info', 'info', 'Sync', '🔁'],
    ['sync', 'error', 'error', 'Sync failed', '🔁'],
    ['system-mail', 'unknown', 'warning', 'System mail', '✉️'],
    ['tape-backup', 'info', 'info', 'Tape', '📼'],
    ['tape-backup', 'error', 'error', 'Tape failed', '📼'],
    ['tape-load', 'notice', 'info', 'Load tape', '📼'],
    ['thresholds', 'warning', 'warning', 'Threshold', '📈'],
    ['verification', 'info', 'info', 'Verify', '🔎'],
    ['verification', 'error', 'error', 'Verify failed', '🔎'],
    ['verify', 'error', 'error', 'Verify failed', '🔎'],
  ] as const) {
    const seen = evaluate({ TaskType, severity })
    assert.deepEqual([seen.severity, seen.label, seen.indicator?.emoji], [expected, label, emoji], TaskType)
  }
})

test('without a type that is known the severity gives the badge', () => {
  for (const TaskType of [null, 'new-type']) {
    for (const [severity, expected, label] of [
      ['critical', 'critical', 'Critical'],
      ['error', 'error', 'Error'],
      ['warning', 'warning', 'Warning'],
      ['notice', 'info', 'Notice'],
      ['info', 'info', 'Info'],
      ['unknown', 'info', 'Info'],
    ] as const) {
      const seen = evaluate({ TaskType, severity })
      assert.deepEqual([seen.severity, seen.label, seen.indicator], [expected, label, null])
    }
  }
  assert.equal(evaluate({ TaskType: 'gc', severity: 'critical' }).label, 'Critical')
})

test('events stack by node and datastore, by server and datastore, or by node', () => {
  const [NodeName, Datastore, ServerUrl] = ['pbs1', 'main', 'https://pbs1:8007']
  for (const [metadata, key] of [
    [{ NodeName, Datastore, ServerUrl }, 'pbs1/main'],
    [{ NodeName: '', Datastore, ServerUrl }, 'https://pbs1:8007/main'],
    [{ NodeName, Datastore: null, ServerUrl }, 'pbs1'],
    [{ Datastore }, null],
  ] as const) {
    const seen = evaluate(metadata)
    assert.deepEqual([seen.key, seen.windowMs], [key, key === null ? seen.windowMs : 86_400_000])
  }
})

test('the actions open the server and copy what the event holds', () => {
  const ServerUrl = 'https://pbs1:8007'
  const all = { ServerUrl, NodeName: 'pbs1', Datastore: 'main', JobId: 'v-1' }
  assert.deepEqual(
    resolveActions(score, backupEvent(all), []).map(({ label, value }) => [label, value]),
    [
      ['Open Proxmox Backup UI', 'https://pbs1:8007/'],
      ['Open datastore', 'https://pbs1:8007/#DataStore-main'],
      ['Open tasks', 'https://pbs1:8007/#pbsServerAdministration:tasks'],
      ['Copy server URL', ServerUrl],
      ['Copy node name', 'pbs1'],
      ['Copy datastore', 'main'],
      ['Copy job ID', 'v-1'],
    ],
  )
  assert.ok(resolveActions(score, backupEvent({}), []).every(({ enabled }) => !enabled))
})
