import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { after, before, describe, type TestContext, test } from 'node:test'
import { createTestDatabase } from './helpers/database.ts'
import { openDatabaseProxy } from './helpers/database-proxy.ts'
import { assertInvariants } from './helpers/invariants.ts'
import { bodyOf, HOUR, night } from './helpers/nights.ts'
import { makeDataDir, tempo } from './helpers/process.ts'
import { type Answer, eventually, fixture, startTestServer, type TestServer } from './helpers/server.ts'
import { failed, ok } from './helpers/vzdump.ts'

type Json = Record<string, unknown>
type Item = Json & { id: string }

/** In each dialect the same notifications; the recorded one has what was typed into its template, and no more. */
const UI = 'https://your-proxmox.lan:8006'

async function open(t: TestContext): Promise<TestServer> {
  const server = await startTestServer()
  t.after(server.stop)
  return server
}

async function makeToken(server: TestServer, wish: Json = {}): Promise<string> {
  const answer = await server.request('POST', '/api/v1/tokens', {
    name: 'pve',
    providers: ['com.proxmox'],
    ...wish,
  })
  assert.equal(answer.status, 201, answer.text)
  return answer.body.token
}

async function event(server: TestServer, id: string): Promise<Json & { metadata: Json; facts: Json }> {
  const [row] = await server.db.read`SELECT facts, payload, node, vmid FROM events WHERE id = ${id}`
  return { ...(await server.get(`/api/v1/events/${id}`)).body, ...row, facts: row!.facts ?? {} }
}

async function backups(server: TestServer): Promise<Item[]> {
  return (await server.get('/api/v1/backups')).body.items
}

/** What is the same in every dialect. */
async function essence(server: TestServer, folder: string, file: string, token: string) {
  const text = await fixture(`${folder}/${file}`)
  const path = folder === 'pve-native' ? '/ingest/proxmox' : '/ingest'
  const answer = await server.post(path, token, text)
  assert.equal(answer.status, 200, `${folder}/${file}: ${answer.text}`)
  const stored = await event(server, answer.body.id)
  const { title, severity, label, node, vmid, startDate, metadata, facts } = stored
  const { key } = (await server.get(`/api/v1/stacks/${answer.body.stackId}`)).body
  const all = {
    ...facts,
    ...Object.fromEntries(Object.entries(metadata).filter(([, v]) => v !== null && v !== '')),
  }
  return { sent: JSON.parse(text), stored, title, severity, label, node, vmid, startDate, key, all }
}

test('every notification is the same event in the native dialect as in our own', async (t) => {
  const servers = await Promise.all([open(t), open(t)])
  const token = await makeToken(servers[0], { defaults: { ServerUrl: UI } })
  const own = await makeToken(servers[1])
  for (const file of readdirSync(new URL('fixtures/pve', import.meta.url))) {
    const { sent, stored, ...native } = await essence(servers[0], 'pve-native', file, token)
    const { sent: sentOwn, stored: storedOwn, ...ours } = await essence(servers[1], 'pve', file, own)
    assert.deepEqual(native, ours, file)
    const { severity, message, fields } = sent
    const named = { hostname: 'NodeName', type: 'TaskType', 'job-id': 'JobId' } as const
    const expected = Object.fromEntries(
      Object.entries(named).map(([field, name]) => [name, fields?.[field] ?? null]),
    )
    assert.deepEqual(stored.metadata, { severity, Message: message, VMID: null, ...expected }, file)
    assert.deepEqual(stored.payload, {
      title: sent.title.trim(),
      startDate: stored.startDate,
      original: { title: sent.title, severity, timestamp: sent.timestamp, fields },
    })
    assert.equal(native.startDate, new Date(sent.timestamp * 1000).toISOString())
    assert.deepEqual(storedOwn.metadata, sentOwn.metadata)
  }
  const [one, other] = await Promise.all(
    servers.map(async (server) =>
      (await backups(server)).map(
        ({ id: _id, eventId: _event, stackId: _stack, reportId: _report, ...rest }) => rest,
      ),
    ),
  )
  const comparable = (rows: Json[] | undefined) => rows!.map((row) => ({ ...row, cluster: '' }))
  assert.deepEqual(comparable(one), comparable(other))
  for (const server of servers) await assertInvariants(server.db)
})

test('the shape of the reference text lacks the job, and is the same event otherwise', async (t) => {
  const servers = await Promise.all([open(t), open(t)])
  const tokens = await Promise.all(servers.map((server) => makeToken(server)))
  for (const file of readdirSync(new URL('fixtures/pve-tera', import.meta.url))) {
    const tera = await essence(servers[0]!, 'pve-tera', file, tokens[0]!)
    const { sent, stored, ...ours } = await essence(servers[1]!, 'pve', file, tokens[1]!)
    const facts = ({ JobId: _job, Message: _message, ...rest }: Json) => rest
    assert.deepEqual(
      { ...tera, sent, stored, all: facts(tera.all) },
      { ...ours, sent, stored, all: facts(ours.all) },
    )
    assert.deepEqual(tera.stored.metadata, tera.sent.metadata)
  }
})

describe('a report', () => {
  let server: TestServer
  let token: string
  before(async () => {
    server = await startTestServer()
    token = await makeToken(server, { name: 'lab-token' })
  })
  after(() => server.stop())

  test('of three guests is three backups, each an event in the stack of its guest, beside the report', async (t) => {
    const own = await open(t)
    const secret = await makeToken(own, { name: 'lab-token' })
    const answer = await own.post('/ingest/proxmox', secret, await fixture('pve-native/vzdump-failed.json'))
    const rows = (await backups(own)).sort((a, b) => (String(a.vmid) < String(b.vmid) ? -1 : 1))
    const shown = rows.map((row) => [
      row.vmid,
      row.name,
      row.status,
      row.durationSeconds,
      row.cluster,
      row.node,
    ])
    assert.deepEqual(shown, [
      ['100', 'web01', 'ok', 101, 'lab-token', 'pve1'],
      ['101', 'dns1', 'ok', 19, 'lab-token', 'pve1'],
      ['102', 'db01', 'failed', 129, 'lab-token', 'pve1'],
    ])
    // Proxmox prints three decimals of the unit.
    const near = (bytes: unknown, printed: number, unit: number) =>
      assert.ok(Math.abs((bytes as number) - printed * unit) <= unit / 2000, `${bytes}`)
    near(rows[0]!.sizeBytes, 4.87, 2 ** 30)
    near(rows[1]!.sizeBytes, 371.377, 2 ** 20)
    assert.equal(rows[2]!.sizeBytes, 0)
    assert.deepEqual(
      rows.map(({ startedAt }) => startedAt),
      ['01:00:04', '01:01:45', '01:02:04'].map((time) => `2026-11-21T${time}.000Z`),
    )
    assert.match(String(rows[2]!.log), /^2026-11-21 02:02:04 INFO: Starting[\s\S]*Input\/output error$/)
    for (const row of rows) {
      assert.deepEqual([row.reportId, row.jobId], [answer.body.id, 'backup-a1b2c3d4-e5f6'])
      const one = await event(own, String(row.eventId))
      const isFailed = row.vmid === '102'
      assert.deepEqual(
        [one.derivedFrom, one.stackId, one.title, one.severity, one.vmid, one.metadata.Outcome],
        [
          answer.body.id,
          row.stackId,
          `Backup of ${row.name} (${row.vmid}) ${isFailed ? 'failed' : 'successful'}`,
          isFailed ? 'error' : 'info',
          row.vmid,
          isFailed ? 'failed' : 'ok',
        ],
      )
      const stack = (await own.get(`/api/v1/stacks/${row.stackId}`)).body
      assert.deepEqual([stack.key, stack.count], [`pve1/${row.vmid}`, 1])
    }
    const report = (await own.get(`/api/v1/stacks/${answer.body.stackId}`)).body
    assert.deepEqual([report.key, report.count], ['pve1', 1])

    const { items } = (await own.get('/api/v1/sources')).body
    assert.deepEqual(
      items.map((source: Json) => [source.provider, source.events]),
      [['com.proxmox', 1]],
    )
    const span = 'from=2026-11-21T00:00:00Z&to=2026-11-22T00:00:00Z'
    const cells = (await own.get(`/api/v1/heatmap?${span}`)).body.items
    assert.deepEqual(cells, [
      { start: '2026-11-21T01:00:00.000Z', count: 1, severity: 'error', band: 'error' },
    ])
    await assertInvariants(own.db)
  })

  test('with an empty table tells of no guest, and keeps its reason', async () => {
    const answer = await server.post(
      '/ingest/proxmox',
      token,
      await fixture('pve-native/vzdump-failed-lock.json'),
    )
    const rows = await server.db.read`
      SELECT reason, (SELECT count(*)::int FROM guest_backups b WHERE b.report_id = r.event_id) AS backups,
             (SELECT count(*)::int FROM events e WHERE e.derived_from = r.event_id) AS events
      FROM backup_reports r WHERE event_id = ${answer.body.id}`
    assert.equal(rows[0]!.backups + rows[0]!.events, 0)
    assert.match(rows[0]!.reason, /lock/)
  })

  test('of a single guest stands in the stack of that guest itself', async () => {
    const answer = await server.post(
      '/ingest/proxmox',
      token,
      bodyOf({ startedAt: night('2026-06-01'), node: 'solo', guests: [failed(100, 'web')] }),
    )
    const stack = (await server.get(`/api/v1/stacks/${answer.body.stackId}`)).body
    assert.deepEqual([stack.key, stack.node, stack.vmid, stack.count], ['solo/100', 'solo', '100', 1])
    const [backup] = (await server.get('/api/v1/backups?node=solo')).body.items
    assert.deepEqual([backup.eventId, backup.reportId], [answer.body.id, answer.body.id])
    const shown = (await server.get(`/api/v1/events/${answer.body.id}`)).body
    assert.deepEqual([shown.metadata.VMID, shown.derivedFrom], [null, null])
    assert.deepEqual(
      shown.actions.filter(({ label }: Json) => label === 'Copy VMID').map(({ value }: Json) => value),
      ['100'],
    )
  })

  test('with lengths, sizes and times that cannot be is stored all the same', async () => {
    const table = (time: string, size: string, file: string) =>
      `\nDetails\n=======\nVMID    Name    Status    Time    Size    Filename\n` +
      `100     web     ok        ${time}    ${size}    ${file}\n\nTotal running time: ${time}\nTotal size: ${size}\n`
    const send = async (time: string, size: string, file: string, timestamp: number) => {
      const fields = { hostname: 'odd', type: 'vzdump', 'job-id': 'j'.repeat(5_000) }
      const title = 'vzdump backup status (odd.lan): backup successful '
      const body = { title, message: table(time, size, file), severity: 'info', timestamp, fields }
      return server.post('/ingest/proxmox', token, body)
    }
    const at = night('2026-06-02') / 1000
    for (const [time, size, file, timestamp] of [
      ['1.5s', '1 GiB', '/x.zst', at],
      ['999999999y', '9999999999999999 PiB', '/x.zst', at + 1],
      ['1s', '1 B', 'vm/100/0000-01-01T00:00:00Z', at + 2],
      ['1s', '1 B', 'vm/100/9999-01-01T00:00:00Z', at + 3],
      ['1h', '1 B', '/x.zst', -62135596800],
    ] as const) {
      const answer = await send(time, size, file, timestamp)
      assert.equal(answer.status, 200, `${time} ${answer.text}`)
      const found = await server.db.read`SELECT * FROM guest_backups WHERE report_id = ${answer.body.id}`
      assert.equal(found.length, 1, time)
      assert.ok(
        Math.abs(found[0]!.started_at.getTime() - timestamp * 1000) <= HOUR,
        `${found[0]!.started_at}`,
      )
    }
  })
})

describe('the same notification', () => {
  test('from two targets, and twice, is stored once; of another second or cluster it is another', async (t) => {
    const server = await open(t)
    const [one, other] = [await makeToken(server, { name: 'one' }), await makeToken(server, { name: 'two' })]
    const far = await makeToken(server, { name: 'far', defaults: { Cluster: 'far' } })
    const body = bodyOf({ startedAt: night('2026-06-01'), guests: [ok(100, 'web'), ok(101, 'dns')] })
    const answers = await Promise.all(
      [one, other, one, other].map((token) => server.post('/ingest/proxmox', token, body)),
    )
    const ids = new Set(answers.map((answer) => answer.body.id))
    assert.deepEqual([...ids], [answers[0]!.body.id])
    const again = await server.post('/ingest/proxmox/', other, {
      ...body,
      fields: { ...(body.fields as Json) },
    })
    assert.deepEqual(again.body, answers[0]!.body)
    const later = await server.post('/ingest/proxmox', one, {
      ...body,
      timestamp: Number(body.timestamp) + 1,
    })
    const distant = await server.post('/ingest/proxmox', far, body)
    assert.equal(new Set([...ids, later.body.id, distant.body.id]).size, 3)
    assert.equal((await backups(server)).length, 6)
    const guests = (await server.get('/api/v1/guests')).body.items
    assert.equal(guests.filter(({ cluster }: Json) => cluster === 'far').length, 2)
    assert.equal(guests.length, 4)
  })

  test('under an Idempotency-Key follows the key alone', async (t) => {
    const server = await open(t)
    const token = await makeToken(server)
    const body = bodyOf({ startedAt: night('2026-06-01'), guests: [ok(100, 'web')] })
    const send = async (change: Json, key: string) =>
      (await server.post('/ingest/proxmox', token, { ...body, ...change }, { 'Idempotency-Key': key })).body
        .id
    const first = await send({}, 'a')
    assert.equal(await send({ title: 'Test notification' }, 'a'), first)
    assert.notEqual(await send({}, 'b'), first)
  })

  test('payloads of our own on the native path are told apart by nothing but their externalID', async (t) => {
    const server = await open(t)
    const token = await makeToken(server)
    const send = async (body: Json) => (await server.post('/ingest/proxmox', token, body)).body
    const first = await send({ title: 'Same', metadata: { NodeName: 'a' } })
    const second = await send({ title: 'Same', metadata: { NodeName: 'b' } })
    assert.notEqual(first.id, second.id)
    const { node } = (await server.get(`/api/v1/events/${second.id}`)).body.metadata
    assert.equal(node, undefined)
    assert.equal((await server.get(`/api/v1/events/${second.id}`)).body.metadata.NodeName, 'b')
    const named = { providerIdentifier: 'com.proxmox', title: 'Same', externalID: 'x' }
    assert.deepEqual([(await send(named)).created, (await send(named)).created], [true, false])
  })
})

describe('what a token adds', () => {
  test('makes the five actions work, and gives way to what the sender says', async (t) => {
    const server = await open(t)
    const token = await makeToken(server, { defaults: { ServerUrl: 'https://pve.lan:8006', VMID: '7' } })
    const actionsOf = async (answer: Answer) =>
      (await server.get(`/api/v1/events/${answer.body.id}`)).body.actions.map(({ enabled, value }: Json) =>
        enabled ? value : null,
      )
    const native = await server.post('/ingest/proxmox', token, await fixture('pve-native/fencing.json'))
    const values = [
      'https://pve.lan:8006/',
      'https://pve.lan:8006/#v1:0:18',
      'https://pve.lan:8006',
      'pve2',
      '7',
    ]
    assert.deepEqual(await actionsOf(native), values)
    const own = await server.post('/ingest', token, await fixture('pve/fencing.json'))
    assert.deepEqual(await actionsOf(own), [`${UI}/`, `${UI}/#v1:0:18`, UI, 'pve2', '7'])
    const { metadata } = (await server.get(`/api/v1/events/${native.body.id}`)).body
    assert.equal('ServerUrl' in metadata, false)
  })

  test('is refused when it cannot be metadata', async (t) => {
    const server = await open(t)
    for (const defaults of [
      { '': 'x' },
      { 'a b': 'x' },
      { Cluster: '' },
      { Cluster: 'x'.repeat(1_001) },
      { Cluster: 7 },
      Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`n${n}`, 'x'])),
    ]) {
      const answer = await server.request('POST', '/api/v1/tokens', { name: 'x', defaults })
      assert.equal(answer.status, 422, JSON.stringify(defaults))
    }
    const good = { name: 'x', defaults: { Cluster: 'lab', ServerUrl: UI } }
    assert.deepEqual((await server.request('POST', '/api/v1/tokens', good)).body.defaults, good.defaults)
  })
})

test('tokens get their metadata on the command line, which refuses what cannot be', async (t) => {
  const database = await createTestDatabase()
  t.after(database.drop)
  const env = { DATABASE_URL: database.url, TEMPO_DATA_DIR: await makeDataDir(t) }
  const create = (...more: string[]) => tempo(['token', 'create', '--name', 'pve', ...more], env)
  const made = await create('--set', `ServerUrl=${UI}/?a=b`, '--set', ' Rack = 7', '--cluster', 'lab')
  assert.equal(made.code, 1, 'a name with blanks is none')
  const good = await create('--set', `ServerUrl=${UI}/?a=b`, '--set', 'Rack= 7', '--cluster', 'lab')
  assert.equal(good.code, 0, good.stderr)
  const rows = await database.open().read`SELECT defaults FROM tokens`
  assert.deepEqual(
    rows.map(({ defaults }) => defaults),
    [{ ServerUrl: `${UI}/?a=b`, Rack: '7', Cluster: 'lab' }],
  )
  for (const wrong of ['ServerUrl', '=x', 'ServerUrl=', 'Server Url=x', `A=${'x'.repeat(1_001)}`]) {
    const refused = await create('--set', wrong)
    assert.deepEqual([refused.code, refused.stdout], [1, ''], wrong)
    assert.match(refused.stderr, /--set .*NAME=VALUE/)
  }
})

test('an update by externalID puts another report in the place of the first', async (t) => {
  const server = await open(t)
  const token = await makeToken(server)
  const send = async (guests: Parameters<typeof bodyOf>[0]['guests']) => {
    const { title, message, fields } = bodyOf({ startedAt: night('2026-06-01'), guests }) as Record<
      string,
      string
    >
    const { hostname } = fields as unknown as Json
    const metadata = { NodeName: hostname, TaskType: 'vzdump', JobId: 'j', Message: message, Cluster: 'lab' }
    const startDate = new Date(night('2026-06-01') + HOUR).toISOString()
    return server.post('/ingest', token, { title, startDate, externalID: 'run 1', metadata })
  }
  const first = await send([ok(100, 'web'), ok(101, 'dns'), ok(102, 'mail')])
  const second = await send([failed(100, 'web'), ok(101, 'dns'), ok(103, 'new')])
  assert.deepEqual([second.body.id, second.body.created], [first.body.id, false])
  const rows = await backups(server)
  assert.deepEqual(
    rows.map(({ vmid, status, reportId }) => [vmid, status, reportId === first.body.id]).sort(),
    [
      ['100', 'failed', true],
      ['101', 'ok', true],
      ['103', 'ok', true],
    ],
  )
  for (const { eventId } of rows) {
    assert.equal((await event(server, String(eventId))).derivedFrom, first.body.id)
  }
  const guests = (await server.get('/api/v1/guests')).body.items
  const web = guests.find(({ vmid }: Json) => vmid === '100')
  assert.deepEqual([web.lastStatus, web.lastSuccessAt], ['failed', null])
  await assertInvariants(server.db)
})

test('reports that waited for the database are stored once, the same one also when it came twice', async (t) => {
  const database = await createTestDatabase()
  t.after(database.drop)
  const proxy = await openDatabaseProxy(database.url)
  t.after(proxy.close)
  const server = await startTestServer({ database, env: { DATABASE_URL: proxy.url } })
  t.after(server.stop)
  const token = await makeToken(server, { defaults: { Cluster: 'lab' } })
  assert.equal(
    (await server.post('/ingest/proxmox', token, await fixture('pve-native/test.json'))).status,
    200,
  )
  const body = bodyOf({ startedAt: night('2026-06-01'), guests: [ok(100, 'web'), failed(101, 'dns')] })
  await proxy.refuse()
  const answers = [
    await server.post('/ingest/proxmox', token, body),
    await server.post('/ingest/proxmox', token, body),
  ]
  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, 202],
  )
  await proxy.restore()
  const rows = await eventually(async () => {
    const found = await server.db.read`SELECT id FROM events WHERE derived_from IS NULL`
    const health = (await server.get('/health')).body
    return found.length === 2 && health.spool.depth === 0 && found
  }, 30_000)
  assert.ok(rows.some(({ id }) => id === answers[0]!.body.id))
  const stored = await backups(server)
  assert.deepEqual(stored.map(({ vmid, cluster, status }) => [vmid, cluster, status]).sort(), [
    ['100', 'lab', 'ok'],
    ['101', 'lab', 'failed'],
  ])
  await assertInvariants(server.db)
})

test('a broken native body is kept, and ingested when it is repaired', async (t) => {
  const server = await open(t)
  const token = await makeToken(server, { defaults: { Cluster: 'lab' } })
  const body = bodyOf({ startedAt: night('2026-06-01'), guests: [ok(100, 'web')] })
  const broken = JSON.stringify(body).replace(/"title":"[^"]*"/, '"title":"{{ title }}"')
  const refused = await server.post('/ingest/proxmox', token, broken)
  assert.equal(refused.status, 422)
  assert.match(refused.text, /json title/)
  const [entry] = (await server.get('/api/v1/quarantine')).body.items
  const repaired = await server.request('POST', `/api/v1/quarantine/${entry.id}/ingest`, body)
  assert.equal(repaired.status, 200, repaired.text)
  const [backup] = await backups(server)
  assert.deepEqual([backup!.vmid, backup!.cluster, backup!.reportId], ['100', 'lab', repaired.body.id])
})

test('native events are explained, and back-tested, as they were judged', async (t) => {
  const server = await open(t)
  const token = await makeToken(server)
  const ids: string[] = []
  for (const file of readdirSync(new URL('fixtures/pve-native', import.meta.url))) {
    const text = await fixture(`pve-native/${file}`)
    const sent = (await server.request('POST', '/api/v1/explain', text)).body
    const answer = (await server.post('/ingest/proxmox', token, text)).body
    const stored = (await server.request('POST', '/api/v1/explain', { eventId: answer.id })).body
    const { key } = (await server.get(`/api/v1/stacks/${answer.stackId}`)).body
    for (const { outcome } of [sent, stored]) {
      assert.deepEqual(
        [outcome.severity, outcome.label, outcome.key],
        [answer.severity, answer.label, key],
        file,
      )
    }
    ids.push(answer.id)
  }
  const all: Item[] = (await server.get('/api/v1/events?limit=200')).body.items
  assert.ok(all.length > ids.length, 'what was taken from reports is there too')
  const score = await readFile(new URL('../scores/com.proxmox.tempo-score', import.meta.url), 'utf8')
  const tested = await server.request('POST', '/api/v1/scores/com.proxmox/backtest', score)
  assert.equal(tested.status, 200, tested.text)
  assert.deepEqual(
    [tested.body.scanned, tested.body.unreadable, tested.body.items.length],
    [all.length, 0, 0],
  )
})
