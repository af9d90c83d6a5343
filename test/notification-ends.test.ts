/** Ends that a channel asks for by name are told as ends, with a real database and a real receiver. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { eventually, startTestServer } from './helpers/server.ts'

type Message = { event: string; data: { items: { occasion: string; title: string }[] } }

test('a channel for alerts and their ends is told both, and of each end once', async (t) => {
  const got: Message[] = []
  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    got.push(JSON.parse(Buffer.concat(chunks).toString()))
    response.end()
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.after(() => http.close())
  const server = await startTestServer()
  t.after(server.stop)
  const made = await server.request('POST', '/api/v1/channels', {
    name: 'hook',
    type: 'webhook',
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    events: ['alert_triggered', 'alert_resolved'],
    groupWaitSeconds: 0,
    groupIntervalSeconds: 0,
  })
  assert.equal(made.status, 201, made.text)
  const send = async (event: string, severity: string) => {
    const body = { event, severity, message: 'CPU', metadata: { node: 'pve1', alert_id: 'a1' } }
    const answer = await server.post('/ingest/proxcenter', server.adminToken, body)
    assert.equal(answer.status, 200, answer.text)
    return answer.body.id
  }
  await send('alert_triggered', 'critical')
  await eventually(() => got.length === 1, 20_000)
  const end = await send('alert_resolved', 'info')
  await eventually(() => got.length === 2, 20_000)
  assert.deepEqual(
    got.map(({ event, data }) => [event, data.items.map(({ occasion }) => occasion)]),
    [
      ['alert_triggered', ['event']],
      ['alert_resolved', ['resolved']],
    ],
  )
  await eventually(async () => {
    const { items } = (await server.get(`/api/v1/events/${end}/notifications`)).body
    return items[0].outcome === 'sent'
  }, 20_000)
  const [state] = await server.db.read`SELECT is_open AS "isOpen" FROM channel_stacks`
  assert.deepEqual(state, { isOpen: false })
})
