import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import {
  GOTIFY_PUBLIC_ROUTES,
  GOTIFY_ROUTES,
  INGEST_ROUTES,
  PAGE_ROUTES,
  PUBLIC_ROUTES,
} from '../src/http/guard.ts'
import { createServer, type ServerDeps } from '../src/http/server.ts'
import { describeError } from '../src/log.ts'
import { type Answer, eventually, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
before(async () => {
  server = await startTestServer()
})
after(() => server.stop())

type Route = { method: string; path: string }

/** Routes whose POST changes nothing; without a body they have nothing to look at. */
const LOOKING = ['/api/v1/explain', '/api/v1/scores/:provider/backtest']

/** Routes that check the token themselves. */
const TAKING = [...INGEST_ROUTES, ...GOTIFY_ROUTES]
/** What anyone may ask. */
const OPEN = [...PUBLIC_ROUTES, ...GOTIFY_PUBLIC_ROUTES]
/** Signing in and out; it takes no token, and changes nothing for another site. */
const SESSION = '/session'

/** Every route that the app has, without the guards, which match all methods. */
function allRoutes(): Route[] {
  const app = createServer({ basePath: '', readBody: { limit: 1 } } as unknown as ServerDeps)
  const routes = app.routes.filter(({ method, path }) => method !== 'ALL' || INGEST_ROUTES.includes(path))
  return [...new Map(routes.map(({ method, path }) => [`${method} ${path}`, { method, path }])).values()]
}

const NOWHERE = '019ddc5e-7c00-7000-8000-000000000000'

function example(path: string): string {
  const values: Record<string, string> = {
    id: NOWHERE,
    verb: 'ack',
    provider: 'com.proxmox',
    file: 'start.js',
  }
  return path
    .replace('*', 'x')
    .replace(/:(\w+)/g, (_, name) => values[name] ?? assert.fail(`no example for :${name}`))
}

/** The status alone: the stream of events has no end to wait for. */
async function statusOf({ method, path }: Route, token: string | null): Promise<number> {
  const response = await fetch(server.url + example(path), {
    method: method === 'ALL' ? 'PUT' : method,
    headers: { ...(token ? { 'X-Tempo-Token': token } : {}), 'Content-Type': 'application/json' },
    redirect: 'manual',
  })
  await response.body?.cancel()
  return response.status
}

describe('of all routes', () => {
  test('exactly the public ones answer without a token', async () => {
    const open: string[] = []
    for (const route of allRoutes()) {
      const name = `${route.method} ${route.path}`
      const status = await statusOf(route, null)
      if (TAKING.includes(route.path)) {
        assert.equal(status, route.method === 'POST' ? 401 : 405, name)
      } else if (PAGE_ROUTES.includes(route.path)) {
        // The page may not be built.
        assert.ok(route.method === 'GET' && [200, 404].includes(status), `${name}: ${status}`)
      } else if (route.path === SESSION) {
        assert.equal(status, route.method === 'GET' ? 204 : 403, name)
      } else if (status !== 401) {
        assert.equal(status, 200, name)
        assert.equal(route.method, 'GET', name)
        open.push(route.path)
      }
    }
    assert.deepEqual(open.sort(), OPEN.toSorted())
    assert.equal(open.length, 7)
  })

  test('the session tells nobody who nobody is, and is made and ended by the page alone', async () => {
    assert.deepEqual((await server.get('/session', null)).text, '')
    const sign = (method: string, body?: unknown) =>
      server.request(method, SESSION, body, { 'X-Tempo-Page': '1' })
    for (const [body, status] of [
      [{}, 422],
      [{ token: '' }, 422],
      [{ token: 'wrong' }, 401],
    ] as const) {
      assert.equal((await sign('POST', body)).status, status)
    }
    const token = { token: server.adminToken }
    const foreign = await server.request('POST', SESSION, token, {})
    assert.deepEqual([foreign.status, foreign.headers.get('set-cookie')], [403, null])
    const answer = await sign('POST', token)
    assert.equal(answer.status, 200)
    const cookie = answer.headers.get('set-cookie')!
    assert.match(cookie, /; HttpOnly; SameSite=Strict|HttpOnly.*SameSite=Strict/)
    const headers = { Cookie: cookie.split(';')[0]! }
    assert.equal((await server.request('GET', SESSION, undefined, headers)).status, 200)
    assert.equal((await server.request('GET', '/api/v1/guests', undefined, headers)).status, 200)
    assert.equal((await server.request('POST', '/api/v1/tokens', { name: 'x' }, headers)).status, 403)
    const own = { ...headers, 'X-Tempo-Page': '1' }
    assert.equal((await server.request('DELETE', SESSION, undefined, own)).status, 204)
    assert.equal((await server.request('GET', SESSION, undefined, headers)).status, 204)
    assert.equal((await server.request('GET', '/api/v1/guests', undefined, headers)).status, 401)
  })

  test('none under /api answers a bad token, and paths that do not exist give nothing away', async () => {
    const paths = [
      '/api',
      '/api/',
      '/api/v1',
      '/api/v1/',
      '/api/v2/timeline',
      '/api/v1/nowhere',
      '/api/v1/openapi.json/',
    ]
    for (const path of [
      ...paths,
      '/api/v1//timeline',
      '/api/v1/%74imeline',
      '/x/../api/v1/timeline',
      '/metrics',
    ]) {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH']) {
        assert.equal(await statusOf({ method, path }, null), 401, `${method} ${path}`)
        assert.equal(await statusOf({ method, path }, 'wrong'), 401, `${method} ${path}`)
      }
    }
    for (const path of ['/API/v1/timeline', '//api/v1/timeline', '/metrics/', '/Metrics']) {
      assert.equal(await statusOf({ method: 'GET', path }, null), 404, path)
    }
  })

  test('a token for reading opens those that read and no others', async () => {
    const token = await server.token([], ['read'])
    for (const route of allRoutes().filter(({ path }) => !TAKING.includes(path))) {
      const status = await statusOf(route, token)
      const name = `${route.method} ${route.path}: ${status}`
      if (route.method === 'GET') assert.ok(status === 200 || status === 404, name)
      else if (LOOKING.includes(route.path)) assert.equal(status, 422, name)
      else assert.equal(status, 403, name)
    }
  })

  test('a token for ingestion opens none but those', async () => {
    const token = await server.token(['com.proxmox'])
    for (const route of allRoutes()) {
      if ([...OPEN, ...PAGE_ROUTES, SESSION].includes(route.path)) continue
      const ingests = TAKING.includes(route.path)
      const expected = ingests ? (route.method === 'POST' ? 422 : 405) : 403
      assert.equal(await statusOf(route, token), expected, `${route.method} ${route.path}`)
    }
  })

  test('none redirects, and HEAD is answered as GET is, without a body', async () => {
    for (const route of allRoutes()) {
      const status = await statusOf(route, server.adminToken)
      assert.ok(status < 300 || status >= 400, `${route.method} ${route.path}: ${status}`)
      if (route.method !== 'GET') continue
      const head = await fetch(server.url + example(route.path), {
        method: 'HEAD',
        headers: { 'X-Tempo-Token': server.adminToken },
      })
      assert.deepEqual([head.status, await head.text()], [status, ''], route.path)
    }
  })
})

describe('the first admin token', () => {
  test('is written to a file for its owner alone, and opens everything', async () => {
    const path = join(server.dataDir, 'admin-token')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    const token = (await readFile(path, 'utf8')).trim()
    assert.match(token, /^tempo_[0-9a-f]{8}_[\w-]{43}$/)
    assert.equal(server.app.firstAdminToken, token)
    for (const path of ['/api/v1/tokens', '/metrics'])
      assert.equal((await server.get(path, token)).status, 200)
    assert.equal(
      (await server.post('/ingest', token, { title: 'x', providerIdentifier: 'any.one' })).status,
      200,
    )
  })

  test('is made once for a database', async (t) => {
    const second = await startTestServer({ database: server.database })
    t.after(second.stop)
    assert.equal(second.app.firstAdminToken, null)
    assert.deepEqual((await readdir(second.dataDir)).sort(), ['secret-key', 'tokens.json'])
    assert.equal((await second.get('/api/v1/tokens', server.adminToken)).status, 200)
  })

  test('is not made when TEMPO_ADMIN_TOKEN is set, which then works', async (t) => {
    const chosen = 'chosen by the administrator, 40 characters'
    const own = await startTestServer({ env: { TEMPO_ADMIN_TOKEN: chosen } })
    t.after(own.stop)
    assert.equal(own.app.firstAdminToken, null)
    assert.deepEqual((await readdir(own.dataDir)).sort(), ['secret-key', 'tokens.json'])
    assert.equal((await own.get('/api/v1/tokens', chosen)).status, 200)
    assert.equal((await own.get('/api/v1/tokens', `${chosen}.`)).status, 401)
    assert.deepEqual((await own.get('/api/v1/tokens', chosen)).body.items, [])
    assert.ok(!inspect(own.log, { depth: 9 }).includes(chosen))
  })
})

/** Everything that would give a token away, or let it be tested for. */
function tracesOf(secret: string): string[] {
  const secretPart = secret.slice('tempo_00000000_'.length)
  const digests = (['hex', 'base64', 'base64url'] as const).map((form) => hash('sha256', secret, form))
  return [
    secret,
    secretPart,
    ...digests.map((digest) => digest.replace(/=+$/, '')),
    digests[0]!.toUpperCase(),
  ]
}

test('after a busy session no secret is in the log, in an answer, or in a file but admin-token', async (t) => {
  const own = await startTestServer()
  t.after(own.stop)
  const answers: Answer[] = []
  const secrets = new Set<string>([own.adminToken])
  const made = async (wish: Record<string, unknown>) => {
    const answer = await own.request('POST', '/api/v1/tokens', wish)
    assert.equal(answer.status, 201, answer.text)
    secrets.add(answer.body.token)
    return answer.body
  }
  const ingest = await made({ name: 'pve', providers: ['com.proxmox'] })
  const read = await made({ name: 'eyes', scopes: ['read'] })
  const admin = await made({ name: 'second', scopes: ['admin', 'read', 'ingest'] })
  const revoked = await made({ name: 'old' })
  const expired = await made({ name: 'late', expiresAt: '2026-01-01T00:00:00Z' })
  answers.push(await own.request('DELETE', `/api/v1/tokens/${revoked.id}`))

  for (const { token } of [ingest, read, admin, revoked, expired]) {
    for (const body of [
      { title: 'x', providerIdentifier: 'com.proxmox' },
      '{"title',
      { title: '' },
      'x'.repeat(4_200_000),
    ]) {
      answers.push(await own.post('/ingest', token, body, { 'Idempotency-Key': token.slice(0, 9) }))
      answers.push(await own.post('/events', null, body, { Authorization: `Bearer ${token}` }))
    }
    for (const { method, path } of allRoutes()) {
      if (
        path.endsWith('/stream') ||
        path.startsWith('/docs/') ||
        (path === '/api/v1/tokens' && method === 'POST')
      )
        continue
      if (method === 'ALL') continue
      answers.push(await own.request(method, example(path), undefined, { 'X-Tempo-Token': token }))
    }
  }
  // Failures of the database log what they know.
  await own.db.write`ALTER TABLE tokens RENAME TO elsewhere`
  answers.push(await own.request('POST', '/api/v1/tokens', { name: 'never' }))
  answers.push(await own.post('/ingest', `tempo_00000000_${'A'.repeat(43)}`, {}))
  await own.db.write`ALTER TABLE elsewhere RENAME TO tokens`
  await own.db.write`ALTER TABLE quarantine RENAME TO elsewhere`
  answers.push(await own.post('/ingest', ingest.token, '{"kept": "never'))
  await own.db.write`ALTER TABLE elsewhere RENAME TO quarantine`
  await eventually(async () =>
    (await own.get('/api/v1/tokens')).body.items.every(
      (item: { name: string; lastUsedAt: unknown }) => item.lastUsedAt || ['late', 'old'].includes(item.name),
    ),
  )
  answers.push(
    await own.get('/api/v1/tokens'),
    await own.get('/api/v1/deliveries?limit=200'),
    await own.get('/metrics'),
  )

  const statuses = new Set(answers.map((answer) => answer.status))
  for (const status of [200, 401, 403, 404, 405, 413, 422, 500]) {
    if (status !== 405) assert.ok(statuses.has(status), `no ${status} in this session`)
  }
  // The refused body that quarantine could not take.
  await eventually(async () => (await readdir(join(own.dataDir, 'spool')).catch(() => [])).length === 0)
  const files = (await readdir(own.dataDir, { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  )
  const texts: [string, string][] = [
    ...answers.map((answer): [string, string] => [
      'an answer',
      answer.text + JSON.stringify([...answer.headers]),
    ]),
    ...own.log.map(({ message, facts }): [string, string] => [
      `the log line "${message}"`,
      message + readable(facts),
    ]),
  ]
  for (const file of files) {
    if (file.name !== 'admin-token')
      texts.push([file.name, await readFile(join(file.parentPath, file.name), 'latin1')])
  }
  const [dump] = await own.db.read`
    SELECT (SELECT string_agg(t::text, '') FROM tokens t) || (SELECT string_agg(d::text, '') FROM deliveries d)
      || (SELECT string_agg(i::text, '') FROM idempotency i) || (SELECT string_agg(e::text, '') FROM events e) AS text`
  for (const secret of secrets) {
    const traces = tracesOf(secret)
    for (const [where, text] of texts) {
      // The copy of the token book holds the hash, as the database does, for its owner alone.
      const forbidden = where === 'tokens.json' ? traces.slice(0, 2) : traces
      for (const trace of forbidden) assert.ok(!text.includes(trace), `${where} holds a trace of a token`)
    }
    // The database holds the hash, and nothing else of it.
    for (const trace of traces.slice(0, 2)) assert.ok(!dump!.text.includes(trace))
  }
  const levels = new Set(own.log.map((line) => line.level))
  assert.ok(levels.has('debug') && levels.has('error'), 'the log of this session is not complete')
})

/** The facts as the log writes them. */
function readable({ err, ...facts }: Record<string, unknown>): string {
  return JSON.stringify(facts) + (err === undefined ? '' : JSON.stringify(describeError(err)))
}
