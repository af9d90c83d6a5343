import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestDatabase } from './helpers/database.ts'
import { openDatabaseProxy } from './helpers/database-proxy.ts'
import { eventually, startTestServer } from './helpers/server.ts'

/** No sender waits longer, whatever the database does. */
const MAX_WAIT_MS = 5_000

/** A server whose database can be taken away. */
async function startCuttableServer(t: { after: (end: () => Promise<void>) => void }) {
  const database = await createTestDatabase()
  const proxy = await openDatabaseProxy(database.url)
  const server = await startTestServer({
    env: { DATABASE_URL: proxy.url, TEMPO_WRITE_DEADLINE_MS: '2000' },
    database,
  })
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

test('while the database is down events are kept on disk, and stored by themselves afterwards', async (t) => {
  const { server, token, proxy } = await startCuttableServer(t)
  await proxy.refuse()
  const ids: string[] = []
  for (const headers of [{}, { 'Idempotency-Key': 'k' }]) {
    const answer = await timed(server.post('/ingest', token, { title: 'kept', odd: 1 }, headers))
    assert.equal(answer.status, 202, answer.text)
    const { id, ...rest } = answer.body
    assert.deepEqual(rest, {
      spooled: true,
      warnings: ['"odd" is not a key of an event and was kept, but not used'],
    })
    assert.ok(answer.ms < MAX_WAIT_MS, `${answer.ms} ms`)
    ids.push(id)
  }
  const again = await server.post('/ingest', token, { title: 'other' }, { 'Idempotency-Key': 'k' })
  assert.deepEqual([again.status, again.body.id], [202, ids[1]])
  const health = await eventually(async () => {
    const answer = await timed(server.get('/health', null))
    return answer.body.status === 'degraded' && answer
  })
  assert.ok(health.ms < 500, `${health.ms} ms`)
  assert.deepEqual([health.status, health.body.database.status, health.body.spool.depth], [200, 'down', 2])
  assert.ok(health.body.spool.bytes > 0 && health.body.spool.oldestAgeSeconds >= 0)

  const read = await server.get('/api/v1/timeline')
  assert.deepEqual([read.status, read.body.code], [503, 'unavailable'])
  assert.match(read.headers.get('retry-after')!, /^\d+$/)
  const stranger = await server.post('/ingest', 'nobody', { title: 'x' })
  assert.equal(stranger.status, 401)
  const refused = await server.post('/ingest', token, { title: '' })
  assert.equal(refused.status, 422)

  await proxy.restore()
  await eventually(
    async () => (await server.post('/ingest', token, { title: 'back' })).status === 200,
    10_000,
  )
  const well = await eventually(async () => {
    const { body } = await server.get('/health', null)
    // The file goes a moment after its last record.
    return body.status === 'ok' && body.spool.bytes === 0 && body
  }, 10_000)
  assert.deepEqual(well.spool, { depth: 0, oldestAgeSeconds: null, bytes: 0 })
  for (const id of ids) assert.equal((await server.get(`/api/v1/events/${id}`)).body.title, 'kept')
  const quarantined = await server.get(`/api/v1/quarantine/${refused.body.quarantineId}`)
  assert.deepEqual([quarantined.status, quarantined.body.body], [200, '{"title":""}'])
  const once = await server.post('/ingest', token, { title: 'other' }, { 'Idempotency-Key': 'k' })
  assert.deepEqual([once.status, once.body.id, once.body.title], [200, ids[1], 'kept'])
})

test('while the database hangs every sender is answered before it hangs up, and /health at once', async (t) => {
  const { server, token, proxy } = await startCuttableServer(t)
  proxy.hang()
  const first = timed(server.post('/ingest', token, { title: 'first' }))
  // Most of these wait behind the first, which holds the writer.
  const others = Array.from({ length: 30 }, (_, n) =>
    timed(server.post('/ingest', token, { title: `${n}` }, n % 3 ? {} : { 'Idempotency-Key': `${n}` })),
  )
  await eventually(async () => (await server.get('/health', null)).body.status === 'degraded')
  const health = await timed(server.get('/health', null))
  assert.ok(health.ms < 500, `${health.ms} ms`)
  const refused = await timed(server.post('/ingest', token, { title: '' }))
  assert.deepEqual([refused.status, refused.ms < MAX_WAIT_MS], [422, true])
  for (const answer of await Promise.all([first, ...others])) {
    assert.equal(answer.status, 202, answer.text)
    assert.ok(answer.ms < MAX_WAIT_MS, `${answer.ms} ms`)
  }
  // By now it is known, and nobody waits.
  const direct = await timed(
    server.post('/ingest', token, { title: 'direct' }, { 'Idempotency-Key': 'direct' }),
  )
  assert.deepEqual([direct.status, direct.ms < 1_000], [202, true], `${direct.ms} ms`)
  await proxy.restore()
  await eventually(
    async () => (await server.post('/ingest', token, { title: 'back' })).status === 200,
    10_000,
  )
})

test('a database that is gone, or takes nobody in, is an outage too', async (t) => {
  const database = await createTestDatabase()
  const server = await startTestServer({ env: { TEMPO_WRITE_DEADLINE_MS: '2000' }, database })
  t.after(server.stop)
  const token = await server.token(['com.proxmox'])
  assert.equal((await server.post('/ingest', token, { title: 'x' })).status, 200)
  await database.drop()
  assert.equal((await server.post('/ingest', token, { title: 'x' })).status, 202)
  const answer = await server.get('/api/v1/events')
  assert.deepEqual([answer.status, answer.body.code], [503, 'unavailable'], answer.text)
  assert.doesNotMatch(answer.text, /tempo_test/)
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
