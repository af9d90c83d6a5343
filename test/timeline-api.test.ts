import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { EventView, StackView } from '../src/wire.ts'
import { startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let token: string
before(async () => {
  server = await startTestServer()
  token = await server.token([])
})
after(() => server.stop())

const NOWHERE = '019ddc5e-7c00-7000-8000-000000000000'

async function send(fields: Record<string, unknown>): Promise<{ id: string; stackId: string }> {
  const answer = await server.post('/ingest', token, {
    title: 'x',
    providerIdentifier: 'com.proxmox',
    ...fields,
  })
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}

const get = async (path: string) => (await server.get(`/api/v1${path}`)).body
const post = async (path: string, body?: unknown) =>
  (await server.request('POST', `/api/v1${path}`, body)).body

async function titles(list: string, query: Record<string, string>): Promise<string[]> {
  const answer = await server.get(`/api/v1/${list}?${new URLSearchParams(query)}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.body.items.map((item: { title: string }) => item.title).sort()
}

async function clear(): Promise<void> {
  await server.db.write`TRUNCATE stacks, events CASCADE`
}

describe('filters', () => {
  before(async () => {
    const at = (day: number) => `2026-05-0${day}T12:00:00Z`
    const metadata = (NodeName: string, VMID: string | null, severity: string, Message = '') => ({
      metadata: { NodeName, VMID, severity, Message },
    })
    await send({
      title: 'guest',
      startDate: at(1),
      ...metadata('a', '100', 'error', 'Disk is 50% full, a_b'),
    })
    await send({
      title: 'node',
      startDate: at(2),
      ...metadata('a', null, 'info', 'DISK is fine, aXb, 50 percent'),
    })
    await send({
      title: 'other node',
      startDate: at(3),
      ...metadata('b', '200', 'critical', 'say "hello world" \\o/'),
    })
    await send({
      title: 'store',
      startDate: at(4),
      providerIdentifier: 'com.proxmox.backup',
      ...metadata('a', null, 'warning'),
    })
    await send({ title: 'lookalike', startDate: at(5), providerIdentifier: 'com.proxmoxx', severity: 'ok' })
    await send({ title: 'Überlauf', startDate: at(6), providerIdentifier: 'other.app', severity: 'warning' })
  })
  after(clear)

  const cases: [Record<string, string>, string[]][] = [
    [{}, ['guest', 'lookalike', 'node', 'other node', 'store', 'Überlauf']],
    [{ provider: 'com.proxmox' }, ['guest', 'node', 'other node', 'store']],
    [{ provider: 'com.proxmox.backup' }, ['store']],
    [{ provider: 'com' }, ['guest', 'lookalike', 'node', 'other node', 'store']],
    [{ provider: 'com.prox' }, []],
    [{ node: 'a' }, ['guest', 'node', 'store']],
    [{ node: 'A' }, []],
    [{ vmid: '100' }, ['guest']],
    [{ node: 'a', vmid: '200' }, []],
    [{ severity: 'ok' }, ['guest', 'lookalike', 'node', 'other node', 'store', 'Überlauf']],
    [{ severity: 'info' }, ['guest', 'node', 'other node', 'store', 'Überlauf']],
    [{ severity: 'error' }, ['guest', 'other node']],
    [{ severity: 'critical' }, ['other node']],
    [{ q: 'disk' }, ['guest', 'node']],
    [{ q: 'disk full' }, ['guest']],
    [{ q: 'full disk' }, ['guest']],
    [{ q: '"full disk"' }, []],
    [{ q: '"is fine"' }, ['node']],
    [{ q: '50%' }, ['guest']],
    [{ q: '%' }, ['guest']],
    [{ q: 'a_b' }, ['guest']],
    [{ q: '\\' }, ['other node']],
    [{ q: '"hello world' }, ['other node']],
    [{ q: "' OR 1=1 --" }, []],
    [{ q: 'NODE' }, ['node', 'other node']],
    [{ q: 'überlauf' }, ['Überlauf']],
    [{ q: ' ' }, ['guest', 'lookalike', 'node', 'other node', 'store', 'Überlauf']],
    [{ from: '2026-05-05T12:00:00Z' }, ['lookalike', 'Überlauf']],
    [{ to: '2026-05-02T12:00:00Z' }, ['guest']],
    [{ from: '2026-05-02T12:00:00Z', to: '1777809600' }, ['node']],
    [{ from: '2026-05-02T14:00:00+02:00', to: '2026-05-03T12:00:00.001Z' }, ['node', 'other node']],
    [{ from: '2026-05-03T00:00:00Z', to: '2026-05-01T00:00:00Z' }, []],
  ]
  for (const list of ['timeline', 'events']) {
    test(`narrow the list of ${list}`, async () => {
      for (const [query, expected] of cases) {
        assert.deepEqual(
          await titles(list, { limit: '200', ...query }),
          expected.sort(),
          JSON.stringify(query),
        )
      }
    })
  }

  test('that make no sense are refused by name', async () => {
    const bad = [
      ...[
        'limit=0',
        'limit=201',
        'limit=abc',
        'limit=',
        'limit=1.5',
        'limit=1&limit=2',
        'severity=fatal',
        'state=x',
      ],
      ...[
        'from=yesterday',
        'to=2026-05-01',
        'provider=Bad',
        'node=',
        'vmid=%00',
        'q=a%00b',
        `q=${'x'.repeat(201)}`,
      ],
      ...[
        `q=${'a+'.repeat(11)}`,
        'cursor=x',
        'cursor=e30',
        `node=${'n'.repeat(256)}`,
        'state=acked&state=all',
      ],
    ]
    const cursors = [
      [0, NOWHERE, '9:1:'],
      [0, NOWHERE, '1:9:9'],
      [9e15, NOWHERE, '1:1:'],
      [0, 'x', '1:1:'],
      [0],
      {},
      null,
    ]
    for (const made of cursors) bad.push(`cursor=${Buffer.from(JSON.stringify(made)).toString('base64url')}`)
    for (const query of bad) {
      for (const list of ['timeline', 'events']) {
        const answer = await server.get(`/api/v1/${list}?${query}`)
        assert.equal(answer.status, 422, `${query}: ${answer.text}`)
        assert.equal(answer.headers.get('content-type'), 'application/problem+json')
        assert.equal(answer.body.errors[0].path, query.split('=')[0], query)
      }
    }
  })
})

test('pages hold everything once, however much arrives while they are read', async () => {
  const startDate = (n: number) => 1_770_000_000 + n * 60
  for (let n = 0; n < 23; n++)
    await send({ title: `${n}`, startDate: startDate(n), groupingKey: `page ${n}` })
  for (const list of ['timeline', 'events']) {
    const read: string[] = []
    let cursor: string | null = ''
    do {
      const page = await get(`/${list}?limit=5${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
      read.push(...page.items.map((item: { title: string }) => item.title))
      // One that is new, and one that lifts a stack from the end of the list to its top.
      await send({
        title: 'new',
        startDate: startDate(1_000 + read.length),
        groupingKey: `${list} ${read.length}`,
      })
      if (list === 'timeline' && read.length === 5)
        await send({ title: '3', startDate: startDate(30), groupingKey: 'page 3' })
      cursor = page.nextCursor
    } while (cursor)
    const known = read.filter((title) => title !== 'new')
    assert.equal(new Set(known).size, 23, list)
    if (list === 'timeline') assert.equal(known.length, 23)
  }
  await clear()
})

describe('acknowledging and dismissing', () => {
  beforeEach(clear)

  async function stateOf(stackId: string) {
    const stack: StackView & { events: { items: EventView[] } } = await get(`/stacks/${stackId}`)
    const { ackedAt, dismissedAt } = stack
    const events = stack.events.items.map((event) => [event.ackedAt !== null, event.dismissedAt !== null])
    return { acked: ackedAt !== null, dismissed: dismissedAt !== null, events }
  }
  const startDate = '2026-05-01T12:00:00Z'

  test('of a stack is done to all its events, and undone', async () => {
    const { stackId } = await send({ title: 'one', groupingKey: 'k', startDate })
    await send({ title: 'two', groupingKey: 'k', startDate })
    const acked = await post(`/stacks/${stackId}/ack`)
    assert.ok(acked.ackedAt)
    assert.equal((await post(`/stacks/${stackId}/ack`)).ackedAt, acked.ackedAt)
    assert.deepEqual(await titles('timeline', {}), ['two'])
    assert.deepEqual(await titles('timeline', { state: 'acked' }), ['two'])

    await post(`/stacks/${stackId}/dismiss`)
    assert.deepEqual(await stateOf(stackId), {
      acked: true,
      dismissed: true,
      events: [
        [true, true],
        [true, true],
      ],
    })
    for (const [state, expected] of [
      ['active', []],
      ['acked', []],
      ['dismissed', ['two']],
      ['all', ['two']],
    ] as const) {
      assert.deepEqual(await titles('timeline', { state }), expected, state)
    }
    await post(`/stacks/${stackId}/restore`)
    await post(`/stacks/${stackId}/unack`)
    assert.deepEqual(await stateOf(stackId), {
      acked: false,
      dismissed: false,
      events: [
        [false, false],
        [false, false],
      ],
    })
  })

  test('of all events is the same as of their stack', async () => {
    const one = await send({ groupingKey: 'k', startDate })
    const two = await send({ groupingKey: 'k', startDate })
    assert.ok((await post(`/events/${one.id}/dismiss`)).dismissedAt)
    assert.equal((await stateOf(one.stackId)).dismissed, false)
    await post(`/events/${two.id}/dismiss`)
    assert.equal((await stateOf(one.stackId)).dismissed, true)
    await post(`/events/${two.id}/restore`)
    assert.equal((await stateOf(one.stackId)).dismissed, false)
  })

  test('is undone by a new event in the stack', async () => {
    const { stackId } = await send({ title: 'old', groupingKey: 'k', startDate })
    await post(`/stacks/${stackId}/ack`)
    await post(`/stacks/${stackId}/dismiss`)
    assert.deepEqual(await titles('timeline', {}), [])
    assert.equal((await send({ title: 'new', groupingKey: 'k', startDate })).stackId, stackId)
    assert.deepEqual(await titles('timeline', {}), ['new'])
    assert.deepEqual(await stateOf(stackId), {
      acked: false,
      dismissed: false,
      events: [
        [false, false],
        [true, true],
      ],
    })
  })

  test('can be done to many by ids or by filter', async () => {
    const sent = await Promise.all(
      ['a', 'b', 'c', 'd'].map((title) =>
        send({ title, providerIdentifier: title < 'c' ? 'app.one' : 'app.two' }),
      ),
    )
    const byIds = await post('/stacks/dismiss', { ids: [sent[0]!.stackId, sent[2]!.stackId, NOWHERE] })
    assert.deepEqual(byIds, { ids: [sent[0]!.stackId, sent[2]!.stackId].sort(), changed: 2 })
    assert.deepEqual(await titles('timeline', {}), ['b', 'd'])
    assert.equal((await post('/stacks/restore', { filter: { provider: 'app.one' } })).changed, 2)
    assert.deepEqual(await titles('timeline', {}), ['a', 'b', 'd'])
    assert.equal((await post('/events/ack', { filter: { q: 'd' } })).changed, 1)
    assert.deepEqual(await titles('events', { state: 'acked' }), ['d'])
    assert.equal((await post('/events/dismiss', { ids: sent.map(({ id }) => id) })).changed, 4)
    assert.equal((await post('/stacks/restore', { filter: {} })).changed, 4)
    assert.deepEqual(await titles('timeline', {}), ['a', 'b', 'c', 'd'])
  })

  test('of what does not exist, or in no understandable way, is refused', async () => {
    const { stackId } = await send({ title: 'stays' })
    for (const what of ['stacks', 'events']) {
      for (const verb of ['ack', 'unack', 'dismiss', 'restore']) {
        assert.equal((await post(`/${what}/${NOWHERE}/${verb}`)).status, 404)
      }
      for (const path of [`/${what}/${NOWHERE}/explode`, `/${what}/x/ack`, `/${what}/explode`]) {
        assert.equal((await post(path, { ids: [stackId] })).status, 422, path)
      }
      for (const body of [
        {},
        [],
        { ids: [] },
        { ids: ['x'] },
        { filter: {}, ids: [stackId] },
        { filter: { sevrity: 'x' } },
      ]) {
        const answer = await post(`/${what}/dismiss`, body)
        assert.deepEqual([answer.status, answer.code], [422, 'invalid_input'], JSON.stringify(body))
      }
    }
    assert.deepEqual(await titles('timeline', {}), ['stays'])
  })
})

test('a long message is cut in lists, visibly, and whole in the event', async () => {
  const Message = 'ä'.repeat(100_000)
  const { id, stackId } = await send({ metadata: { NodeName: 'long', Message, Short: 'kept' } })
  assert.equal((await get(`/events/${id}`)).metadata.Message, Message)
  const lists: EventView[] = [
    (await get('/timeline?node=long')).items[0].latest,
    (await get('/events?node=long')).items[0],
    (await get(`/stacks/${stackId}`)).events.items[0],
    (await get(`/stacks/${stackId}`)).latest,
  ]
  for (const { metadata } of lists) {
    assert.equal(metadata.Short, 'kept')
    assert.match(String(metadata.Message), /^ä{16384}… \(cut; the event has the whole\)$/)
  }
})

test('what does not exist is 404, and what cannot be an id is 422', async () => {
  for (const path of ['stacks', 'events', 'quarantine']) {
    assert.equal((await get(`/${path}/${NOWHERE}`)).status, 404)
    assert.equal((await get(`/${path}/nonsense`)).status, 422)
  }
  assert.equal((await get('/scores/com.nobody')).status, 404)
  assert.equal((await get('/scores/constructor')).status, 404)
  assert.equal((await server.request('DELETE', `/api/v1/tokens/${NOWHERE}`)).status, 404)
})
