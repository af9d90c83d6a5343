import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createTestDatabase } from './helpers/database.ts'
import { openDatabaseProxy } from './helpers/database-proxy.ts'
import { makeDataDir, startServer, tempo } from './helpers/process.ts'
import { type Answer, eventually, startTestServer, type TestServer } from './helpers/server.ts'

type Json = Record<string, unknown>
type Made = { id: string; token: string; hmacSecret: string }

const PATH = '/ingest/proxcenter'
const PROVIDERS = ['com.proxcenter']
const AT = '2026-11-22T10:00:00Z'

let server: TestServer
before(async () => {
  server = await startTestServer()
})
after(() => server.stop())

async function make(wish: Json = {}, at = server): Promise<Made> {
  const body = { name: 'proxcenter', providers: PROVIDERS, ...wish }
  const answer = await at.request('POST', '/api/v1/tokens', body)
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}

function digest(secret: string, body: string | Uint8Array, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHmac('sha256', secret).update(body).digest(encoding)
}

/** Posts as ProxCenter does: `X-ProxCenter-Signature: sha256=HEX`, and maybe a token. */
function postSigned(secret: string, body: Json | string, token: string | null = null, at = server) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return at.post(PATH, token, text, { 'X-ProxCenter-Signature': `sha256=${digest(secret, text)}` })
}

function assertRefused(answer: Answer, code: string, detail: RegExp): void {
  assert.deepEqual([answer.status, answer.body?.code], [401, code], answer.text)
  assert.match(answer.body.detail, detail)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
}

async function stackOf(answer: Answer, at = server): Promise<Json & { count: number }> {
  assert.equal(answer.status, 200, answer.text)
  return (await at.get(`/api/v1/stacks/${answer.body.stackId}`)).body
}

async function lastDelivery(at = server): Promise<Json> {
  return (await at.get('/api/v1/deliveries?limit=1')).body.items[0]
}

/** The delivery of a body that nothing else has, once it is written down. */
async function deliveryOf(bytes: number, at = server): Promise<Json> {
  return eventually(async () => {
    const { items } = (await at.get('/api/v1/deliveries')).body
    return items.find((item: Json) => item.bytes === bytes)
  })
}

describe('what it sends', () => {
  test('of each event type and severity is judged by the bundled score', async () => {
    const { token } = await make()
    const severities = ['critical', 'high', 'warning', 'info'] as const
    for (const [event, label, ...expected] of [
      ['Alert triggered', 'Alert', 'critical', 'error', 'warning', 'info'],
      ['alert.resolved', 'Resolved', 'ok', 'ok', 'ok', 'ok'],
      ['BACKUP_FAILED', 'Backup failed', 'critical', 'error', 'warning', 'error'],
      ['task-failed', 'Task failed', 'critical', 'error', 'warning', 'error'],
      ['NodeOffline', 'Node offline', 'critical', 'critical', 'critical', 'critical'],
      ['connection_lost', 'Connection lost', 'critical', 'error', 'error', 'error'],
      ['Compliance issue', 'Compliance', 'critical', 'error', 'warning', 'info'],
      ['CVE detected', 'CVE', 'critical', 'error', 'warning', 'info'],
    ] as const) {
      for (const [index, severity] of severities.entries()) {
        const metadata = { node: `n-${event}`, vmid: 100 + index, connection_name: 'lab' }
        const answer = await server.post(PATH, token, {
          event,
          severity,
          message: 'x',
          metadata,
          timestamp: AT,
        })
        assert.equal(answer.status, 200, answer.text)
        assert.deepEqual(answer.body.warnings ?? [], [])
        const stored = (await server.get(`/api/v1/events/${answer.body.id}`)).body
        assert.deepEqual(
          [stored.severity, stored.label, stored.providerIdentifier ?? stored.provider],
          [expected[index], label, 'com.proxcenter'],
          `${event} ${severity}`,
        )
        assert.equal(stored.metadata.vmid, 100 + index, 'their own metadata stay')
      }
    }
  })

  test('resolved closes triggered, in one stack, by whatever tells which alert it is', async () => {
    const { token } = await make()
    for (const [name, triggered, resolved] of [
      ['its id', { alert_id: 'a1', node: 'c1', vmid: 101 }, { alertId: 'a1' }],
      ['its id, without the guest', { alertId: 'a2', node: 'c1', vmid: 101 }, { alertId: 'a2', node: 'c1' }],
      ['node and guest', { node: 'c3', vmid: 101 }, { Node: 'c3', vm_id: '101' }],
      ['the node', { node: 'c4' }, { nodeName: 'c4' }],
      ['the guest alone', { vmid: 555 }, { vmid: 555 }],
      ['the guest in the message', { node: 'c5', vmid: 201 }, { node: 'c5', note: 'VM 201' }],
    ] as [string, Json, Json][]) {
      const text = resolved.note ?? 'CPU'
      const first = await server.post(PATH, token, {
        event: 'alert_triggered',
        severity: 'critical',
        message: `CPU is high, ${name}`,
        metadata: triggered,
      })
      const opened = await stackOf(first)
      assert.deepEqual([opened.severity, opened.resolved, opened.count], ['critical', false, 1], name)
      const last = await server.post(PATH, token, {
        event: 'alert_resolved',
        severity: 'info',
        message: `${text} is back to normal, ${name}`,
        metadata: resolved,
      })
      assert.equal(last.body.stackId, first.body.stackId, name)
      const closed = await stackOf(last)
      assert.deepEqual([closed.severity, closed.resolved, closed.count], ['ok', true, 2], name)
    }
  })

  test('of an unknown type is stored, judged by the default, and told', async () => {
    const { token } = await make()
    const answer = await server.post(PATH, token, { type: 'vm_migrated', message: 'web moved to pve2' })
    assert.equal(answer.status, 200)
    assert.match(answer.body.warnings.join(), /"vm_migrated" is none of alert_triggered/)
    const { severity, title } = (await server.get(`/api/v1/events/${answer.body.id}`)).body
    assert.deepEqual([severity, title], ['info', 'vm_migrated: web moved to pve2'])
  })

  test('twice is stored once: with one id, or within one second', async () => {
    const { token } = await make()
    const body = { event: 'task_failed', message: 'twice', metadata: { node: 'pve1' } }
    const ids = async (...bodies: Json[]) => {
      const answers = await Promise.all(bodies.map((each) => server.post(PATH, token, each)))
      return new Set(answers.map((answer) => answer.body.id)).size
    }
    const at = (second: string) => ({ ...body, timestamp: `2026-11-22T10:00:${second}Z` })
    assert.equal(await ids(at('01'), at('01'), at('01.900')), 1)
    assert.equal(await ids(at('02'), at('03')), 2)
    assert.equal(await ids({ ...at('04'), id: 'n1' }, { ...at('09'), id: 'n1' }), 1)
    assert.equal(await ids({ ...at('05'), id: 'n2' }, { ...at('05'), id: 'n3' }), 2)
    assert.equal(await ids({ ...at('06'), message: 'a' }, { ...at('06'), message: 'b' }), 2)
  })

  test('without event type, message and title is refused, with what to send, and kept for repair', async () => {
    const { token } = await make()
    const answer = await server.post(PATH, token, { severity: 'high' })
    assert.deepEqual([answer.status, answer.body.errors[0].path], [422, 'event'])
    assert.match(answer.body.hint, /"event":"alert_triggered"/)
    const kept = (await server.get(`/api/v1/quarantine/${answer.body.quarantineId}`)).body
    assert.equal(kept.path, PATH)
  })
})

describe('a sender is known', () => {
  const body = { event: 'backup_failed', message: 'Backup of VM 104 failed' }

  test('by its token, in either header', async () => {
    const { token } = await make()
    assert.equal((await server.post(PATH, token, body)).status, 200)
    assert.equal(
      (await server.post(`${PATH}/`, null, body, { Authorization: `Bearer ${token}` })).status,
      200,
    )
    assertRefused(await server.post(PATH, null, body), 'no_token', /X-ProxCenter-Signature/)
  })

  test('by its signature alone, in every header and form', async () => {
    const { id, hmacSecret } = await make({ hmac: true })
    const headers = [
      'ProxCenter-Signature',
      'Signature',
      'Hub-Signature-256',
      'Webhook-Signature',
      'Tempo-Signature',
    ]
    for (const [index, header] of headers.entries()) {
      const text = JSON.stringify({ ...body, id: `form ${index}` })
      const hex = digest(hmacSecret, text)
      for (const value of [`sha256=${hex}`, hex, hex.toUpperCase(), digest(hmacSecret, text, 'base64')]) {
        const answer = await server.post(PATH, null, text, { [`X-${header}`]: value })
        assert.equal(answer.status, 200, `${header}: ${value}: ${answer.text}`)
      }
    }
    await eventually(async () => {
      const delivery = await lastDelivery()
      return delivery.status === 200 && delivery.tokenId === id
    })
  })

  test('by both, when its token demands both', async () => {
    const { token, hmacSecret } = await make({ hmac: 'a secret of my own choice', hmacRequired: true })
    assert.equal(hmacSecret, 'a secret of my own choice')
    assert.equal((await postSigned(hmacSecret, body, token)).status, 200)
    assertRefused(await server.post(PATH, token, body), 'bad_signature', /together with a signature only/)
    assertRefused(await postSigned('another secret', body, token), 'bad_signature', /No signature fits/)
    const own = { providerIdentifier: 'com.proxcenter', title: 'x' }
    assertRefused(await server.post('/ingest', token, own), 'bad_signature', /\/ingest\/proxcenter/)
    const header = { 'X-ProxCenter-Signature': `sha256=${digest(hmacSecret, JSON.stringify(own))}` }
    assertRefused(await server.post('/ingest', token, own, header), 'bad_signature', /\/ingest\/proxcenter/)
  })

  test('by its token where no signature is demanded; but a wrong one is wrong', async () => {
    const { token, hmacSecret } = await make({ hmac: true })
    assert.equal((await server.post(PATH, token, body)).status, 200)
    assert.equal((await postSigned(hmacSecret, body, token)).status, 200)
    assertRefused(await postSigned('another secret', body, token), 'bad_signature', /No signature fits/)
    const plain = await make()
    assert.equal((await postSigned('whatever', body, plain.token)).status, 200, 'it has nothing to check by')
  })

  test('and not by a signature that is wrong, of no form, of another body, or of a token that is over', async () => {
    const { id, hmacSecret } = await make({ hmac: true })
    const expired = await make({ hmac: true, expiresAt: new Date(Date.now() + 60_000).toISOString() })
    const text = `{"event":"cve_detected","message":"${'x'.repeat(4_321)}"}`
    const refused = await postSigned('wrong', text)
    assertRefused(refused, 'bad_signature', /X-ProxCenter-Signature: sha256=HEX/)
    assert.equal(refused.body.quarantineId, undefined)
    const header = { 'X-ProxCenter-Signature': `sha256=${digest(hmacSecret, `${text} `)}` }
    assertRefused(await server.post(PATH, null, text, header), 'bad_signature', /very bytes/)
    const formless = await server.post(PATH, null, text, { 'X-Signature': 'sha1=0123' })
    assertRefused(formless, 'bad_signature', /no known form/)
    assert.equal((await postSigned(expired.hmacSecret, text)).status, 200)
    await server.db.read`UPDATE tokens SET expires_at = now() - interval '1 minute' WHERE id = ${expired.id}`
    await server.db.read`SELECT pg_notify('tempo_tokens', '')`
    await eventually(async () => (await postSigned(expired.hmacSecret, text)).status === 401)
    assert.equal((await server.request('DELETE', `/api/v1/tokens/${id}`)).status, 204)
    assertRefused(await postSigned(hmacSecret, text), 'bad_signature', /in\s+force/)
  })

  test('and what is refused is a delivery of a stranger, and in no quarantine', async () => {
    const { token } = await make({ hmac: true, hmacRequired: true })
    const count = async () => (await server.get('/api/v1/quarantine')).body.items.length
    const before = await count()
    assert.equal((await postSigned('wrong', '{"broken', token)).status, 401)
    const { reason, tokenId, status } = await eventually(async () => {
      const delivery = await lastDelivery()
      return delivery.reason === 'bad_signature' && delivery
    })
    assert.deepEqual([status, reason, tokenId], [401, 'bad_signature', null])
    const [row] = await server.db.read`
      SELECT authenticated FROM deliveries WHERE reason = 'bad_signature' ORDER BY id DESC LIMIT 1`
    assert.equal(row!.authenticated, false)
    assert.equal(await count(), before)
  })

  test('and not by a token of another provider, nor by a revoked one', async () => {
    const other = await make({ providers: ['com.proxmox'] })
    assertRefused(await server.post(PATH, other.token, body), 'provider_not_bound', /com\.proxmox/)
    const { id, token } = await make()
    await server.request('DELETE', `/api/v1/tokens/${id}`)
    assertRefused(await server.post(PATH, token, body), 'token_revoked', /revoked/)
  })

  test('so that what is no JSON under a good signature is kept for repair', async () => {
    const { id, hmacSecret } = await make({ hmac: true })
    const text = `{"event": "node_offline", "message": "${'y'.repeat(2_345)}`
    const answer = await postSigned(hmacSecret, text)
    assert.equal(answer.status, 422)
    const delivery = await deliveryOf(Buffer.byteLength(text))
    assert.deepEqual([delivery.tokenId, delivery.quarantineId], [id, answer.body.quarantineId])
    const mended = `${text}"}`
    const repaired = await server.request(
      'POST',
      `/api/v1/quarantine/${answer.body.quarantineId}/ingest`,
      mended,
    )
    assert.equal(repaired.status, 200, repaired.text)
    assert.equal((await server.get(`/api/v1/events/${repaired.body.id}`)).body.label, 'Node offline')
  })

  test('before more than the limit of its body is read', async (t) => {
    const small = await startTestServer({ env: { TEMPO_MAX_BODY_BYTES: '1024' } })
    t.after(small.stop)
    const { hmacSecret } = await make({ hmac: true }, small)
    const big = { event: 'cve_detected', message: 'z'.repeat(2_000) }
    assert.equal((await postSigned(hmacSecret, big, null, small)).status, 413)
    assert.equal((await postSigned('wrong', big, null, small)).status, 413)
  })
})

describe('the secret', () => {
  test('is shown once, and is nowhere in the clear', async () => {
    const { id, token, hmacSecret } = await make({ hmac: true, hmacRequired: true })
    assert.match(hmacSecret, /^[0-9a-f]{64}$/)
    const list = await server.get('/api/v1/tokens')
    const listed = list.body.items.find((item: Json) => item.id === id)
    assert.deepEqual([listed.hmac, listed.hmacRequired, listed.hmacSecret], [true, true, undefined])
    const [row] = await server.db.read`SELECT hmac_secret FROM tokens WHERE id = ${id}`
    const snapshot = await eventually(async () => {
      const text = await readFile(join(server.dataDir, 'tokens.json'), 'utf8')
      return text.includes(id) && text
    })
    for (const text of [
      list.text,
      Buffer.from(row!.hmac_secret).toString('latin1'),
      snapshot,
      JSON.stringify(server.log),
    ]) {
      assert.ok(!text.includes(hmacSecret) && !text.includes(token))
    }
    assert.ok(snapshot.includes(Buffer.from(row!.hmac_secret).toString('base64')))
  })

  test('goes with ProxCenter and the scope ingest alone, and is long enough', async () => {
    for (const [wish, path] of [
      [{ hmac: true, providers: [] }, 'hmac'],
      [{ hmac: true, providers: ['com.proxmox'] }, 'hmac'],
      [{ hmac: true, scopes: ['ingest', 'admin'] }, 'hmac'],
      [{ hmac: 'too short' }, 'hmac'],
      [{ hmacRequired: true }, 'hmacRequired'],
    ] as [Json, string][]) {
      const answer = await server.request('POST', '/api/v1/tokens', {
        name: 'x',
        providers: PROVIDERS,
        ...wish,
      })
      assert.deepEqual([answer.status, answer.body.errors[0].path], [422, path], answer.text)
    }
  })

  test('is made on the command line too, and works at a server with the same key', async (t) => {
    const dataDir = await makeDataDir(t)
    const env = { DATABASE_URL: server.database.url, TEMPO_DATA_DIR: dataDir }
    const args = ['token', 'create', '--name', 'cli', '--provider', 'com.proxcenter']
    const without = await tempo([...args, '--hmac'], env)
    assert.equal(without.code, 1)
    assert.match(without.stderr, /There is no .+secret-key.+\n?.*TEMPO_SECRET_KEY/)
    const wrong = await tempo(['token', 'create', '--name', 'cli', '--hmac'], env)
    assert.match(wrong.stderr, /add --provider com\.proxcenter/)

    const made = await tempo([...args, '--hmac-required'], { ...env, TEMPO_DATA_DIR: server.dataDir })
    assert.equal(made.code, 0, made.stderr)
    const [token, secret, ...more] = made.stdout.trim().split('\n')
    assert.deepEqual(more, [])
    const body = { event: 'node_offline', message: 'by the command line' }
    assert.equal((await postSigned(secret!, body)).status, 200)
    assert.equal((await postSigned(secret!, body, token!)).status, 200)

    const json = await tempo([...args, '--hmac', '--json'], { ...env, TEMPO_DATA_DIR: server.dataDir })
    assert.match(JSON.parse(json.stdout).hmacSecret, /^[0-9a-f]{64}$/)
    const list = await tempo(['token', 'list', '--json'], env)
    assert.ok(!list.stdout.includes('hmacSecret') && list.stdout.includes('"hmac": true'))
  })

  test('is of no use under another key: the log names the token, and a signature is not believed', async (t) => {
    const database = await createTestDatabase()
    t.after(database.drop)
    const key = (letter: string) => ({ TEMPO_SECRET_KEY: letter.repeat(32) })
    const first = await startTestServer({ database, env: key('a') })
    const demanding = await make({ name: 'demanding', hmac: true, hmacRequired: true }, first)
    const content = await make({ name: 'content', hmac: true }, first)
    const body = { event: 'node_offline', message: 'x' }
    assert.equal((await postSigned(demanding.hmacSecret, body, null, first)).status, 200)
    await first.stop()
    const second = await startTestServer({ database, env: key('b') })
    t.after(second.stop)
    const told = second.log.filter(({ message }) => message === 'a signing secret cannot be opened')
    assert.deepEqual(told.map(({ facts }) => facts.token).sort(), ['content', 'demanding'])
    assert.equal((await postSigned(demanding.hmacSecret, body, null, second)).status, 401)
    const refused = await postSigned(demanding.hmacSecret, body, demanding.token, second)
    assert.deepEqual([refused.status, /TEMPO_SECRET_KEY/.test(refused.body.detail)], [503, true])
    assert.equal((await second.post(PATH, content.token, body)).status, 200)
  })

  test('is known after a restart without the database, and what it signs waits in the spool', async (t) => {
    const dataDir = await makeDataDir(t)
    const database = await createTestDatabase()
    t.after(database.drop)
    const proxy = await openDatabaseProxy(database.url)
    t.after(proxy.close)
    const env = { DATABASE_URL: proxy.url, TEMPO_DATA_DIR: dataDir }
    const first = await startServer(t, env)
    const args = ['token', 'create', '--name', 'p', '--provider', 'com.proxcenter', '--hmac-required']
    const [token, secret] = (await tempo(args, { ...env, DATABASE_URL: database.url })).stdout
      .trim()
      .split('\n')
    const send = async (url: string, by: string, message: string, shown: string | null = null) => {
      const body = JSON.stringify({ event: 'node_offline', message })
      const headers = { 'X-ProxCenter-Signature': digest(by, body), ...(shown && { 'X-Tempo-Token': shown }) }
      const answer = await fetch(url + PATH, { method: 'POST', headers, body })
      return [answer.status, ((await answer.json()) as Json).id]
    }
    assert.equal((await send(first.url, secret!, 'one'))[0], 200)
    first.kill('SIGKILL')
    await first.exited

    await proxy.refuse()
    const again = await startServer(t, env)
    const [status, id] = await send(again.url, secret!, 'two')
    assert.equal(status, 202)
    assert.equal((await send(again.url, secret!, 'three', token))[0], 202)
    assert.equal((await send(again.url, 'wrong', 'four', token))[0], 401)
    // It might be that of a token made since, at another server.
    assert.equal((await send(again.url, 'wrong', 'five'))[0], 503)
    await proxy.restore()
    const db = database.open()
    const find = () => db.read`SELECT provider, label FROM events WHERE id = ${String(id)}`
    const [row] = await eventually(async () => {
      const rows = await find()
      return rows.length > 0 && rows
    }, 30_000)
    assert.deepEqual({ ...row }, { provider: 'com.proxcenter', label: 'Node offline' })
  })

  test('goes into a backup with secrets only, and opens with its key', async (t) => {
    const key = { TEMPO_SECRET_KEY: 'k'.repeat(32) }
    const first = await startTestServer({ env: key })
    t.after(first.stop)
    const { hmacSecret } = await make({ hmac: true }, first)
    for (const [options, expected] of [
      [['--with-secrets'], 200],
      [[], 401],
    ] as const) {
      const file = join(await makeDataDir(t), '..', 'tempo.backup')
      const at = { ...key, TEMPO_DATA_DIR: first.dataDir }
      const made = await tempo(['backup', ...options, file], { ...at, DATABASE_URL: first.database.url })
      assert.equal(made.code, 0, made.stderr)
      const database = await createTestDatabase()
      t.after(database.drop)
      const restored = await tempo(['restore', file], { ...at, DATABASE_URL: database.url })
      assert.equal(restored.code, 0, restored.stderr)
      const [row] = await database.open().read`SELECT hmac_secret FROM tokens WHERE name = 'proxcenter'`
      // Without secrets it is known that there was one, and nothing of it.
      assert.equal(row!.hmac_secret.length > 1, expected === 200)
      const second = await startTestServer({ database, env: key })
      const body = { event: 'node_offline', message: 'after a restore' }
      assert.equal((await postSigned(hmacSecret, body, null, second)).status, expected)
      await second.stop()
    }
  })
})
