import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let token: string
let now = Date.UTC(2026, 10, 21)
before(async () => {
  server = await startTestServer({ overrides: { now: () => new Date(now) } })
  token = await server.token(['com.proxmox'])
})
after(() => server.stop())

const BROKEN = '{"title": "Backup failed", "metadata": {"NodeName": "pve1", "Message": "a "quote" inside"}}'
const REPAIRED = BROKEN.replace('"quote"', String.raw`\"quote\"`)

async function refuse(body: unknown = BROKEN, headers = {}): Promise<string> {
  const answer = await server.post('/ingest', token, body, headers)
  assert.equal(answer.status, 422)
  return answer.body.quarantineId
}

const show = (id: string) => server.get(`/api/v1/quarantine/${id}`)
const ingest = (id: string, body?: unknown) => server.request('POST', `/api/v1/quarantine/${id}/ingest`, body)

describe('a refused body', () => {
  test('is kept raw, with who sent it and what was wrong', async () => {
    const id = await refuse(BROKEN, { 'Content-Type': 'text/plain' })
    const { body } = await show(id)
    assert.deepEqual([body.id, body.body, body.bytes], [id, BROKEN, BROKEN.length])
    assert.deepEqual(
      [body.path, body.address, body.contentType, body.tokenName, body.providers, body.receivedAt],
      [
        '/ingest',
        '127.0.0.1',
        'text/plain',
        'test com.proxmox',
        ['com.proxmox'],
        new Date(now).toISOString(),
      ],
    )
    const { code, line, column, hint, errors } = body.problem
    assert.deepEqual([code, line, column, errors.length], ['invalid_json', 1, BROKEN.indexOf('quote') + 1, 1])
    assert.match(hint, /json message/)
    const listed = (await server.get('/api/v1/quarantine')).body.items[0]
    const { body: _raw, ...rest } = body
    assert.deepEqual(listed, rest)
  })

  test('that is JSON but no event is kept too', async () => {
    const { body } = await show(await refuse({ title: '', startDate: 'never' }))
    assert.equal(body.body, '{"title":"","startDate":"never"}')
    assert.deepEqual(
      body.problem.errors.map((error: { path: string }) => error.path),
      ['title', 'startDate'],
    )
  })

  test('can be repaired, and gets the time of its arrival', async () => {
    const arrived = now
    const id = await refuse()
    now += 3_600_000
    const still = await ingest(id)
    assert.equal(still.status, 422)
    assert.equal((await show(id)).status, 200)

    const answer = await ingest(id, REPAIRED)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.body.provider, 'com.proxmox')
    assert.equal(answer.body.startDate, new Date(arrived).toISOString())
    const event = (await server.get(`/api/v1/events/${answer.body.id}`)).body
    assert.equal(event.metadata.Message, 'a "quote" inside')
    assert.equal(event.receivedAt, new Date(arrived).toISOString())
    for (const gone of [await show(id), await ingest(id, REPAIRED)]) assert.equal(gone.status, 404)
  })

  test('keeps its own startDate when it is repaired', async () => {
    const answer = await ingest(await refuse(), { title: 'x', startDate: 1795227247 })
    assert.equal(answer.body.startDate, '2026-11-21T02:14:07.000Z')
  })

  test('makes one event, also when two people repair it at once', async () => {
    const id = await refuse()
    const answers = await Promise.all(Array.from({ length: 8 }, () => ingest(id, REPAIRED)))
    const events = new Set(answers.filter((a) => a.status === 200).map((a) => a.body.id))
    assert.equal(events.size, 1)
    assert.ok(answers.every((answer) => answer.status === 200 || answer.status === 404))
  })

  test('can be discarded', async () => {
    const id = await refuse()
    const discard = () => server.request('DELETE', `/api/v1/quarantine/${id}`)
    assert.deepEqual([(await discard()).status, (await discard()).status], [204, 404])
    assert.equal((await show(id)).status, 404)
  })

  test('of bytes that are no text is shown as well as can be', async () => {
    const id = await refuse(new Uint8Array([0x7b, 0xff, 0x00, 0x22]))
    assert.equal((await show(id)).body.body, '{\ufffd\0"')
  })

  test('is kept under no other token than a good one for ingestion', async () => {
    const before = (await server.get('/api/v1/quarantine')).body.items.length
    for (const secret of [null, 'wrong', await server.token([], ['read'])]) {
      assert.equal((await server.post('/ingest', secret, BROKEN)).status, 401)
    }
    assert.equal((await server.get('/api/v1/quarantine')).body.items.length, before)
  })

  test('is for administrators to change, and ids that are none are refused', async () => {
    const id = await refuse()
    const headers = { 'X-Tempo-Token': await server.token([], ['read']) }
    assert.equal((await server.request('DELETE', `/api/v1/quarantine/${id}`, undefined, headers)).status, 403)
    assert.equal((await server.request('POST', `/api/v1/quarantine/${id}/ingest`, '', headers)).status, 403)
    assert.equal((await show('x')).status, 422)
    assert.equal((await server.get('/api/v1/quarantine?cursor=x')).status, 422)
  })
})

test('the quarantine is read page by page, newest first, nothing twice and nothing missed', async () => {
  const newest: string[] = []
  for (let n = 0; n < 25; n++) newest.unshift(await refuse(`{${n}`))
  const read: string[] = []
  let cursor = ''
  do {
    const { body } = await server.get(`/api/v1/quarantine?limit=10${cursor && `&cursor=${cursor}`}`)
    read.push(...body.items.map((item: { id: string }) => item.id))
    await refuse('{"later')
    cursor = body.nextCursor
  } while (cursor)
  assert.deepEqual(read.slice(0, 25), newest)
  assert.equal(new Set(read).size, read.length)
})

test('the quarantine holds so many bodies and no more; the oldest go first', async (t) => {
  const own = await startTestServer({ env: { TEMPO_QUARANTINE_MAX_BODIES: '5' } })
  t.after(own.stop)
  const secret = await own.token(['com.proxmox'])
  const ids: string[] = []
  for (let n = 0; n < 8; n++) ids.unshift((await own.post('/ingest', secret, '{')).body.quarantineId)
  const { items } = (await own.get('/api/v1/quarantine')).body
  assert.deepEqual(
    items.map((item: { id: string }) => item.id),
    ids.slice(0, 5),
  )
})

test('the quarantine holds so many bytes and no more', async (t) => {
  const own = await startTestServer({ env: { TEMPO_QUARANTINE_MAX_BYTES: '10000' } })
  t.after(own.stop)
  const secret = await own.token(['com.proxmox'])
  for (let n = 0; n < 6; n++) await own.post('/ingest', secret, `{${'x'.repeat(2_999)}`)
  const { items } = (await own.get('/api/v1/quarantine')).body
  assert.deepEqual(
    items.map((item: { bytes: number }) => item.bytes),
    [3_000, 3_000, 3_000],
  )
  await Promise.all(Array.from({ length: 20 }, () => own.post('/ingest', secret, `{${'x'.repeat(2_999)}`)))
  const after = (await own.get('/api/v1/quarantine')).body
  assert.ok(after.items.length <= 3, `${after.items.length}`)
})
