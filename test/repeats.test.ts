import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let token: string
before(async () => {
  server = await startTestServer()
  token = await server.token(['com.proxmox'])
})
after(() => server.stop())

function post(fields: Record<string, unknown>, headers = {}, secret = token) {
  return server.post('/ingest', secret, { title: 'Backup', ...fields }, headers)
}

async function countEvents(): Promise<number> {
  const [row] = await server.db.read`SELECT count(*)::int AS count FROM events`
  return row!.count
}

describe('an externalID that comes again', () => {
  test('updates the event in place', async () => {
    const first = await post({ externalID: 'job-1', metadata: { NodeName: 'a', severity: 'error' } })
    const again = await post({
      externalID: 'job-1',
      title: 'Done',
      metadata: { NodeName: 'a', severity: 'info' },
    })
    assert.deepEqual([first.body.created, again.body.created], [true, false])
    assert.deepEqual([again.body.id, again.body.stackId], [first.body.id, first.body.stackId])
    const event = (await server.get(`/api/v1/events/${first.body.id}`)).body
    assert.deepEqual([event.title, event.severity, event.metadata.severity], ['Done', 'info', 'info'])
    const stack = (await server.get(`/api/v1/stacks/${first.body.stackId}`)).body
    assert.deepEqual([stack.count, stack.severity, stack.title], [1, 'info', 'Done'])
  })

  test('moves the event to another stack, and the stack that it left empty is gone', async () => {
    const first = await post({ externalID: 'job-2', metadata: { NodeName: 'b' } })
    const moved = await post({ externalID: 'job-2', metadata: { NodeName: 'c' } })
    assert.equal(moved.body.id, first.body.id)
    assert.notEqual(moved.body.stackId, first.body.stackId)
    assert.equal((await server.get(`/api/v1/stacks/${first.body.stackId}`)).status, 404)
    assert.equal((await server.get(`/api/v1/stacks/${moved.body.stackId}`)).body.key, 'c')
  })

  test('leaves the events that stay behind with a stack that is right', async () => {
    const at = (hour: number) => `2026-05-01T${hour}:00:00Z`
    const early = await post({
      externalID: 'job-3',
      startDate: at(10),
      severity: 'critical',
      groupingKey: 'd',
    })
    const late = await post({ startDate: at(12), groupingKey: 'd' })
    assert.equal(early.body.stackId, late.body.stackId)
    await post({ externalID: 'job-3', startDate: at(10), groupingKey: 'e' })
    const left = (await server.get(`/api/v1/stacks/${late.body.stackId}`)).body
    assert.deepEqual(
      [left.count, left.severity, left.openedAt, left.firstEventAt],
      [1, 'info', '2026-05-01T12:00:00.000Z', '2026-05-01T12:00:00.000Z'],
    )
  })

  test('of another provider is another event', async () => {
    const one = await post({ externalID: 'job-4' })
    const other = await post({ externalID: 'job-4', providerIdentifier: 'com.proxmox.backup' })
    assert.equal(other.body.created, true)
    assert.notEqual(other.body.id, one.body.id)
  })
})

describe('an Idempotency-Key that comes again', () => {
  test('gives the first answer and stores nothing, whatever comes with it', async () => {
    const first = await post({ odd: 1 }, { 'Idempotency-Key': 'k1' })
    const before = await countEvents()
    for (const fields of [{ odd: 1 }, { title: 'Other' }, { title: '' }]) {
      const again = await post(fields, { 'Idempotency-Key': ' k1 ' })
      assert.deepEqual([again.status, again.body], [200, first.body])
    }
    const broken = await server.post('/ingest', token, '{"title', { 'Idempotency-Key': 'k1' })
    assert.deepEqual([broken.status, broken.body], [200, first.body])
    assert.equal(await countEvents(), before)
  })

  test('gives one answer to all that arrive at once', async () => {
    const before = await countEvents()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post({ metadata: { NodeName: 'k2' } }, { 'Idempotency-Key': 'k2' })),
    )
    assert.equal(new Set(answers.map((answer) => answer.text)).size, 1)
    assert.equal(await countEvents(), before + 1)
  })

  test('gives one answer also when two servers get it at once', async (t) => {
    const second = await startTestServer({ database: server.database })
    t.after(second.stop)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 ? server : second).post('/ingest', token, { title: 'x' }, { 'Idempotency-Key': 'k3' }),
      ),
    )
    assert.equal(new Set(answers.map((answer) => answer.text)).size, 1)
  })

  test('counts for its token alone, and not for what was refused', async () => {
    const other = await server.token(['com.proxmox'])
    const [mine, theirs] = [
      await post({}, { 'Idempotency-Key': 'k4' }),
      await post({}, { 'Idempotency-Key': 'k4' }, other),
    ]
    assert.notEqual(mine.body.id, theirs.body.id)
    assert.equal((await post({ title: '' }, { 'Idempotency-Key': 'k5' })).status, 422)
    assert.equal((await post({}, { 'Idempotency-Key': 'k5' })).status, 200)
    assert.equal((await post({}, { 'Idempotency-Key': 'x'.repeat(255) })).status, 200)
    const long = await post({}, { 'Idempotency-Key': 'x'.repeat(256) })
    assert.deepEqual([long.status, long.body.errors[0].path], [422, 'Idempotency-Key'])
  })

  test('is forgotten after a day', async () => {
    const first = await post({}, { 'Idempotency-Key': 'k6' })
    await server.db.read`UPDATE idempotency SET created_at = now() - interval '25 hours' WHERE key = 'k6'`
    const later = await post({}, { 'Idempotency-Key': 'k6' })
    assert.notEqual(later.body.id, first.body.id)
  })
})

test('above TEMPO_RATE_LIMIT the answer is 429 with Retry-After, for that token alone and for a while', async (t) => {
  let now = Date.now()
  const own = await startTestServer({
    env: { TEMPO_RATE_LIMIT: '3' },
    overrides: { now: () => new Date(now) },
  })
  t.after(own.stop)
  const [busy, quiet] = [await own.token(['com.proxmox']), await own.token(['com.proxmox'])]
  const send = async (secret: string) => own.post('/ingest', secret, { title: 'x' })
  for (let n = 0; n < 3; n++) assert.equal((await send(busy)).status, 200)
  const answer = await send(busy)
  assert.equal(answer.status, 429)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  assert.equal(answer.headers.get('retry-after'), '20')
  assert.equal(answer.body.code, 'rate_limited')
  assert.equal((await send(quiet)).status, 200)
  now += 20_000
  assert.equal((await send(busy)).status, 200)
  assert.equal((await send(busy)).status, 429)
  const { items } = await eventually(async () => {
    const page = (await own.get('/api/v1/deliveries?status=429')).body
    return page.items.length === 2 && page
  })
  assert.equal(items[0].reason, 'rate_limited')
})
