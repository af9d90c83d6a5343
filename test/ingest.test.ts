import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { Action } from '../src/wire.ts'
import { fixture, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
/** Bound to com.proxmox alone. */
let token: string
before(async () => {
  server = await startTestServer()
  token = await server.token(['com.proxmox'])
})
after(() => server.stop())

/** Posts an event of its own node, unless the fields say otherwise. */
function post(fields: Record<string, unknown>, secret = token, headers = {}) {
  return server.post('/ingest', secret, { title: 'Backup', ...fields }, headers)
}

async function stored(answer: { body: { id: string } }) {
  return (await server.get(`/api/v1/events/${answer.body.id}`)).body
}

async function keyOf(metadata: Record<string, unknown>): Promise<string | null> {
  const answer = await post({ metadata })
  return (await server.get(`/api/v1/stacks/${answer.body.stackId}`)).body.key
}

let lastNode = 0
/** A node that no other test uses. */
function freshNode(): string {
  return `node-${++lastNode}`
}

const PROBE =
  '{"providerIdentifier":"com.proxmox","title":"manual probe","startDate":"2026-04-29T10:00:00Z","eventType":"alert",' +
  '"metadata":{"severity":"warning","ServerUrl":"https://pve-01.lan:8006","NodeName":"pve-01","VMID":"100",' +
  '"Message":"manual troubleshooting"}}'

/** Severity, badge, node and guest of each notification; no field of Proxmox holds a VMID, some can be read. */
const FIXTURES: Record<string, [string, string, string | null, string?]> = {
  'fencing-success.json': ['error', 'Error', 'pve2'],
  'fencing.json': ['error', 'Error', 'pve2'],
  'package-updates.json': ['info', 'Info', 'pve1'],
  'replication.json': ['error', 'Error', 'pve1', '100'],
  'system-mail.json': ['warning', 'System mail', 'pve1'],
  'test.json': ['info', 'Info', null],
  'vzdump-failed-lock.json': ['error', 'Error', 'pve1'],
  'vzdump-failed.json': ['error', 'Error', 'pve1'],
  'vzdump-ok-manual.json': ['info', 'Info', 'pve1', '100'],
  'vzdump-ok.json': ['info', 'Info', 'pve1'],
}

const UI = 'https://your-proxmox.lan:8006'

/** What the five actions of com.proxmox are for an event of a node, or of a guest. */
function expectedActions(node: string | null, vmid: string | null) {
  const open = { type: 'openURL', enabled: true, missing: [] }
  const copy = { type: 'copyToClipboard', enabled: true, missing: [] }
  const off = (name: string) => ({
    type: 'copyToClipboard',
    value: null,
    enabled: false,
    missing: [name],
  })
  return [
    { label: 'Open Proxmox UI', ...open, value: `${UI}/` },
    { label: 'Open Datacenter', ...open, value: `${UI}/#v1:0:18` },
    { label: 'Copy server URL', ...copy, value: UI },
    { label: 'Copy node name', ...(node ? { ...copy, value: node } : off('metadata.NodeName')) },
    { label: 'Copy VMID', ...(vmid ? { ...copy, value: vmid } : off('metadata.VMID')) },
  ]
}

for (const folder of ['pve', 'pve-tera']) {
  test(`every notification of ${folder} is stored with severity, badge, stack and actions`, async (t) => {
    const own = await startTestServer()
    t.after(own.stop)
    const secret = await own.token(['com.proxmox'])
    const sizes = new Map<string | null, number>()
    for (const file of readdirSync(new URL(`fixtures/${folder}`, import.meta.url)).sort()) {
      const [severity, label, node, vmid = null] = FIXTURES[file]!
      const text = await fixture(`${folder}/${file}`)
      const sent = JSON.parse(text)
      const answer = await own.post('/ingest', secret, text)
      assert.equal(answer.status, 200, `${file}: ${answer.text}`)
      assert.equal(answer.body.title, sent.title.trim())

      const event = (await own.get(`/api/v1/events/${answer.body.id}`)).body
      assert.deepEqual([event.severity, event.label], [severity, label], file)
      assert.deepEqual(event.source, { displayName: 'Proxmox', color: '#E57000' })
      assert.deepEqual(event.metadata, sent.metadata)
      const at = typeof sent.startDate === 'number' ? sent.startDate * 1_000 : Date.parse(sent.startDate)
      assert.equal(event.startDate, new Date(at).toISOString())
      const shown = event.actions.map(({ icon: _icon, ...action }: Action) => action)
      assert.deepEqual(shown, expectedActions(node, vmid), file)

      const stack = (await own.get(`/api/v1/stacks/${answer.body.stackId}`)).body
      const key = vmid === null ? node : `${node}/${vmid}`
      sizes.set(key, key === null ? 1 : (sizes.get(key) ?? 0) + 1)
      assert.deepEqual([stack.key, stack.node, stack.vmid], [key, node, vmid], file)
      const items: { id: string; derivedFrom: string | null }[] = stack.events.items
      const received = items.filter(({ derivedFrom }) => derivedFrom === null)
      assert.equal(received.length, sizes.get(key), file)
      assert.ok(received.some(({ id }) => id === answer.body.id))
    }
    const [row] = await own.db.read`
      SELECT count(*)::int AS count FROM stacks s
      WHERE EXISTS (SELECT 1 FROM events e WHERE e.stack_id = s.id AND e.derived_from IS NULL)`
    assert.equal(row!.count, sizes.size)
  })
}

test('the probe of the set-up guide is answered 200 and is on the timeline', async () => {
  const answer = await server.post('/ingest', token, PROBE, { 'Content-Type': 'application/json' })
  assert.equal(answer.status, 200)
  const { items } = (await server.get('/api/v1/timeline?q=manual%20probe')).body
  assert.deepEqual(
    items.map((stack: Record<string, unknown>) => [stack.key, stack.title, stack.severity, stack.label]),
    [['pve-01/100', 'manual probe', 'warning', 'Warning']],
  )
})

test('all four paths take an event whatever the Content-Type says', async () => {
  for (const path of ['/ingest', '/ingest/', '/events', '/events/']) {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'x', '']) {
      const answer = await server.post(path, token, PROBE, { 'Content-Type': type })
      assert.equal(answer.status, 200, `${path} as "${type}"`)
    }
    // Bytes are sent without any Content-Type.
    const answer = await server.post(path, token, new TextEncoder().encode(PROBE))
    assert.deepEqual([answer.status, answer.headers.get('location')], [200, null], path)
  }
})

test('the token may also come as Authorization: Bearer', async () => {
  for (const Authorization of [`Bearer ${token}`, `bearer  ${token} `]) {
    assert.equal((await server.post('/ingest', null, PROBE, { Authorization })).status, 200)
  }
})

test('any method but POST is answered 405 with Allow, and never redirected', async () => {
  for (const path of ['/ingest', '/ingest/', '/events', '/events/']) {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const answer = await server.request(method, path)
      assert.equal(answer.status, 405, `${method} ${path}`)
      assert.equal(answer.headers.get('allow'), 'POST')
      assert.equal(answer.body.code, 'method_not_allowed')
    }
    const head = await fetch(server.url + path, { method: 'HEAD', redirect: 'manual' })
    assert.equal(head.status, 405)
  }
})

test('the answer to a stored event has exactly the fields of the contract', async () => {
  const answer = await post({
    startDate: 1795227247,
    metadata: { NodeName: freshNode(), severity: 'notice' },
  })
  const { id, stackId, ...rest } = answer.body
  assert.match(answer.headers.get('content-type')!, /^application\/json/)
  for (const value of [id, stackId]) assert.match(value, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/)
  assert.deepEqual(rest, {
    provider: 'com.proxmox',
    title: 'Backup',
    startDate: '2026-11-21T02:14:07.000Z',
    severity: 'info',
    band: 'info',
    label: 'Notice',
    created: true,
    warnings: [],
  })
})

describe('fields', () => {
  test('a title is trimmed, and a very long one is cut with a warning while the payload keeps all of it', async () => {
    assert.equal((await post({ title: ' \n Backup\t ' })).body.title, 'Backup')
    const title = 'ä'.repeat(1_200)
    const answer = await post({ title })
    assert.equal(answer.body.title, 'ä'.repeat(1_000))
    assert.match(answer.body.warnings.join(), /title is over 1000 characters/)
    const [row] = await server.db
      .read`SELECT payload->>'title' AS title FROM events WHERE id = ${answer.body.id}`
    assert.equal(row!.title, title)
  })

  test('the provider may be left out only when the token is bound to exactly one', async () => {
    assert.equal((await post({})).body.provider, 'com.proxmox')
    assert.equal((await post({ providerIdentifier: null })).body.provider, 'com.proxmox')
    const below = await post({ providerIdentifier: 'com.proxmox.backup' })
    assert.equal(below.body.provider, 'com.proxmox.backup')
    for (const providers of [[], ['com.one', 'com.two']]) {
      const answer = await post({}, await server.token(providers))
      assert.equal(answer.status, 422)
      assert.equal(answer.body.errors[0].path, 'providerIdentifier')
    }
    const unbound = await post({ providerIdentifier: 'com.any' }, await server.token([]))
    assert.equal(unbound.body.provider, 'com.any')
  })

  test('startDate is ISO 8601 with a zone, or Unix seconds or milliseconds, and by default now', async () => {
    const expected = '2026-11-21T02:14:07.000Z'
    for (const startDate of [
      '2026-11-21T02:14:07Z',
      '2026-11-21T03:14:07+01:00',
      1795227247,
      '1795227247',
      1795227247000,
      '1795227247000',
    ]) {
      assert.equal((await post({ startDate })).body.startDate, expected, String(startDate))
    }
    const earliest = Date.now()
    for (const fields of [{}, { startDate: null }, { startDate: '' }]) {
      const at = Date.parse((await post(fields)).body.startDate)
      assert.ok(at >= earliest && at <= Date.now())
    }
  })

  test('the earliest and the latest date come back as they went in', async () => {
    for (const startDate of [
      '0001-01-01T00:00:00.000Z',
      '0099-12-31T23:59:59.999Z',
      '9999-12-31T23:59:59.999Z',
    ]) {
      const answer = await post({ startDate, endDate: startDate, metadata: { NodeName: freshNode() } })
      assert.equal(answer.status, 200, answer.text)
      const event = await stored(answer)
      assert.deepEqual([event.startDate, event.endDate], [startDate, startDate])
      const stack = (await server.get(`/api/v1/stacks/${answer.body.stackId}`)).body
      assert.deepEqual([stack.openedAt, stack.lastEventAt], [startDate, startDate])
    }
  })

  test('all optional fields are kept', async () => {
    const actions = [
      {
        label: ' Open guest ',
        systemIcon: 'server.rack',
        trigger: { openURL: '${metadata.Base}/100', copyToClipboard: '' },
      },
      { label: 'Copy VMID', trigger: { copyToClipboard: 'own' } },
      { label: 'Bad link', trigger: { openURL: 'javascript:alert(1)' } },
    ]
    const answer = await post({
      endDate: '2026-11-21T02:20:00Z',
      eventType: 'task',
      externalID: 4711,
      severity: 'critical',
      color: '#112233',
      groupingKey: ' own key ',
      recurrenceRule: 'FREQ=DAILY',
      actions,
      metadata: { Base: 'https://a.lan' },
    })
    const event = await stored(answer)
    assert.deepEqual(
      [event.endDate, event.eventType, event.externalID, event.severity, event.label, event.color],
      ['2026-11-21T02:20:00.000Z', 'task', '4711', 'critical', 'Critical', '#112233'],
    )
    assert.equal((await server.get(`/api/v1/stacks/${answer.body.stackId}`)).body.key, 'own key')
    const shown = event.actions.map((action: Action) => [action.label, action.value, action.enabled])
    assert.equal(shown.length, 7)
    assert.deepEqual(shown.slice(4), [
      ['Copy VMID', 'own', true],
      ['Open guest', 'https://a.lan/100', true],
      ['Bad link', null, false],
    ])
    const many = Array.from({ length: 9 }, (_, n) => ({ label: `${n}`, trigger: { copyToClipboard: 'x' } }))
    assert.equal((await post({ actions: many.slice(1) })).status, 200)
    assert.equal((await post({ actions: many })).body.errors[0].path, 'actions')
    assert.equal((await post({ externalID: 'x'.repeat(201) })).body.errors[0].path, 'externalID')
  })

  test('metadata has at most 256 keys and 16 levels', async () => {
    const keys = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]))
    const levels = (n: number): unknown => (n === 0 ? 1 : { deeper: levels(n - 1) })
    assert.equal((await post({ metadata: keys(256) })).status, 200)
    assert.equal((await post({ metadata: keys(257) })).status, 422)
    assert.equal((await post({ metadata: levels(16) })).status, 200)
    assert.equal((await post({ metadata: levels(17) })).status, 422)
  })

  test('an unknown key is a warning, not a refusal, and names that mean something in JavaScript are just names', async () => {
    const answer = await post({ sevrity: 'error', colour: '#112233' })
    assert.equal(answer.status, 200)
    assert.match(answer.body.warnings.join('\n'), /"sevrity".*severity/)
    const text =
      '{"title":"x","__proto__":{"a":1},"constructor":2,"metadata":{"__proto__":{"b":2},"toString":"c"}}'
    const odd = await server.post('/ingest', token, text)
    assert.equal(odd.status, 200)
    const read = await server.get(`/api/v1/events/${odd.body.id}`)
    assert.match(read.text, /"metadata":\{"__proto__":\{"b":2\},"toString":"c"\}/)
  })
})

describe('grouping', () => {
  test('events of one guest share a stack within a day, and a day later a new one opens', async () => {
    const NodeName = freshNode()
    const at = async (startDate: string) =>
      (await post({ startDate, metadata: { NodeName, VMID: '100' } })).body.stackId
    const first = await at('2026-04-29T10:00:00Z')
    assert.equal(await at('2026-04-30T09:59:59.999Z'), first)
    assert.notEqual(await at('2026-04-30T10:00:00Z'), first)
    const stack = (await server.get(`/api/v1/stacks/${first}`)).body
    assert.deepEqual(
      [stack.key, stack.count, stack.openedAt, stack.closesAt],
      [`${NodeName}/100`, 2, '2026-04-29T10:00:00.000Z', '2026-04-30T10:00:00.000Z'],
    )
  })

  test('without a VMID the node is the key, and without a node too the event stands alone', async () => {
    const NodeName = freshNode()
    assert.equal(await keyOf({ NodeName, VMID: '100' }), `${NodeName}/100`)
    for (const VMID of ['', null, undefined, '  ']) assert.equal(await keyOf({ NodeName, VMID }), NodeName)
    for (const blank of ['', null, undefined]) {
      assert.equal(await keyOf({ NodeName: blank, VMID: blank }), null)
      const [one, other] = [await post({ metadata: { NodeName: blank } }), await post({ metadata: {} })]
      assert.notEqual(one.body.stackId, other.body.stackId)
    }
  })
})
