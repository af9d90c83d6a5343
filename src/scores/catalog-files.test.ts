import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Metadata } from '../event.ts'
import { createCatalog } from './catalog.ts'
import { evaluateEvent } from './evaluate.ts'
import { parseScore } from './load.ts'
import { sampleEvent } from './testing.ts'

const FOLDER = join(import.meta.dirname, '../../test/fixtures/catalog')

type Row = [metadata: Metadata, severity: string, label: string]

const type = (NotificationType: string): Metadata => ({ NotificationType })
const subject = (subject: string): Metadata => ({ subject })

const EXPECTED: Record<string, Row[]> = {
  jellyfin: [
    [type('AuthenticationFailure'), 'error', 'Auth fail'],
    [type('ApplicationError'), 'error', 'Error'],
    [type('LoginFailed'), 'error', 'Failed'],
    // Behind *Failed, so its own rule never decides.
    [type('ScheduledTaskFailed'), 'error', 'Failed'],
    [type('PluginInstalled'), 'info', 'Plugin'],
    [type('PluginUninstalled'), 'info', 'Plugin'],
    [type('PluginUpdated'), 'info', 'Plugin'],
    [type('itemadded'), 'info', 'New item'],
    [type('PlaybackStart'), 'info', 'Started'],
    [type('PlaybackStop'), 'info', 'Stopped'],
    [type('FailedLogin'), 'info', 'Info'],
    [{}, 'info', 'Info'],
  ],
  'pi-hole': [
    [{ Status: 'down' }, 'critical', 'Down'],
    [{ Status: 'Unreachable' }, 'critical', 'Unreachable'],
    [{ Status: 'high_load' }, 'warning', 'High load'],
    [{ Status: 'disabled' }, 'warning', 'Disabled'],
    [{ Action: 'blocking_disabled' }, 'warning', 'Blocking off'],
    [{ Action: 'update_available' }, 'info', 'Update'],
    [{ Action: 'gravity_update' }, 'info', 'Gravity'],
    [{ Action: 'blocking_enabled' }, 'info', 'Blocking on'],
    [{ Action: 'blocking_enabled', Status: 'down' }, 'critical', 'Down'],
    [{ Action: null, Status: '' }, 'info', 'Info'],
  ],
  'proxmox-backup': [
    [{ severity: 'error' }, 'critical', 'Critical'],
    [{ severity: 'warning' }, 'warning', 'Warning'],
    [{ severity: 'notice' }, 'info', 'Info'],
    [{ severity: 'info' }, 'info', 'Info'],
    [{ severity: 'unknown' }, 'info', 'Info'],
  ],
  synology: [
    [subject('A Critical event on nas'), 'critical', 'Critical'],
    [subject('error while reading'), 'error', 'Error'],
    [subject('Backup Failed'), 'error', 'Failed'],
    [subject('Volume 1 has crashed'), 'error', 'Crashed'],
    [subject('Storage Pool 1 is DEGRADED'), 'error', 'Degraded'],
    [subject('2-factor was disabled'), 'error', 'Disabled'],
    [subject('Brute force attack'), 'critical', 'Attack'],
    [subject('Intrusion detected'), 'critical', 'Intrusion'],
    [subject('Warning: fan'), 'warning', 'Warning'],
    [subject('Volume 1 is almost full'), 'warning', 'Full'],
    [subject('SMART test of drive 2'), 'warning', 'SMART'],
    [subject('Backup started'), 'info', 'Backup'],
    [subject('A snapshot was taken'), 'info', 'Snapshot'],
    [subject('Login from 10.0.0.1'), 'info', 'Login'],
    [subject('Task completed'), 'ok', 'Completed'],
    [subject('Backup completed'), 'info', 'Backup'],
    [subject('Hello'), 'info', 'Info'],
  ],
}

for (const [name, rows] of Object.entries(EXPECTED)) {
  test(`the catalogue file ${name} gives the severities that its rules state`, () => {
    const parsed = parseScore(readFileSync(join(FOLDER, `${name}.tempo-score`), 'utf8'))
    assert.ok('score' in parsed)
    const { providerIdentifier: provider, color } = parsed.score
    const { score } = createCatalog([parsed.score]).find(provider)!
    for (const [metadata, severity, label] of rows) {
      const seen = evaluateEvent(score, sampleEvent({ provider, metadata }))
      assert.deepEqual([seen.severity, seen.label, seen.color], [severity, label, color])
      assert.deepEqual([seen.role, seen.surface], ['single', 'timeline'])
    }
    assert.ok(rows.length > (parsed.score.severityRules ?? []).length, 'a row for each rule, and the default')
  })
}
