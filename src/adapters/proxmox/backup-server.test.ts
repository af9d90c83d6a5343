import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxmoxEvent } from '../../../test/helpers/proxmox.ts'
import { readBackupServerMessage } from './backup-server.ts'
import { enrichProxmox } from './enrich.ts'

const LINK =
  '\n\n\nPlease visit the web interface for further details:\n\n<https://pbs1.example.lan:8007/#DataStore-main>\n'
const JOB = '\nJob ID:    v-1\nDatastore: main\n\n'

const facts = {
  datastore: 'main',
  jobId: 'v-1',
  mediaPool: null,
  serverUrl: 'https://pbs1.example.lan:8007',
  fqdn: 'pbs1.example.lan',
  reason: null,
  errorCount: null,
}

test('a verification names the snapshots that it found bad, one to a line or all on one', () => {
  const bad = ['vm/100/2026-11-21T01:00:04Z', 'ns/a:ct/101', 'host/x y']
  for (const list of [bad.map((each) => `    ${each}\n`).join(''), `    ${bad.join('    ')}`]) {
    const message = `${JOB}Verification failed on these snapshots/groups:\n\n${list}${LINK}`
    assert.deepEqual(readBackupServerMessage('verification', message), { ...facts, errorCount: 3 })
  }
  const good = readBackupServerMessage('verification', `${JOB}Verification successful.\n${LINK}`)
  assert.deepEqual(good, facts)
})

test('a garbage collection counts bad chunks, or says why it failed', () => {
  const head = 'Datastore:            main\nTask ID:              UPID:x\n\n'
  const counts = 'Removed chunks:       7\nRemoved bad chunks:   1\n\nLeftover bad chunks:  2\n'
  assert.deepEqual(readBackupServerMessage('gc', `${head}${counts}${LINK}`), {
    ...facts,
    jobId: null,
    errorCount: 3,
  })
  const failed = `Datastore: main\n\nGarbage collection failed: no space left\n${LINK}`
  assert.equal(readBackupServerMessage('gc', failed).reason, 'no space left')
})

test('prune, sync and tape jobs name datastore, job, pool and reason', () => {
  const sync =
    'Job ID:             s-1\nDatastore:          main\nRemote:             off\nRemote Store:       theirs\nSynchronization failed: timeout\n'
  const read = readBackupServerMessage('sync', sync + LINK)
  assert.deepEqual([read.jobId, read.datastore, read.reason], ['s-1', 'main', 'timeout'])
  const tape =
    'Job ID:     t-1\nDatastore:  main\nTape Pool:  weekly\nTape Drive: lto\n\n\nTape Backup failed: no media\n'
  const taped = readBackupServerMessage('tape-backup', tape)
  assert.deepEqual([taped.jobId, taped.mediaPool, taped.reason], ['t-1', 'weekly', 'no media'])
  const prune = readBackupServerMessage(
    'prune',
    '\r\nJob ID:       p-1\r\nDatastore:    main\r\n\r\nPruning failed: x\r\n',
  )
  assert.deepEqual([prune.jobId, prune.datastore, prune.reason], ['p-1', 'main', 'x'])
  assert.equal(readBackupServerMessage('acme', 'No.\n\nError: DNS\n').reason, 'DNS')
})

test('labels far down, and links that are none of ours, are not read', () => {
  const far = `${'\n'.repeat(20)}Datastore: evil\n<javascript:alert(1)/#x>\n<https://a b:8007/#x>\n`
  assert.deepEqual(readBackupServerMessage('prune', far), {
    datastore: null,
    jobId: null,
    mediaPool: null,
    serverUrl: null,
    fqdn: null,
    reason: null,
    errorCount: null,
  })
})

test('an event without any fields gets node, datastore, job and address from its text', () => {
  const event = proxmoxEvent({
    provider: 'com.proxmox.backup',
    title: "Verify Datastore 'main' failed",
    metadata: { Message: `${JOB}Verification failed on these snapshots/groups:\n\n    vm/100\n${LINK}` },
  })
  assert.deepEqual(enrichProxmox(event).facts, {
    NodeName: 'pbs1',
    TaskType: 'verification',
    JobId: 'v-1',
    FQDN: 'pbs1.example.lan',
    Datastore: 'main',
    ServerUrl: 'https://pbs1.example.lan:8007',
    Outcome: 'failed',
    ErrorCount: '1',
  })
})

test('the fields of the sender go before its text', () => {
  const metadata = {
    Datastore: 'theirs',
    JobId: 'j',
    ServerUrl: 'https://own',
    TaskType: 'verify',
    NodeName: 'n',
  }
  const event = proxmoxEvent({
    provider: 'com.proxmox.backup',
    title: "Verify Datastore 'main' successful",
    metadata: { ...metadata, Message: `${JOB}Verification successful.${LINK}` },
  })
  const found = enrichProxmox(event)
  assert.deepEqual(found.facts, { FQDN: 'pbs1.example.lan', Outcome: 'ok' })
  assert.equal(found.kind, 'verification')
})
