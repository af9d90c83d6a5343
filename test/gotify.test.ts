import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { eventually, fixture, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let token: string
before(async () => {
  server = await startTestServer()
  token = await server.token(['com.proxmox'])
})
after(() => server.stop())

type Way = [
  name: string,
  query: (secret: string) => string,
  headers: (secret: string) => Record<string, string>,
]
const WAYS: Way[] = [
  ['X-Gotify-Key', () => '', (secret) => ({ 'X-Gotify-Key': secret })],
  ['Bearer', () => '', (secret) => ({ Authorization: `Bearer ${secret}` })],
  ['the address', (secret) => `?token=${secret}`, () => ({})],
]

function message(changes: Record<string, unknown> = {}) {
  return {
    title: "Replication Job: '100-0' failed ",
    message: '```\nReplication job 100-0 failed!\n\nError:\ne\n```',
    priority: 9,
    extras: { 'client::display': { contentType: 'text/markdown' } },
    ...changes,
  }
}

test('every recorded message is stored, by each path and each way of the token, and answered as Gotify does', async () => {
  for (const file of readdirSync(new URL('fixtures/gotify', import.meta.url))) {
    const text = await fixture(`gotify/${file}`)
    const sent = JSON.parse(text)
    for (const path of ['/message', '//message']) {
      for (const [name, query, headers] of WAYS) {
        const answer = await server.post(path + query(token), null, text, headers(token))
        assert.equal(answer.status, 200, `${file} ${path} by ${name}: ${answer.text}`)
        const { id, date, ...rest } = answer.body
        assert.ok(Number.isSafeInteger(id) && id > 0)
        assert.ok(Math.abs(Date.parse(date) - Date.now()) < 60_000)
        const { title, message, priority, extras } = sent
        assert.deepEqual(rest, { appid: 1, title, message, priority, extras })
      }
    }
  }
  // Neither the node nor the time is sent: each stands alone.
  const { items } = (await server.get('/api/v1/timeline')).body
  const [stack] = items
  assert.equal(items.length, 6)
  assert.deepEqual([stack.provider, stack.vmid, stack.count], ['com.proxmox', '100', 1])
  const { metadata, title } = stack.latest
  assert.equal(title, "Replication Job: '100-0' failed")
  assert.deepEqual([metadata.TaskType, metadata.JobId], ['replication', '100-0'])
  assert.doesNotMatch(metadata.Message, /```/)
})

test('priorities are the severities of Proxmox, and what is no notification of its own is mail', async () => {
  const judged = async (changes: Record<string, unknown>) => {
    const answer = await server.post('/message', null, message(changes), { 'X-Gotify-Key': token })
    assert.equal(answer.status, 200)
    const { items } = (await server.get('/api/v1/events?limit=1')).body
    return [items[0].severity, items[0].label]
  }
  assert.deepEqual(await judged({ priority: 1 }), ['info', 'Info'])
  assert.deepEqual(await judged({ priority: 3 }), ['info', 'Notice'])
  assert.deepEqual(await judged({ priority: 5 }), ['warning', 'Warning'])
  assert.deepEqual(await judged({ priority: 9 }), ['error', 'Error'])
  assert.deepEqual(await judged({ priority: 3, title: 'SMART error on /dev/sda' }), [
    'warning',
    'System mail',
  ])
})

test('a body with a byte order mark is answered as it is stored', async () => {
  const bytes = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(JSON.stringify(message()))])
  const answer = await server.post('/message', null, bytes, { 'X-Gotify-Key': token })
  assert.ok([200, 422].includes(answer.status), answer.text)
})

test('refusals are told in the shape of Gotify', async () => {
  const refused = async (query: string, headers: Record<string, string>, body: unknown) => {
    const { status, body: answer } = await server.post(`/message${query}`, null, body, headers)
    assert.deepEqual(Object.keys(answer).sort(), ['error', 'errorCode', 'errorDescription'])
    assert.equal(answer.errorCode, status)
    return [status, answer.errorDescription]
  }
  const good = { 'X-Gotify-Key': token }
  assert.equal((await refused('', {}, message()))[0], 401)
  assert.equal((await refused('?token=wrong', {}, message()))[0], 401)
  const elsewhere = { 'X-Gotify-Key': await server.token(['com.example']) }
  assert.equal((await refused('', elsewhere, message()))[0], 401)
  assert.equal((await refused('', good, '{"title":'))[0], 422)
  assert.equal((await refused('', good, message({ title: '' })))[0], 422)
  const [status, text] = await refused('', good, { title: 'x', metadata: {} })
  assert.equal(status, 422)
  assert.match(text, /Gotify|ingest\/proxmox|not valid/)
})

test('the version is told to anyone', async () => {
  const answer = await server.get('/version', null)
  assert.equal(answer.status, 200)
  assert.deepEqual(Object.keys(answer.body), ['version', 'commit', 'buildDate'])
})

test('a token in the address is written down nowhere', async () => {
  const secret = await server.token(['com.proxmox'])
  const part = secret.slice('tempo_00000000_'.length)
  for (const [query, body] of [
    [`?token=${secret}`, message({ title: 'Test notification' })],
    [`?token=${secret}`, '{"broken'],
    [`?token=${secret}x`, message()],
  ] as const) {
    await server.post(`/message${query}`, null, body)
  }
  const texts = await eventually(async () => {
    const deliveries = await server.get('/api/v1/deliveries?limit=200')
    const entries = await server.get('/api/v1/quarantine')
    const count = deliveries.body.items.filter(({ path }: { path: string }) => path === '/message').length
    return count >= 3 && entries.body.items.length > 0 && [deliveries.text, entries.text]
  })
  const [dump] = await server.db.read`
    SELECT concat((SELECT string_agg(d::text, '') FROM deliveries d), (SELECT string_agg(q::text, '') FROM quarantine q),
                  (SELECT string_agg(e::text, '') FROM events e),
                  (SELECT string_agg(i::text, '') FROM idempotency i)) AS text`
  for (const text of [...texts, dump!.text, inspect(server.log, { depth: 9 })]) {
    assert.ok(text.length > 0)
    assert.ok(!text.includes(part))
  }
})
