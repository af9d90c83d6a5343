import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { createTestDatabase } from './helpers/database.ts'
import { openDatabaseProxy } from './helpers/database-proxy.ts'
import { type EventStream, openEventStream } from './helpers/event-stream.ts'
import { eventually, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let token: string
before(async () => {
  server = await startTestServer()
  token = await server.token([])
})
after(() => server.stop())

async function send(fields: Record<string, unknown>, to = server) {
  const answer = await to.post('/ingest', token, { title: 'x', providerIdentifier: 'com.proxmox', ...fields })
  assert.equal(answer.status, 200, answer.text)
  return answer.body as { id: string; stackId: string }
}

/** A stream that is on its way: the first message has come. */
async function open(query = '', lastEventId: string | null = null, from = server): Promise<EventStream> {
  const stream = await openEventStream(`${from.url}/api/v1/stream${query}`, server.adminToken, lastEventId)
  if (stream.response.ok) await stream.wait(({ event }) => event === 'ready' || event === 'reset')
  return stream
}

const idsOf = (stream: EventStream, kind: string): string[] =>
  stream.messages.filter(({ event }) => event === kind).map(({ data }) => data.id)

describe('the stream', () => {
  test('tells of events and of how their stacks change', async (t) => {
    const stream = await open()
    t.after(stream.close)
    const { headers } = stream.response
    assert.match(headers.get('content-type')!, /^text\/event-stream/)
    assert.deepEqual([headers.get('cache-control'), headers.get('x-accel-buffering')], ['no-cache', 'no'])

    const { id, stackId } = await send({ title: 'first', metadata: { NodeName: 'told', severity: 'error' } })
    const told = await stream.wait(({ event, data }) => event === 'event' && data.id === id)
    assert.deepEqual(told.data, (await server.get(`/api/v1/events/${id}`)).body)
    const { events: _, ...stack } = (await server.get(`/api/v1/stacks/${stackId}`)).body
    const toldStack = await stream.wait(({ event, data }) => event === 'stack' && data.id === stackId)
    assert.deepEqual(toldStack.data, stack)
    assert.match(stream.lastId()!, /^\d+:\d+:/)

    await server.request('POST', `/api/v1/stacks/${stackId}/ack`)
    await stream.wait(({ event, data }) => event === 'stack' && data.id === stackId && data.ackedAt !== null)
    await stream.wait(({ event, data }) => event === 'event' && data.id === id && data.ackedAt !== null)
  })

  test('tells only what was asked for', async (t) => {
    const streams = {
      proxmox: await open('?provider=com.proxmox'),
      node: await open('?node=wanted'),
      guest: await open('?vmid=100'),
      severe: await open('?severity=error'),
      all: await open(),
    }
    t.after(() => Promise.all(Object.values(streams).map((stream) => stream.close())))
    const node = (NodeName: string, VMID: string | null, severity: string) => ({
      metadata: { NodeName, VMID, severity },
    })
    const a = await send(node('wanted', '100', 'info'))
    const b = await send({ ...node('other', null, 'error'), providerIdentifier: 'com.proxmox.backup' })
    const c = await send({ providerIdentifier: 'com.proxmoxx', severity: 'critical' })
    const last = await send({ ...node('wanted', '100', 'critical'), groupingKey: 'last' })
    for (const stream of Object.values(streams)) await stream.wait(({ data }) => data.id === last.stackId)
    const told = Object.entries(streams).map(([name, stream]) => [name, idsOf(stream, 'event')])
    assert.deepEqual(Object.fromEntries(told), {
      proxmox: [a.id, b.id, last.id],
      node: [a.id, last.id],
      guest: [a.id, last.id],
      severe: [b.id, c.id, last.id],
      all: [a.id, b.id, c.id, last.id],
    })
  })

  test('goes on after Last-Event-ID with what was missed, and only that', async (t) => {
    const first = await open()
    const seen = await send({})
    await first.wait(({ data }) => data.id === seen.stackId)
    await first.close()
    const missed = [await send({}), await send({}), await send({ metadata: { NodeName: 'z' } })]
    const second = await open('', first.lastId())
    t.after(second.close)
    await second.wait(({ data }) => data.id === missed[2]!.stackId)
    assert.deepEqual(
      idsOf(second, 'event'),
      missed.map(({ id }) => id),
    )
    const third = await open('?node=z', first.lastId())
    t.after(third.close)
    await third.wait(({ data }) => data.id === missed[2]!.stackId)
    assert.deepEqual(idsOf(third, 'event'), [missed[2]!.id])
  })

  test('starts anew after an id that is too old to list, or of another database', async (t) => {
    const before = await open()
    await before.close()
    for (let n = 0; n < 1_010; n += 101) await Promise.all(Array.from({ length: 101 }, () => send({})))
    for (const id of [before.lastId()!, '9000000000:9000000001:']) {
      const stream = await open('', id)
      t.after(stream.close)
      const reset = await stream.wait(({ event }) => event === 'reset')
      assert.ok(reset.id !== null && reset.id !== id)
      const { stackId } = await send({})
      await stream.wait(({ data }) => data.id === stackId)
    }
  })

  test('refuses an id that is none, and filters that make no sense', async () => {
    for (const id of ['x', '0:0:', '9:1:', '1:9:9', `1:9:${'2,'.repeat(4_000)}2`]) {
      const { response } = await open('', id)
      assert.equal(response.status, 422, id)
      assert.equal(response.headers.get('content-type'), 'application/problem+json')
    }
    assert.equal((await open('?severity=fatal')).response.status, 422)
    const stream = await open('', '')
    assert.equal(stream.response.status, 200)
    await stream.close()
  })

  test('of one server tells what another stores in the same database', async (t) => {
    const second = await startTestServer({ database: server.database })
    t.after(second.stop)
    const streams = [await open(), await open('', null, second)]
    t.after(() => Promise.all(streams.map((stream) => stream.close())))
    const sent = [await send({}, server), await send({}, second)]
    for (const stream of streams) {
      for (const { id, stackId } of sent) {
        await stream.wait(({ data }) => data.id === id)
        await stream.wait(({ data }) => data.id === stackId)
      }
    }
    // What is missed at one server is told by the other.
    await streams[0]!.close()
    const { stackId } = await send({}, server)
    const resumed = await open('', streams[0]!.lastId(), second)
    t.after(resumed.close)
    await resumed.wait(({ data }) => data.id === stackId)
  })
})

test('a client that breaks off and comes back while events pour in misses none, nor does one that stays', async (t) => {
  const steady = await open()
  t.after(steady.close)
  const sent: string[] = []
  let pouring = true
  const pour = Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let n = 0; n < 100; n++) sent.push((await send({ metadata: { NodeName: `lane ${lane}` } })).id)
    }),
  ).finally(() => {
    pouring = false
  })
  const told = new Set<string>()
  let lastId = steady.lastId()
  let visits = 0

  /** Reads on, and breaks off behind some message, wherever that is. */
  async function visit(length: number): Promise<void> {
    const stream = await open('', lastId)
    await eventually(() => stream.messages.length >= length || !pouring)
    await stream.close()
    for (const { event, data, id } of stream.messages.slice(0, length)) {
      if (event === 'event') told.add(data.id)
      if (id !== null) lastId = id
    }
    visits++
  }

  while (pouring) await visit(1 + ((visits * 37) % 90))
  await pour
  const last = await send({})
  const rest = await open('', lastId)
  t.after(rest.close)
  for (const stream of [rest, steady]) await stream.wait(({ data }) => data.id === last.stackId)
  for (const id of idsOf(rest, 'event')) told.add(id)
  const missed = (by: Set<string>) => sent.filter((id) => !by.has(id))
  assert.deepEqual(missed(told), [])
  assert.deepEqual(missed(new Set(idsOf(steady, 'event'))), [])
  assert.ok(visits > 5, `${visits} visits`)
})

describe('a client', () => {
  test('that goes away leaves nothing behind that fails', async () => {
    for (let n = 0; n < 30; n++) {
      const controller = new AbortController()
      const opening = fetch(`${server.url}/api/v1/stream`, {
        headers: { 'X-Tempo-Token': server.adminToken },
        signal: controller.signal,
      }).catch(() => {})
      if (n % 2) await opening
      controller.abort()
      await send({})
    }
    for (let n = 0; n < 5; n++) assert.equal((await server.request('HEAD', '/api/v1/stream')).status, 200)
    assert.deepEqual(
      server.log.filter(({ level }) => level === 'error'),
      [],
    )
  })

  test('that reads nothing is let go, while the others are served', async (t) => {
    const good = await open()
    t.after(good.close)
    const lazy = connect(Number(new URL(server.url).port), '127.0.0.1')
    t.after(() => lazy.destroy())
    lazy.on('error', () => {})
    lazy.write(`GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nX-Tempo-Token: ${server.adminToken}\r\n\r\n`)
    await new Promise((resolve) => lazy.once('data', resolve))
    lazy.pause()
    const Message = 'x'.repeat(8_000)
    let last = await send({})
    for (let n = 0; n < 60; n++) {
      const batch = Array.from({ length: 50 }, (_, i) =>
        send({ groupingKey: `${n} ${i}`, metadata: { Message } }),
      )
      last = (await Promise.all(batch)).at(-1)!
    }
    await good.wait(({ data }) => data.id === last.stackId)
    lazy.resume()
    await eventually(() => lazy.destroyed, 10_000)
  })
})

test('a stop ends open streams at once', async () => {
  const own = await startTestServer()
  const streams = await Promise.all(
    Array.from({ length: 20 }, () => openEventStream(`${own.url}/api/v1/stream`, own.adminToken)),
  )
  for (const stream of streams) await stream.wait(({ event }) => event === 'ready')
  const start = performance.now()
  await own.app.stop()
  await Promise.all(streams.map((stream) => stream.ended))
  assert.ok(performance.now() - start < 2_500, `${performance.now() - start} ms`)
  await own.stop()
})

test('an outage of the database is answered 503 to who comes, and who is there gets what comes afterwards', async (t) => {
  const database = await createTestDatabase()
  const proxy = await openDatabaseProxy(database.url)
  const own = await startTestServer({ env: { DATABASE_URL: proxy.url }, database })
  const secret = await own.token([])
  const stream = await openEventStream(`${own.url}/api/v1/stream`, own.adminToken)
  t.after(async () => {
    await stream.close()
    await proxy.restore()
    await own.stop()
    await proxy.close()
    await database.drop()
  })
  await stream.wait(({ event }) => event === 'ready')
  await proxy.refuse()
  await eventually(async () => (await own.get('/health', null)).body.status === 'degraded')
  const late = await openEventStream(`${own.url}/api/v1/stream`, own.adminToken)
  assert.equal(late.response.status, 503)
  await proxy.restore()
  const answer = await eventually(async () => {
    const tried = await own.post('/ingest', secret, { title: 'back', providerIdentifier: 'a.b' })
    return tried.status === 200 && tried
  }, 10_000)
  await stream.wait(({ data }) => data.id === answer.body.id)
})
