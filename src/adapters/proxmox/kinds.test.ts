import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTest, kindOfType, readTitle } from './kinds.ts'

const nothing = { outcome: null, fqdn: null, node: null, jobId: null, datastore: null }

test('the titles of Proxmox VE', () => {
  const pve1 = { fqdn: 'pve1.example.lan', node: 'pve1' }
  for (const [title, expected] of [
    [
      'vzdump backup status (pve1.example.lan): backup successful ',
      { kind: 'vzdump', ...pve1, outcome: 'ok' },
    ],
    ['vzdump backup status (pve1): backup failed', { kind: 'vzdump', node: 'pve1', outcome: 'failed' }],
    [
      'vzdump backup status (pve1.example.lan): backup failed: a (b): backup successful',
      {
        kind: 'vzdump',
        ...pve1,
        outcome: 'failed',
      },
    ],
    ["Replication Job: '100-0' failed ", { kind: 'replication', jobId: '100-0', outcome: 'failed' }],
    ["Trying to fence node 'pve2' ", { kind: 'fencing', node: 'pve2' }],
    ["Successfully fenced node 'pve2'", { kind: 'fencing', node: 'pve2' }],
    ["FENCE: Try to fence node 'pve2'", { kind: 'fencing', node: 'pve2' }],
    ['New software packages available (pve1.example.lan) ', { kind: 'package-updates', ...pve1 }],
    ['Test notification ', { kind: 'test' }],
  ] as const) {
    assert.deepEqual(readTitle(title), { ...nothing, ...expected }, title)
  }
})

test('the titles of Proxmox Backup Server', () => {
  const main = { datastore: 'main' }
  for (const [title, expected] of [
    ['Could not renew certificate ', { kind: 'acme', outcome: 'failed' }],
    ["Garbage Collect Datastore 'main' successful ", { kind: 'gc', ...main, outcome: 'ok' }],
    ["Garbage Collect Datastore 'main' failed", { kind: 'gc', ...main, outcome: 'failed' }],
    ["Pruning datastore 'main' failed", { kind: 'prune', ...main, outcome: 'failed' }],
    ["Sync remote 'off' datastore 'theirs' successful  ", { kind: 'sync', outcome: 'ok' }],
    ["Sync local datastore 'theirs' failed", { kind: 'sync', outcome: 'failed' }],
    [
      "Tape Backup 'weekly' datastore 'main' failed",
      { kind: 'tape-backup', jobId: 'weekly', ...main, outcome: 'failed' },
    ],
    ["Tape Backup datastore 'main' successful", { kind: 'tape-backup', ...main, outcome: 'ok' }],
    ["Load Media 'T1' request for drive 'lto'", { kind: 'tape-load' }],
    ["Verify Datastore 'main' failed", { kind: 'verification', ...main, outcome: 'failed' }],
    ['New software packages available (pbs1)', { kind: 'package-updates', node: 'pbs1' }],
  ] as const) {
    assert.deepEqual(readTitle(title), { ...nothing, ...expected }, title)
  }
})

test('any other title is none of them', () => {
  for (const title of [
    '',
    'x',
    'Re: Test notification',
    'Backup completed for VM 100',
    'SMART error (x) detected on host: a',
  ]) {
    assert.equal(readTitle(title), null, title)
  }
})

test('types in the words of the documentation and of the code', () => {
  assert.equal(kindOfType('verification'), 'verification')
  assert.equal(kindOfType('verify'), 'verification')
  assert.equal(kindOfType(' VZDump '), 'vzdump')
  for (const none of [null, '', 'qmstart', 'toString']) assert.equal(kindOfType(none), null)
})

test('a test is known by its title or by its message', () => {
  assert.ok(isTest('Test notification ', ''))
  assert.ok(isTest('Testbenachrichtigung', "This is a test of the notification target 'hook'.\n"))
  assert.ok(!isTest('x', "Fwd: This is a test of the notification target 'hook'."))
})
