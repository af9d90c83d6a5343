import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { readFixture } from './helpers/fixtures.ts'
import { type Receiver, startReceiver } from './helpers/receiver.ts'
import { eventually, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let receiver: Receiver
let token: string
before(async () => {
  server = await startTestServer()
  receiver = await startReceiver()
  token = await server.token(['com.proxmox', 'com.proxcenter'])
})
after(async () => {
  await server.stop()
  await receiver.stop()
})
afterEach(async () => {
  const { items } = (await server.get('/api/v1/channels')).body
  for (const { id } of items) {
    const { status, text } = await server.request('DELETE', `/api/v1/channels/${id}`)
    assert.equal(status, 204, text)
  }
  receiver.requests.length = 0
  receiver.reply(200)
})

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const atOnce = { groupWaitSeconds: 0, groupIntervalSeconds: 0, repeatMinutes: 0 }
const hook = (more = {}) => ({
  name: 'hook',
  type: 'webhook',
  url: `${receiver.url}/a-secret-path`,
  secret: SECRET,
  headers: { Authorization: 'Bearer hidden-value' },
  ...atOnce,
  ...more,
})

async function make(body: unknown) {
  const made = await server.request('POST', '/api/v1/channels', body)
  assert.equal(made.status, 201, made.text)
  return made.body
}

const post = async (name: string) =>
  (await server.post('/ingest', token, await readFixture(`pve/${name}.json`))).body

async function whyOf(eventId: string, outcome: string) {
  return eventually(async () => {
    const { items } = (await server.get(`/api/v1/events/${eventId}/notifications`)).body
    return items[0].outcome === outcome && items[0]
  })
}

test('what a channel asks for is told, and why or why not is said for every event', async () => {
  await make(hook({ events: ['backup_failed'] }))
  const failed = await post('vzdump-failed')
  const fine = await post('vzdump-ok')
  const fenced = await post('fencing')
  await whyOf(failed.id, 'sent')
  assert.equal(receiver.requests.length, 1)
  const { event, severity, data } = JSON.parse(receiver.requests[0]!.body)
  assert.deepEqual([event, severity], ['backup_failed', 'error'])
  assert.deepEqual([data.items[0].eventId, data.items[0].stackId], [failed.id, failed.stackId])
  assert.equal((await whyOf(fine.id, 'not_chosen')).reason, 'Its severity, info, is below warning.')
  assert.match((await whyOf(fenced.id, 'not_chosen')).reason, /none of the chosen event types/)
  const { items } = (await server.get(`/api/v1/events?derived=true&limit=50`)).body
  const guest = items.find((one: { derivedFrom: string | null }) => one.derivedFrom === failed.id)
  if (guest) assert.match((await whyOf(guest.id, 'not_chosen')).reason, /report that it was taken from/)
})

test('a channel for one guest is told of it by what the report of all was taken apart into', async () => {
  await make(hook({ match: [{ VMID: '102', TaskType: 'vzdump' }] }))
  const failed = await post('vzdump-failed')
  await eventually(async () => receiver.requests.length > 0)
  const [item, ...more] = JSON.parse(receiver.requests[0]!.body).data.items
  assert.equal(more.length, 0)
  assert.equal(item.vmid, '102')
  assert.notEqual(item.eventId, failed.id)
})

test('secrets are shown nowhere again, and stay when they are left out of a change', async () => {
  const made = await make(hook())
  await server.request('POST', `/api/v1/channels/${made.id}/test`)
  const changed = await server.request('PATCH', `/api/v1/channels/${made.id}`, { minSeverity: 'error' })
  assert.deepEqual([changed.status, changed.body.minSeverity, changed.body.hasSecret], [200, 'error', true])
  await server.request('POST', `/api/v1/channels/${made.id}/test`)
  const [first, second] = receiver.requests
  assert.equal(second!.headers.authorization, 'Bearer hidden-value')
  assert.equal(second!.path, first!.path)
  const shown = [
    made,
    changed.text,
    (await server.get('/api/v1/channels')).text,
    (await server.get(`/api/v1/channels/${made.id}/attempts`)).text,
    server.log,
  ]
  for (const secret of ['a-secret-path', 'hidden-value', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']) {
    for (const text of shown) assert.ok(!JSON.stringify(text).includes(secret), secret)
    const rows = await server.db.read`SELECT id FROM channels WHERE settings::text LIKE ${`%${secret}%`}
      OR encode(secrets, 'escape') LIKE ${`%${secret}%`}`
    assert.equal(rows.length, 0)
  }
})

test('Send Test says what the receiver answered, for a channel that is saved and for one that is not', async () => {
  const made = await make(hook())
  receiver.reply({ status: 403, body: 'no such hook' })
  const refused = await server.request('POST', `/api/v1/channels/${made.id}/test`)
  assert.deepEqual([refused.status, refused.body.result, refused.body.status], [200, 'permanent', 403])
  assert.match(refused.body.answer, /no such hook/)
  receiver.reply(204)
  const draft = await server.request('POST', '/api/v1/channels/test', hook({ name: 'draft' }))
  assert.deepEqual([draft.body.result, draft.body.status], ['sent', 204])
  const lent = await server.request('POST', `/api/v1/channels/test?id=${made.id}`, { method: 'PUT' })
  assert.equal(lent.body.result, 'sent')
  assert.deepEqual([receiver.requests[2]!.method, receiver.requests[2]!.path], ['PUT', '/a-secret-path'])
  const { items } = (await server.get(`/api/v1/channels/${made.id}/attempts`)).body
  assert.deepEqual(
    items.map(({ kind, status }: { kind: string; status: number }) => [kind, status]),
    [['test', 403]],
  )
})

test('bad input says what to do, in the form of every other problem', async () => {
  const ask = (body: unknown) => server.request('POST', '/api/v1/channels', body)
  const wrong = await ask({
    type: 'webhook',
    name: '',
    url: 'ftp://x',
    quietHours: { from: '25:00', to: '07:00', timezone: 'Mars' },
  })
  assert.equal(wrong.status, 422)
  assert.deepEqual(wrong.body.errors.map(({ path }: { path: string }) => path).sort(), [
    'name',
    'quietHours.from',
    'quietHours.timezone',
    'url',
  ])
  await make(hook())
  const twice = await ask(hook())
  assert.deepEqual([twice.status, twice.body.code], [409, 'name_taken'])
  const unknown = await server.request('PATCH', '/api/v1/channels/019ddc5e-7c00-7000-8000-000000000000', {})
  assert.equal(unknown.status, 404)
  const [{ id }] = (await server.get('/api/v1/channels')).body.items
  const broken = await server.request('PATCH', `/api/v1/channels/${id}`, '{"name', {
    'X-Tempo-Token': server.adminToken,
    'Content-Type': 'application/json',
  })
  assert.deepEqual([broken.status, broken.body.code], [422, 'invalid_json'])
  const reader = await server.token([], ['read'])
  const forbidden = await server.request('POST', '/api/v1/channels', hook(), {
    'X-Tempo-Token': reader,
    'Content-Type': 'application/json',
  })
  assert.equal(forbidden.status, 403)
})

test('a message can be told once more, and so can all since a time', async () => {
  const { id } = await make(hook())
  const event = await post('replication')
  await whyOf(event.id, 'sent')
  const [attempt] = (await server.get(`/api/v1/channels/${id}/attempts`)).body.items
  const resend = (body: unknown) => server.request('POST', `/api/v1/channels/${id}/resend`, body)
  assert.deepEqual((await resend({ messageId: attempt.messageId })).body, { events: 1 })
  await eventually(async () => receiver.requests.length === 2)
  assert.deepEqual((await resend({ since: '2020-01-01T00:00:00Z' })).body, { events: 1 })
  await eventually(async () => receiver.requests.length === 3)
  assert.equal(JSON.parse(receiver.requests[2]!.body).data.because, 'Told again on request.')
  assert.equal((await resend({})).status, 422)
})

test('a silence is made, holds, and is ended', async () => {
  await make(hook())
  const to = new Date(Date.now() + 3_600_000).toISOString()
  const made = await server.request('POST', '/api/v1/silences', { reason: 'moving', to, nodes: ['pve*'] })
  assert.equal(made.status, 201, made.text)
  const silenced = await post('fencing')
  assert.match((await whyOf(silenced.id, 'held')).reason, /moving/)
  assert.equal((await server.request('DELETE', `/api/v1/silences/${made.body.id}`)).status, 204)
  assert.equal((await server.request('DELETE', `/api/v1/silences/${made.body.id}`)).status, 404)
  const [ended] = (await server.get('/api/v1/silences')).body.items
  assert.ok(new Date(ended.to) <= new Date())
  const told = await post('system-mail')
  await whyOf(told.id, 'sent')
  const past = await server.request('POST', '/api/v1/silences', { reason: 'x', to: '2020-01-01T00:00:00Z' })
  assert.deepEqual([past.status, past.body.errors[0].path], [422, 'to'])
})

test('a channel that lost its secrets keeps what it is to be told until it has them again', async () => {
  const { id } = await make(hook())
  await server.db.read`UPDATE channels SET secrets = NULL WHERE id = ${id}`
  await server.request(
    'PATCH',
    `/api/v1/channels/${(await make(hook({ name: 'other', enabled: false }))).id}`,
    {},
  )
  const shown = (await server.get(`/api/v1/channels/${id}`)).body
  assert.match(shown.problem, /restored without/)
  const event = await post('vzdump-failed-lock')
  assert.equal((await server.get(`/api/v1/channels/${id}`)).body.state.waiting, 1)
  const { url, secret } = hook()
  assert.equal((await server.request('PATCH', `/api/v1/channels/${id}`, { url, secret })).status, 200)
  await eventually(async () => receiver.requests.length === 1)
  assert.equal(JSON.parse(receiver.requests[0]!.body).data.items[0].eventId, event.id)
})

test('PagerDuty hears of an acknowledgement and of a dismissal of what it was told', async () => {
  receiver.reply({ status: 202, body: '{"status":"success"}' })
  await make({ name: 'pager', type: 'pagerduty', url: receiver.url, secret: 'R'.repeat(32), ...atOnce })
  const event = await post('fencing')
  await whyOf(event.id, 'sent')
  await server.request('POST', `/api/v1/stacks/${event.stackId}/ack`)
  await eventually(async () => receiver.requests.length === 2)
  await server.request('POST', `/api/v1/stacks/${event.stackId}/dismiss`)
  await eventually(async () => receiver.requests.length === 3)
  const bodies = receiver.requests.map(({ body }) => JSON.parse(body))
  assert.deepEqual(
    bodies.map(({ event_action }) => event_action),
    ['trigger', 'acknowledge', 'resolve'],
  )
  assert.equal(new Set(bodies.map(({ dedup_key }) => dedup_key)).size, 1)
})
