import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { type Answer, eventually, fixture, startTestServer, type TestServer } from './helpers/server.ts'

const MIB = 1024 * 1024

let server: TestServer
let token: string
before(async () => {
  server = await startTestServer()
  token = await server.token(['com.proxmox'])
})
after(() => server.stop())

const VALID = { title: 'x', metadata: { NodeName: 'pve1' } }

/** Holds an answer to the one form of all problems, and to its code. */
function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  const { type, title, detail } = answer.body
  assert.deepEqual([type, answer.body.status, answer.body.code], [`urn:tempo:problem:${code}`, status, code])
  assert.ok(title.length > 0 && detail.length > 10, answer.text)
  assert.equal(answer.headers.has('retry-after'), status === 503 || status === 429)
  assert.equal(answer.headers.has('www-authenticate'), status === 401)
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
}

/** Writes to a raw connection; `answer` resolves with the head and body of what comes back. */
async function openRaw(head: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => {})
  let text = ''
  const answer = new Promise<string>((resolve) => {
    socket.on('data', (bytes) => {
      text += bytes
      if (/\r\n\r\n.*[}\n]$/s.test(text)) resolve(text)
    })
    socket.on('close', () => resolve(text))
  })
  await once(socket, 'connect')
  socket.write(`${head}\r\n\r\n`)
  return { socket, answer }
}

const head = (secret: string, more: string) =>
  `POST /ingest HTTP/1.1\r\nHost: tempo\r\nX-Tempo-Token: ${secret}\r\n${more}`

describe('a token that does not open the door', () => {
  test('is answered 401 with the reason', async () => {
    const expired = await server.token(['com.proxmox'], ['ingest'], new Date(Date.now() - 1))
    const cases: [string | null, string][] = [
      [null, 'no_token'],
      ['nonsense', 'unknown_token'],
      ['tempo_', 'unknown_token'],
      ['x'.repeat(8_000), 'unknown_token'],
      ['t\u00e4mp\u00f6 \u00ff', 'unknown_token'],
      [`tempo_00000000_${'A'.repeat(43)}`, 'unknown_token'],
      [`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, 'unknown_token'],
      [token.toUpperCase(), 'unknown_token'],
      [`${token}, ${token}`, 'unknown_token'],
      [expired, 'token_expired'],
      [await server.token([], ['read']), 'wrong_scope'],
      [await server.token(['com.other']), 'provider_not_bound'],
    ]
    for (const [secret, code] of cases) {
      assertProblem(
        await server.post('/ingest', secret, { ...VALID, providerIdentifier: 'com.proxmox' }),
        401,
        code,
      )
    }
    for (const Authorization of ['Basic YTpi', 'Bearer', token, `Bearer${token}`]) {
      assertProblem(await server.post('/ingest', null, VALID, { Authorization }), 401, 'no_token')
    }
  })

  test('is refused from the moment it is revoked', async () => {
    const made = await server.request('POST', '/api/v1/tokens', { name: 'brief', providers: ['com.proxmox'] })
    assert.equal(made.status, 201)
    assert.equal((await server.post('/ingest', made.body.token, VALID)).status, 200)
    assert.equal((await server.request('DELETE', `/api/v1/tokens/${made.body.id}`)).status, 204)
    assertProblem(await server.post('/ingest', made.body.token, VALID), 401, 'token_revoked')
  })

  test('is refused from the moment it expires', async (t) => {
    let now = Date.now()
    const own = await startTestServer({ overrides: { now: () => new Date(now) } })
    t.after(own.stop)
    const brief = await own.token(['com.proxmox'], ['ingest'], new Date(now + 60_000))
    assert.equal((await own.post('/ingest', brief, VALID)).status, 200)
    now += 60_000
    assertProblem(await own.post('/ingest', brief, VALID), 401, 'token_expired')
  })

  test('of com.proxmox may write to what lies below it by dots, and to nothing else', async () => {
    const verdicts = []
    for (const providerIdentifier of [
      'com.proxmox',
      'com.proxmox.backup',
      'com.proxmoxx',
      'com.proxmox-x',
      'com',
    ]) {
      verdicts.push((await server.post('/ingest', token, { ...VALID, providerIdentifier })).status)
    }
    assert.deepEqual(verdicts, [200, 200, 401, 401, 401])
  })

  test('is answered before the body has come', async () => {
    const { socket, answer } = await openRaw(head('wrong', `Content-Length: ${50 * MIB}`))
    assert.match(await answer, /^HTTP\/1\.1 401 .*unknown_token/s)
    socket.destroy()
  })
})

describe('a body that cannot be taken', () => {
  test('is told where and why it is not JSON', async () => {
    const answer = await server.post('/ingest', token, '{\n  "title": "a",\n  "m": "two\nlines"\n}')
    assertProblem(answer, 422, 'invalid_json')
    const { line, column, excerpt, hint, quarantineId, errors } = answer.body
    assert.deepEqual([line, column, errors.length], [3, 12, 1])
    assert.match(excerpt, /two␊lines/)
    assert.match(hint, /\{\{ json message \}\}/)
    assert.match(quarantineId, /^[0-9a-f-]{36}$/)
  })

  test('is told when the sender did not run its template', async () => {
    const answer = await server.post(
      '/ingest',
      token,
      '{"title": {{ json title }}, "startDate": {{ timestamp }}}',
    )
    assertProblem(answer, 422, 'invalid_json')
    assert.match(answer.body.hint, /did not run its template/)
    const inside = await server.post('/ingest', token, { title: '{{ title }}' })
    assert.match(inside.body.warnings.join(), /did not fill in its template/)
  })

  test('is told everything that is wrong at once', async () => {
    const answer = await server.post('/ingest', token, {
      title: ' ',
      startDate: 'yesterday',
      endDate: '2026-11-21T00:00:00',
      eventType: 'alarm',
      severity: 'fatal',
      color: 'red',
      actions: [{ label: 'x', trigger: { openTerminalWith: 'rm -rf /' } }],
      metadata: [],
    })
    assertProblem(answer, 422, 'invalid_input')
    const paths = answer.body.errors.map((error: { path: string }) => error.path).sort()
    assert.deepEqual(paths, [
      'actions[0].trigger',
      'color',
      'endDate',
      'eventType',
      'metadata',
      'severity',
      'startDate',
      'title',
    ])
    assert.ok(answer.body.errors.every((error: { message: string }) => error.message.length > 5))
  })

  test('is any but one JSON object in UTF-8', async () => {
    for (const body of [
      '',
      ' ',
      '[]',
      'null',
      '"x"',
      '1',
      '\ufeff',
      '{}{}',
      new Uint8Array([0xff, 0xfe, 0x7b, 0]),
    ]) {
      const answer = await server.post('/ingest', token, body)
      assert.equal(answer.status, 422, `${body}`)
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    }
    for (const deep of ['['.repeat(2 * MIB), '{"a":'.repeat(MIB / 4)]) {
      assert.equal((await server.post('/ingest', token, deep)).status, 422)
    }
  })
})

describe('a large body', () => {
  const bodyOf = (bytes: number) => JSON.stringify({ ...VALID, metadata: { Message: 'a'.repeat(bytes) } })

  test('of 3 MiB is stored whole', async () => {
    const answer = await server.post('/ingest', token, bodyOf(3 * MIB))
    assert.equal(answer.status, 200, answer.text)
    const event = await server.get(`/api/v1/events/${answer.body.id}`)
    assert.equal(event.body.metadata.Message.length, 3 * MIB)
  })

  test('of 5 MiB is answered 413', async () => {
    const answer = await server.post('/ingest', token, bodyOf(5 * MIB))
    assertProblem(answer, 413, 'body_too_large')
    assert.equal(answer.body.limit, 4 * MIB)
  })

  test('that is announced is refused before it has come, also to a sender that reads only at the end', async () => {
    const { socket, answer } = await openRaw(head(token, `Content-Length: ${5 * MIB}\r\nConnection: close`))
    socket.write('{"title":"a little of it')
    assert.match(await answer, /^HTTP\/1\.1 413 .*body_too_large/s)
    // The rest still finds a reader, so that the connection is not reset while the answer is on its way.
    for (let sent = 24; sent < 5 * MIB; sent += MIB)
      socket.write(Buffer.alloc(Math.min(MIB, 5 * MIB - sent), 97))
    socket.end()
    await once(socket, 'close')
    assert.equal(socket.errored, null)
  })

  test('without an end is cut off soon after the limit', async () => {
    const { socket, answer } = await openRaw(head(token, 'Transfer-Encoding: chunked'))
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 97), Buffer.from('\r\n')])
    const start = Date.now()
    const pour = () => {
      while (!socket.destroyed && socket.write(chunk));
    }
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('drain', pour)
    pour()
    await closed
    const taken = socket.bytesWritten - socket.writableLength
    assert.ok(taken < 24 * MIB, `${taken} bytes`)
    assert.ok(Date.now() - start < 5_000)
    assert.match(await answer, /^(HTTP\/1\.1 413 |$)/)
    await eventually(async () => (await server.get('/api/v1/deliveries?status=413')).body.items.length === 3)
  })

  test('is refused to the API too', async () => {
    const answer = await server.request('POST', '/api/v1/tokens', { name: 'x'.repeat(5 * MIB) })
    assertProblem(answer, 413, 'body_too_large')
  })
})

test('a sender that goes away in the middle of its body is noted and does no harm', async () => {
  for (const framing of ['Content-Length: 1000', 'Transfer-Encoding: chunked']) {
    const { socket } = await openRaw(head(token, framing))
    socket.write('5\r\n{"tit')
    socket.resetAndDestroy()
  }
  const { items } = await eventually(async () => {
    const page = (await server.get('/api/v1/deliveries?status=400')).body
    return page.items.length === 2 && page
  })
  assert.equal(items[0].reason, 'body_incomplete')
})

test('all problems of the API have the same form', async () => {
  const read = await server.token([], ['read'])
  const nowhere = '019ddc5e-7c00-7000-8000-000000000000'
  const as = { 'X-Tempo-Token': server.adminToken }
  assertProblem(await server.get('/nowhere', null), 404, 'not_found')
  assertProblem(await server.get('/docs/constructor', null), 404, 'not_found')
  assertProblem(await server.get('/%0d%0aX-Evil:%201', null), 404, 'not_found')
  assertProblem(await server.get('/api/v1/nowhere', null), 401, 'no_token')
  assertProblem(await server.get('/api/v1/nowhere'), 404, 'not_found')
  assertProblem(await server.get(`/api/v1/events/${nowhere}`), 404, 'not_found')
  assertProblem(await server.get('/ingest'), 405, 'method_not_allowed')
  assertProblem(await server.get('/api/v1/timeline', token), 403, 'wrong_scope')
  assertProblem(
    await server.request('POST', '/api/v1/tokens', {}, { 'X-Tempo-Token': read }),
    403,
    'wrong_scope',
  )
  assertProblem(await server.request('POST', '/api/v1/tokens', {}), 422, 'invalid_input')
  assertProblem(await server.request('POST', '/api/v1/tokens', { name: 'a\0b' }), 422, 'invalid_input')
  assertProblem(await server.request('POST', '/api/v1/tokens', '{"name"'), 400, 'bad_request')
  assertProblem(
    await server.request('POST', '/api/v1/tokens', 'x', { ...as, 'Content-Type': 'text/x' }),
    415,
    'bad_request',
  )
  const { answer } = await openRaw('GET /health HTTP/1.1\r\nHost: a b')
  assert.match(await answer, /^HTTP\/1\.1 400 .*application\/problem\+json.*bad_request/s)
  const old = await openRaw('GET /health HTTP/1.0')
  assert.match(await old.answer, /^HTTP\/1\.1 200 /, 'checks of balancers name no Host')
})

const NOWHERE = '019ddc5e-7c00-7000-8000-000000000000'

test('a failure of ours says nothing of its cause, but for the log', async (t) => {
  const own = await startTestServer()
  t.after(own.stop)
  const secret = await own.token(['com.proxmox'])
  await own.db.write`ALTER TABLE events RENAME TO hidden_away`
  for (const answer of [await own.get(`/api/v1/events/${NOWHERE}`), await own.get('/api/v1/events')]) {
    assertProblem(answer, 500, 'internal')
    assert.doesNotMatch(answer.text, /events|relation|SELECT|postgres|hidden/i)
  }
  assert.equal(
    own.log.filter((line) => line.level === 'error' && line.message === 'request failed').length,
    2,
  )
  // The table may come with a migration; what is sent meanwhile waits for it.
  assert.equal((await own.post('/ingest', secret, VALID)).status, 202)
})

describe('a thousand mutated bodies', () => {
  const json = fc.oneof(
    { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    fc.constantFrom(
      '',
      '\0',
      '\ud800',
      '${title}',
      '{{ x }}',
      'javascript:1',
      1e308,
      -1,
      1e11,
      253402300799,
      '0',
      'a'.repeat(5_000),
    ),
  )
  const key = fc.constantFrom(
    ...[
      'title',
      'startDate',
      'endDate',
      'eventType',
      'severity',
      'externalID',
      'groupingKey',
      'color',
      'actions',
    ],
    ...[
      'metadata',
      'recurrenceRule',
      'providerIdentifier',
      '__proto__',
      'constructor',
      'NodeName',
      'VMID',
      'severity',
    ],
  )
  const mutation = fc.record({
    base: fc.constantFrom('pve/replication.json', 'pve/test.json', 'pve-tera/fencing.json'),
    fields: fc.array(fc.tuple(key, json, fc.boolean()), { maxLength: 4 }),
    bytes: fc.option(fc.array(fc.tuple(fc.nat(2_000), fc.nat(2), fc.nat(255)), { maxLength: 3 }), {
      freq: 2,
    }),
    headers: fc.record(
      { 'Idempotency-Key': fc.string({ maxLength: 300 }).map((text) => text.replace(/[^\x20-\xff]/g, '')) },
      { requiredKeys: [] },
    ),
  })

  /** Sets fields, of the metadata too, and then changes, takes out or puts in single bytes. */
  function mutate(
    text: string,
    { fields, bytes }: Omit<typeof mutation extends fc.Arbitrary<infer T> ? T : never, 'base'>,
  ) {
    const value = JSON.parse(text)
    for (const [name, content, inside] of fields) {
      const target = inside && value.metadata && typeof value.metadata === 'object' ? value.metadata : value
      Object.defineProperty(target, name, {
        value: content,
        enumerable: true,
        configurable: true,
        writable: true,
      })
    }
    const raw = [...Buffer.from(JSON.stringify(value))]
    for (const [at, how, byte] of bytes ?? [])
      raw.splice(at % raw.length, how === 2 ? 0 : 1, ...(how === 1 ? [] : [byte]))
    return new Uint8Array(raw)
  }

  test('are stored or refused, and never a failure of ours', async () => {
    const unbound = await server.token([])
    const texts = new Map<string, string>()
    for (const name of ['pve/replication.json', 'pve/test.json', 'pve-tera/fencing.json'])
      texts.set(name, await fixture(name))
    const seen = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(mutation, async (change) => {
        const answer = await server.post(
          '/ingest',
          unbound,
          mutate(texts.get(change.base)!, change),
          change.headers,
        )
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1)
        assert.ok(answer.status === 200 || answer.status === 422, answer.text)
        if (answer.status === 200)
          assert.equal((await server.get(`/api/v1/events/${answer.body.id}`)).status, 200)
      }),
      { numRuns: 1_000, seed: 7776 },
    )
    assert.ok(seen.get(200)! > 200 && seen.get(422)! > 200, JSON.stringify([...seen]))
    assert.equal((await server.get('/api/v1/timeline?state=all&limit=200')).status, 200)
    assert.equal((await server.get('/api/v1/sources')).status, 200)
  })
})
