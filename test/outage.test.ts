import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestDatabase } from './helpers/database.ts'
import { openDatabaseProxy } from './helpers/database-proxy.ts'
import { eventually, startTestServer } from './helpers/server.ts'

/** A server whose database can be taken away. */
async function startCuttableServer(t: { after: (end: () => Promise<void>) => void }) {
  const database = await createTestDatabase()
  const proxy = await openDatabaseProxy(database.url)
  const server = await startTestServer({ env: { DATABASE_URL: proxy.url }, database })
  const token = await server.token(['com.proxmox'])
  assert.equal((await server.post('/ingest', token, { title: 'known from now on' })).status, 200)
  t.after(async () => {
    await proxy.restore()
    await server.stop()
    await proxy.close()
    await database.drop()
  })
  return { server, token, proxy }
}

async function timed<T>(work: Promise<T>): Promise<T & { ms: number }> {
  const start = performance.now()
  return { ...(await work), ms: performance.now() - start }
}

test('while the database is down the answer is 503 with Retry-After, and afterwards 200 by itself', async (t) => {
  const { server, token, proxy } = await startCuttableServer(t)
  await proxy.refuse()
  for (const headers of [{}, { 'Idempotency-Key': 'k' }]) {
    const answer = await timed(server.post('/ingest', token, { title: 'x' }, headers))
    assert.equal(answer.status, 503, answer.text)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.match(answer.headers.get('retry-after')!, /^\d+$/)
    assert.equal(answer.body.code, 'unavailable')
    assert.ok(answer.ms < 9_000, `${answer.ms} ms`)
  }
  const health = await eventually(async () => {
    const answer = await timed(server.get('/health', null))
    return answer.status === 503 && answer
  })
  assert.ok(health.ms < 500, `${health.ms} ms`)
  assert.deepEqual([health.body.status, health.body.database.status], ['down', 'down'])

  const read = await server.get('/api/v1/timeline')
  assert.deepEqual([read.status, read.body.code], [503, 'unavailable'])
  assert.match(read.headers.get('retry-after')!, /^\d+$/)
  const stranger = await server.post('/ingest', 'nobody', { title: 'x' })
  assert.equal(stranger.status, 401)
  const refused = await server.post('/ingest', token, { title: '' })
  assert.deepEqual([refused.status, refused.body.quarantineId], [422, undefined])

  await proxy.restore()
  await eventually(
    async () => (await server.post('/ingest', token, { title: 'back' })).status === 200,
    10_000,
  )
  await eventually(async () => (await server.get('/health', null)).status === 200, 10_000)
  assert.equal((await server.get('/api/v1/timeline?q=back')).body.items.length, 1)
})

test('while the database hangs every sender is answered before it hangs up, and /health at once', async (t) => {
  const { server, token, proxy } = await startCuttableServer(t)
  proxy.hang()
  const first = timed(server.post('/ingest', token, { title: 'first' }))
  // Most of these wait behind the first, which holds the writer.
  const others = Array.from({ length: 30 }, (_, n) =>
    timed(server.post('/ingest', token, { title: `${n}` }, n % 3 ? {} : { 'Idempotency-Key': `${n}` })),
  )
  await eventually(async () => (await server.get('/health', null)).status === 503)
  const health = await timed(server.get('/health', null))
  assert.ok(health.ms < 500, `${health.ms} ms`)
  const refused = await timed(server.post('/ingest', token, { title: '' }))
  assert.deepEqual([refused.status, refused.ms < 9_000], [422, true])
  for (const answer of await Promise.all([first, ...others])) {
    assert.equal(answer.status, 503, answer.text)
    assert.ok(answer.ms < 9_800, `${answer.ms} ms`)
  }
  await proxy.restore()
  await eventually(
    async () => (await server.post('/ingest', token, { title: 'back' })).status === 200,
    10_000,
  )
})

test('a database that is gone, or takes nobody in, is an outage too', async (t) => {
  const database = await createTestDatabase()
  const server = await startTestServer({ database })
  t.after(server.stop)
  const token = await server.token(['com.proxmox'])
  assert.equal((await server.post('/ingest', token, { title: 'x' })).status, 200)
  await database.drop()
  for (const answer of [
    await server.post('/ingest', token, { title: 'x' }),
    await server.get('/api/v1/events'),
  ]) {
    assert.deepEqual([answer.status, answer.body.code], [503, 'unavailable'], answer.text)
    assert.doesNotMatch(answer.text, /tempo_test/)
  }
})

test('a token that was made or revoked during an outage counts as soon as the database is back', async (t) => {
  const { server, token, proxy } = await startCuttableServer(t)
  await proxy.refuse()
  // Straight into the database: another server did it.
  const fresh = await server.token(['com.proxmox'])
  await server.db.read`UPDATE tokens SET revoked_at = now() WHERE name = 'test com.proxmox' AND id <> (
    SELECT id FROM tokens ORDER BY id DESC LIMIT 1)`
  assert.equal((await server.post('/ingest', fresh, { title: 'x' })).status, 503)
  await proxy.restore()
  await eventually(async () => (await server.post('/ingest', fresh, { title: 'x' })).status === 200, 10_000)
  await eventually(async () => (await server.post('/ingest', token, { title: 'x' })).status === 401, 10_000)
})

for (const outage of ['refuse', 'hang'] as const) {
  test(`the server stops in time while its database would ${outage}`, async (t) => {
    const { server, token, proxy } = await startCuttableServer(t)
    await proxy[outage]()
    const pending = server.post('/ingest', token, { title: 'x' }).catch(() => null)
    const start = performance.now()
    await server.app.stop()
    const ms = performance.now() - start
    assert.ok(ms < 15_000, `${ms} ms`)
    await pending
  })
}
