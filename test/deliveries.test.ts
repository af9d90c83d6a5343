import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Delivery } from '../src/access.ts'
import { storedDeliveries } from './helpers/deliveries.ts'
import { eventually, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let token: string
before(async () => {
  server = await startTestServer()
  token = await server.token(['com.proxmox'])
})
after(() => server.stop())

/** Sends an event and waits until its delivery is listed: they are written behind the answer. */
async function deliver(
  secret: string | null,
  body: unknown,
  path = '/ingest',
  to = server,
): Promise<Delivery> {
  const agent = `agent ${Math.random()}`
  await to.post(path, secret, body, { 'User-Agent': agent })
  return eventually(async () => {
    const { items } = (await to.get('/api/v1/deliveries?limit=200')).body
    return items.find((item: Delivery) => item.userAgent === agent)
  })
}

describe('every attempt to deliver is listed', () => {
  test('with time, address, token, provider, status, size, duration and event', async () => {
    const start = Date.now()
    const {
      id,
      receivedAt,
      durationMs,
      eventId,
      tokenId,
      userAgent: _,
      ...rest
    } = await deliver(token, { title: 'x' })
    assert.deepEqual(rest, {
      path: '/ingest',
      address: '127.0.0.1',
      tokenName: 'test com.proxmox',
      provider: 'com.proxmox',
      status: 200,
      reason: null,
      bytes: 13,
      quarantineId: null,
      authenticated: true,
    })
    assert.ok(Date.parse(String(receivedAt)) >= start - 1 && Date.parse(String(receivedAt)) <= Date.now())
    assert.ok(durationMs > 0 && durationMs < 10_000)
    assert.match(id, /^[0-9a-f-]{36}$/)
    const tokens = (await server.get('/api/v1/tokens')).body.items
    assert.equal(tokens.find((item: { id: string }) => item.id === tokenId).name, 'test com.proxmox')
    assert.equal((await server.get(`/api/v1/events/${eventId}`)).status, 200)
    const found = (await server.get(`/api/v1/deliveries?eventId=${eventId}`)).body.items
    assert.deepEqual(
      found.map((item: Delivery) => item.id),
      [id],
    )
  })

  test('with the reason when it was refused', async () => {
    const expired = await server.token(['com.a'], ['ingest'], new Date(Date.now() - 1))
    const cases: [string | null, unknown, Partial<Delivery>][] = [
      [null, {}, { status: 401, reason: 'no_token', authenticated: false, tokenName: null }],
      ['wrong', {}, { status: 401, reason: 'unknown_token', authenticated: false, tokenName: null }],
      [expired, {}, { status: 401, reason: 'token_expired', authenticated: false, tokenName: 'test com.a' }],
      [
        await server.token([], ['read']),
        {},
        { status: 401, reason: 'wrong_scope', authenticated: true, tokenName: 'test ', provider: null },
      ],
      [
        token,
        { title: 'x', providerIdentifier: 'com.other' },
        { status: 401, reason: 'provider_not_bound', authenticated: true, provider: 'com.other', bytes: 46 },
      ],
      [
        token,
        { title: '' },
        { status: 422, reason: 'invalid_input', tokenName: 'test com.proxmox', eventId: null },
      ],
      [token, '{', { status: 422, reason: 'invalid_json', provider: null, bytes: 1 }],
      [token, 'x'.repeat(5_000_000), { status: 413, reason: 'body_too_large', bytes: null }],
    ]
    for (const [secret, body, expected] of cases) {
      const delivery = await deliver(secret, body, '/events/')
      assert.equal(delivery.path, '/events/')
      for (const [name, value] of Object.entries(expected)) {
        assert.deepEqual(delivery[name as keyof Delivery], value, `${expected.reason}: ${name}`)
      }
      assert.equal(delivery.quarantineId !== null, delivery.status === 422)
    }
  })

  test('under its token also when that was revoked, and never with a secret', async () => {
    const made = (await server.request('POST', '/api/v1/tokens', { name: 'old node' })).body
    await server.request('DELETE', `/api/v1/tokens/${made.id}`)
    const delivery = await deliver(made.token, { title: 'x' })
    assert.deepEqual(
      [delivery.reason, delivery.tokenName, delivery.tokenId, delivery.authenticated],
      ['token_revoked', 'old node', made.id, false],
    )
    const all = (await server.get('/api/v1/deliveries?limit=200')).text
    for (const secret of [made.token, token, server.adminToken]) assert.ok(!all.includes(secret))
  })
})

test('deliveries can be narrowed to a status, to accepted or refused ones', async () => {
  await deliver(token, { title: 'x' })
  await deliver(null, {})
  const statuses = async (query: string) =>
    new Set((await server.get(`/api/v1/deliveries?${query}`)).body.items.map((item: Delivery) => item.status))
  assert.deepEqual(await statuses('status=422'), new Set([422]))
  assert.deepEqual(await statuses('accepted=true'), new Set([200]))
  const refused = await statuses('accepted=false')
  assert.ok(refused.has(401) && !refused.has(200))
  for (const bad of [
    'status=abc',
    'status=99',
    'accepted=yes',
    'limit=0',
    'limit=201',
    'cursor=x',
    'eventId=x',
  ]) {
    const answer = await server.get(`/api/v1/deliveries?${bad}`)
    assert.equal(answer.status, 422, bad)
    assert.equal(answer.body.errors[0].path, bad.split('=')[0])
  }
})

test('deliveries are read page by page, nothing twice and nothing missed, while new ones come', async (t) => {
  const own = await startTestServer()
  t.after(own.stop)
  const secret = await own.token(['com.proxmox'])
  const send = (n: number) =>
    Promise.all(Array.from({ length: n }, () => own.post('/ingest', secret, { title: 'x' })))
  await send(110)
  const known = await eventually(async () => {
    const { rows, chunks } = await storedDeliveries(own.db)
    const ids = [...rows, ...chunks.flat()]
    return ids.length === 110 && ids.toSorted().reverse()
  })
  const read: string[] = []
  let cursor = ''
  do {
    const { body } = await own.get(`/api/v1/deliveries?limit=25${cursor && `&cursor=${cursor}`}`)
    read.push(...body.items.map((item: Delivery) => item.id))
    await send(3)
    cursor = body.nextCursor
  } while (cursor)
  assert.deepEqual(read, known)
})

test('strangers fill neither the deliveries nor the quarantine, and push nobody out', async (t) => {
  const own = await startTestServer({ env: { TEMPO_DELIVERIES_MAX: '100' } })
  t.after(own.stop)
  const secret = await own.token(['com.proxmox'])
  for (let n = 0; n < 60; n++) await own.post('/ingest', secret, { title: 'x' })

  const wrong = (n: number) =>
    n % 3 === 0
      ? null
      : n % 3 === 1
        ? `wrong ${n}`
        : `tempo_${n.toString(16).padStart(8, '0')}_${'x'.repeat(43)}`
  for (let n = 0; n < 3_000; n += 50) {
    const batch = Array.from({ length: 50 }, (_, i) => own.post('/ingest', wrong(n + i), '{"title": broken'))
    for (const answer of await Promise.all(batch)) assert.equal(answer.status, 401)
    // Who has a token is served all the while.
    if (n % 1_000 === 0) assert.equal((await own.post('/ingest', secret, { title: 'y' })).status, 200)
  }
  const count = async (authenticated: boolean) => {
    const [row] = await own.db.read`
      SELECT count(*)::int AS count FROM deliveries WHERE authenticated = ${authenticated}`
    const { chunks } = await storedDeliveries(own.db)
    return row!.count + (authenticated ? chunks.flat().length : 0)
  }
  await eventually(async () => (await count(false)) <= 1_000, 10_000)
  assert.ok((await count(false)) > 500)
  assert.equal(await count(true), 63)
  assert.deepEqual((await own.get('/api/v1/quarantine')).body.items, [])

  for (let n = 0; n < 200; n += 50) {
    await Promise.all(Array.from({ length: 50 }, () => own.post('/ingest', secret, { title: 'z' })))
  }
  await deliver(secret, { title: 'the last' }, '/ingest', own)
  // The oldest crowd is kept as a whole while one of it is among the newest 100.
  const most = async () =>
    99 + Math.max(1, ...(await storedDeliveries(own.db)).chunks.map(({ length }) => length))
  await eventually(async () => (await count(true)) <= (await most()), 10_000)
  assert.ok((await count(true)) >= 100)
})
