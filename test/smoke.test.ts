import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, fixture, startTestServer } from './helpers/server.ts'

test('a Proxmox fixture reaches the timeline', async (t) => {
  const server = await startTestServer()
  t.after(server.stop)
  const token = await server.token(['com.proxmox'])
  const answer = await server.post('/ingest', token, await fixture('pve/replication.json'))
  assert.equal(answer.status, 200)
  const timeline = await server.get('/api/v1/timeline')
  assert.equal(timeline.body.items[0].id, answer.body.stackId)
  await eventually(async () => (await server.get('/api/v1/deliveries')).body.items.length === 1)
})
