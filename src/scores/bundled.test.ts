import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metadata } from '../event.ts'
import { resolveActions } from './actions.ts'
import { createCatalog } from './catalog.ts'
import { type Evaluation, evaluateEvent } from './evaluate.ts'
import { BUNDLED_DIR, loadFolder } from './load.ts'
import { sampleEvent } from './testing.ts'

const { scores } = await loadFolder(BUNDLED_DIR, 'bundled')
const catalog = createCatalog(scores.map(({ score }) => score))

function evaluate(provider: string, metadata: Metadata): Evaluation {
  return evaluateEvent(catalog.find(provider)?.score, sampleEvent({ provider, metadata }))
}

test('scripts: status says how a run went, else the exit code, else the severity', () => {
  const script = { host: 'nas', script: 'backup.sh' }
  for (const [metadata, severity, label, role] of [
    [{ status: 'failed' }, 'error', 'Failed', 'opens'],
    [{ status: 'Failure', exitCode: 23 }, 'error', 'Failed (23)', 'opens'],
    [{ status: 'critical' }, 'critical', 'Critical', 'opens'],
    [{ status: 'error' }, 'error', 'Error', 'opens'],
    [{ status: 'timeout' }, 'error', 'Timeout', 'opens'],
    [{ status: 'warn' }, 'warning', 'Warning', 'opens'],
    [{ status: 'ok', exitCode: 0 }, 'ok', 'OK', 'closes'],
    [{ status: 'success' }, 'ok', 'OK', 'closes'],
    [{ status: 'started' }, 'info', 'Started', 'single'],
    [{ status: 'odd' }, 'info', 'Info', 'single'],
    [{ exitCode: '0' }, 'ok', 'OK', 'closes'],
    [{ exitCode: 2 }, 'error', 'Exit 2', 'opens'],
    [{ severity: 'warning' }, 'warning', 'Warning', 'opens'],
    [{ severity: 'ok' }, 'ok', 'OK', 'closes'],
    [{ severity: 'critical', status: 'failed' }, 'critical', 'Critical', 'opens'],
    [{}, 'info', 'Info', 'single'],
  ] as const) {
    const seen = evaluate('scripts.backup', { ...script, ...metadata })
    assert.deepEqual([seen.severity, seen.label, seen.role], [severity, label, role])
    assert.equal(seen.key, role === 'single' ? null : 'nas/backup.sh')
    assert.equal(seen.windowMs === null, role !== 'single')
  }
})

test('scripts: one that does not say its name stands alone, so that no other one can close it', () => {
  assert.equal(evaluate('scripts', { host: 'nas', status: 'failed' }).role, 'single')
  assert.equal(evaluate('scripts', { script: 'x', status: 'failed' }).key, 'x')
})

test('scripts: a tag that the script gives itself', () => {
  assert.deepEqual(evaluate('scripts', { tag: 'nightly' }).tags, ['nightly'])
  assert.deepEqual(evaluate('scripts', {}).tags, [])
})

test('scripts: what there is of command, output and host can be copied', () => {
  const event = sampleEvent({ metadata: { command: 'rsync -a /a /b', host: 'nas' } })
  const actions = resolveActions(catalog.find('scripts')?.score, event, [])
  assert.deepEqual(
    actions.map(({ label, value }) => [label, value]),
    [
      ['Open report', null],
      ['Copy command', 'rsync -a /a /b'],
      ['Copy output', null],
      ['Copy host', 'nas'],
      ['SSH to host', 'ssh://nas'],
    ],
  )
})

test('ProxCenter: each of its event types, however its words are joined', () => {
  const subject = { NodeName: 'pve1', VMID: '100' }
  for (const [words, severity, label, emoji, role, key] of [
    [['alert', 'triggered'], 'warning', 'Alert', '🔔', 'opens', 'alert/pve1/100'],
    [['alert', 'resolved'], 'ok', 'Resolved', '✅', 'closes', 'alert/pve1/100'],
    [['backup', 'failed'], 'error', 'Backup failed', '💾', 'repeats', 'backup/pve1/100'],
    [['task', 'failed'], 'error', 'Task failed', '⚙️', 'repeats', 'task/pve1/100'],
    [['node', 'offline'], 'critical', 'Node offline', '🔌', 'repeats', 'node/pve1'],
    [['connection', 'lost'], 'error', 'Connection lost', '📡', 'repeats', 'connection/pve1'],
    [['compliance', 'issue'], 'warning', 'Compliance', '📋', 'repeats', 'compliance'],
    [['cve', 'detected'], 'error', 'CVE', '🛡️', 'repeats', 'cve'],
  ] as const) {
    for (const join of ['_', '-', '.', ' ', '']) {
      const seen = evaluate('com.proxcenter', { EventType: words.join(join), ...subject })
      assert.deepEqual([seen.severity, seen.label, seen.indicator?.emoji], [severity, label, emoji])
      assert.deepEqual([seen.role, seen.key, seen.node, seen.vmid], [role, key, 'pve1', '100'])
      assert.notEqual(seen.color, '#2563EB')
    }
  }
})

test('ProxCenter: the severity that comes with an alert counts, and its id tells alerts apart', () => {
  const alert = (metadata: Metadata) =>
    evaluate('com.proxcenter', { EventType: 'alert_triggered', NodeName: 'pve1', ...metadata })
  for (const severity of ['info', 'warning', 'error', 'critical']) {
    assert.deepEqual([alert({ severity }).severity, alert({ severity }).label], [severity, 'Alert'])
  }
  assert.equal(alert({ AlertID: 7, VMID: 100 }).key, 'alert/7')
  assert.equal(alert({ VMID: '' }).key, 'alert/pve1')
  assert.equal(alert({ NodeName: '' }).role, 'single')
  assert.equal(evaluate('com.proxcenter', { EventType: 'new', severity: 'error' }).label, 'Error')
  const alone = alert({ NodeName: '', VMID: 100 })
  assert.deepEqual([alone.role, alone.key], ['opens', 'alert/guest/100'])
  const lost = { EventType: 'connection_lost', Connection: 'lab', NodeName: 'pve1' }
  assert.equal(evaluate('com.proxcenter', lost).key, 'connection/lab')
  for (const EventType of ['cve_detected', 'compliance_issue'])
    assert.equal(evaluate('com.proxcenter', { EventType, severity: 'info' }).severity, 'info')
})

test('an event of a score’s child provider is read by it', () => {
  assert.equal(catalog.find('scripts.backup.nightly')?.foundAs, 'scripts')
})
