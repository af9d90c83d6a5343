import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EpisodeMark, Metadata } from '../event.ts'
import { findEpisode } from './episode.ts'

const FAILED = { NodeName: 'pve1', TaskType: 'replication', JobId: '100-0' }
const verdict = { severity: 'error' as const, role: 'repeats' as const, node: 'pve1', vmid: '100' }

function find(
  metadata: Metadata,
  changes: Partial<Parameters<typeof findEpisode>[1]> = {},
  provider = 'com.proxmox',
): EpisodeMark | undefined {
  return findEpisode({ provider, metadata }, { ...verdict, ...changes }).episode
}

test('a replication that failed keeps an episode of its node and job open', () => {
  const mark = { does: 'fails', key: 'replication pve1 100-0', jobId: '100-0' }
  assert.deepEqual(find(FAILED), mark)
  assert.deepEqual(find({ ...FAILED, TaskType: ' Replication' }, { severity: 'critical' }), mark)
  assert.equal(find(FAILED, { node: null })?.key, 'replication  100-0')
})

test('what is less than an error, of another kind, without a job or of another sender opens none', () => {
  assert.equal(find(FAILED, { severity: 'warning' }), undefined)
  assert.equal(find({ ...FAILED, TaskType: 'vzdump' }), undefined)
  assert.equal(find({ ...FAILED, TaskType: null }), undefined)
  assert.equal(find({ ...FAILED, JobId: ' ' }), undefined)
  assert.equal(find(FAILED, {}, 'com.proxmoxer'), undefined)
})

test('a closing role, or a state of its own, ends what fails of the job, else of the guest', () => {
  const over = { does: 'recovers', key: 'replication pve1 100-0', jobId: '100-0' }
  assert.deepEqual(find(FAILED, { role: 'closes' }), over)
  assert.deepEqual(find({ ...FAILED, state: 'Resolved' }), over)
  assert.deepEqual(find({ JobId: '100-0', state: 'recovered' }, { severity: 'ok' }), over)
  assert.deepEqual(find({ state: 'recovered' }), { does: 'recovers', key: null, jobId: null })
  assert.equal(find({ state: 'recovered' }, { vmid: null }), undefined)
})

test('the end of something else ends no replication', () => {
  assert.equal(find({ TaskType: 'vzdump', state: 'recovered' }), undefined)
  assert.equal(find({ TaskType: 'vzdump', JobId: 'backup-1' }, { role: 'closes' }), undefined)
  assert.deepEqual(find({ ...FAILED, state: 'failing' })?.does, 'fails')
})

test('a job of any length fits into an index', () => {
  const mark = find({ ...FAILED, JobId: `${'x'.repeat(254)}🙂` })
  assert.equal(mark?.jobId, 'x'.repeat(254))
})
