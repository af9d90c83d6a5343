import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { parseTempoPayload } from '../src/adapters/tempo.ts'
import { TempoError } from '../src/errors.ts'
import { GOTIFY_PUBLIC_ROUTES, GOTIFY_ROUTES, PAGE_ROUTES } from '../src/http/guard.ts'
import { PayloadSchema } from '../src/http/payload-schema.ts'
import { createServer, type ServerDeps } from '../src/http/server.ts'
import { type Answer, eventually, startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
// biome-ignore lint/suspicious/noExplicitAny: the document is what this file checks.
let document: any
let ajv: Ajv2020
before(async () => {
  server = await startTestServer()
  document = (await server.get('/openapi.json', null)).body
  ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true })
  for (const word of [
    'openapi',
    'info',
    'servers',
    'security',
    'components',
    'paths',
    'webhooks',
    'example',
  ]) {
    ajv.addKeyword(word)
  }
  ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  ajv.addSchema({ $id: 'api', components: document.components, paths: document.paths })
})
after(() => server.stop())

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options']

// biome-ignore lint/suspicious/noExplicitAny: as above.
function operations(): { path: string; method: string; operation: any }[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as object).map(([method, operation]) => ({ path, method, operation })),
  )
}

function pointer(...names: string[]): string {
  return names
    .map((name) => `/${encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))}`)
    .join('')
}

/** The schema of an answer, with all that is not in it refused. */
function schemaOf(path: string, method: string, status: number, type: string): ValidateFunction {
  const described = document.paths[path]?.[method]?.responses[status]
  assert.ok(described?.content?.[type], `${method} ${path} does not describe ${status} as ${type}`)
  return ajv.compile({
    $ref: `api#${pointer('paths', path, method, 'responses', String(status), 'content', type, 'schema')}`,
    unevaluatedProperties: false,
  })
}

function assertDescribed(path: string, method: string, answer: Answer): void {
  const type = answer.headers.get('content-type')!.split(';')[0]!
  const validate = schemaOf(path, method, answer.status, type)
  assert.ok(validate(answer.body), `${method} ${path} ${answer.status}: ${ajv.errorsText(validate.errors)}`)
}

/** Names of properties that are in a value and in no schema, which `unevaluatedProperties` finds at the top only. */
function undescribed(value: unknown, name: string): string[] {
  const known = document.components.schemas[name].properties
  return Object.keys(value as object).filter((key) => !(key in known))
}

/** The page, its session, and what speaks Gotify's own protocol. */
const NOT_OF_THE_API = new Set([...PAGE_ROUTES, ...GOTIFY_ROUTES, ...GOTIFY_PUBLIC_ROUTES, '/session'])

describe('the document', () => {
  test('has the parts that OpenAPI 3.1 asks for', () => {
    assert.match(document.openapi, /^3\.1\.\d+$/)
    assert.deepEqual([typeof document.info.title, typeof document.info.version], ['string', 'string'])
    assert.deepEqual(Object.keys(document.components.securitySchemes), ['token', 'bearer'])
    assert.ok(operations().length >= 22)
    for (const { path, method, operation } of operations()) {
      const name = `${method} ${path}`
      assert.match(path, /^\/[^?#]*$/)
      assert.ok(METHODS.includes(method), name)
      assert.ok(operation.summary, name)
      for (const [status, answer] of Object.entries<{ description: string }>(operation.responses)) {
        assert.match(status, /^[1-5]\d\d$/)
        assert.ok(answer.description, `${name} ${status}`)
      }
      const parameters: { name: string; in: string; required: boolean; schema: object }[] =
        operation.parameters ?? []
      const inPath = parameters.filter((parameter) => parameter.in === 'path')
      assert.deepEqual(
        inPath.map((each) => `{${each.name}}`).sort(),
        (path.match(/\{\w+\}/g) ?? []).sort(),
        name,
      )
      assert.ok(
        inPath.every((parameter) => parameter.required),
        name,
      )
      assert.equal(new Set(parameters.map((each) => each.in + each.name)).size, parameters.length, name)
      assert.equal(operation.security?.length === 0, path === '/health', name)
    }
  })

  test('holds JSON schemas without unknown words, and references that lead somewhere', () => {
    let count = 0
    const visit = (value: unknown, names: string[]): void => {
      if (typeof value !== 'object' || value === null) return
      for (const [key, child] of Object.entries(value)) {
        if (key !== 'schema' && names.join('/') !== 'components/schemas') visit(child, [...names, key])
        else {
          count++
          ajv.compile({ $ref: `api#${pointer(...names, key)}` })
        }
      }
    }
    visit({ components: document.components, paths: document.paths }, [])
    assert.ok(count > 100, `${count} schemas`)
  })

  test('describes every route under /api/v1 and every way to send, and nothing that is not there', () => {
    const app = createServer({ basePath: '', readBody: { limit: 1 } } as unknown as ServerDeps)
    const served = app.routes
      .filter(({ method, path }) => method !== 'ALL' && !path.endsWith('/') && !path.includes('openapi.json'))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
      .filter((name) => !/ \/(docs.*|metrics)?$/.test(name))
      .filter((name) => !NOT_OF_THE_API.has(name.slice(name.indexOf(' ') + 1).replace('{file}', ':file')))
    const described = operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    assert.deepEqual([...new Set(served)].sort(), described.sort())
  })

  test('names the root of the server as seen from where it was read', async () => {
    for (const path of ['/openapi.json', '/api/v1/openapi.json']) {
      const { servers } = (await server.get(path, null)).body
      assert.equal(new URL(servers[0].url, server.url + path).href, `${server.url}/`)
    }
  })
})

describe('real answers are as described', () => {
  const NOWHERE = '019ddc5e-7c00-7000-8000-000000000000'

  test('when they give what was asked for', async () => {
    const token = await server.token(['com.proxmox'])
    const accepted = await server.post('/ingest', token, {
      title: 'x',
      externalID: 'e',
      endDate: 1795227247,
      actions: [{ label: 'Copy', trigger: { copyToClipboard: 'x' } }],
      metadata: { NodeName: 'pve1', VMID: 100, severity: 'error' },
    })
    const alone = await server.post('/events', token, { title: 'alone' })
    assertDescribed('/ingest', 'post', accepted)
    assertDescribed('/events', 'post', alone)
    const refused = await server.post('/ingest', token, '{"title')
    const { quarantineId } = refused.body
    await eventually(async () => (await server.get('/api/v1/deliveries')).body.items.length === 3)

    const v1 = '/api/v1'
    const wish = { name: 'hook', type: 'webhook', url: 'http://127.0.0.1:1/', minSeverity: 'ok' }
    const channel = await server.request('POST', `${v1}/channels`, wish)
    await server.request('POST', `${v1}/channels/${channel.body.id}/test`)
    const silence = { reason: 'x', to: new Date(Date.now() + 3_600_000).toISOString() }
    const gets: [string, string][] = [
      ['/health', '/health'],
      [`${v1}/timeline`, `${v1}/timeline?limit=1`],
      [`${v1}/stacks/{id}`, `${v1}/stacks/${accepted.body.stackId}`],
      [`${v1}/stacks/{id}`, `${v1}/stacks/${alone.body.stackId}`],
      [`${v1}/events`, `${v1}/events`],
      [`${v1}/events/{id}`, `${v1}/events/${accepted.body.id}`],
      [`${v1}/sources`, `${v1}/sources`],
      [`${v1}/heatmap`, `${v1}/heatmap?unit=day&from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z`],
      [`${v1}/tokens`, `${v1}/tokens`],
      [`${v1}/scores`, `${v1}/scores`],
      [`${v1}/scores/{provider}`, `${v1}/scores/com.proxmox`],
      [`${v1}/deliveries`, `${v1}/deliveries`],
      [`${v1}/channels`, `${v1}/channels`],
      [`${v1}/channels/{id}`, `${v1}/channels/${channel.body.id}`],
      [`${v1}/channels/{id}/attempts`, `${v1}/channels/${channel.body.id}/attempts`],
      [`${v1}/events/{id}/notifications`, `${v1}/events/${accepted.body.id}/notifications`],
      [`${v1}/quarantine`, `${v1}/quarantine`],
      [`${v1}/quarantine/{id}`, `${v1}/quarantine/${quarantineId}`],
    ]
    for (const [path, url] of gets) {
      const answer = await server.get(url)
      assert.equal(answer.status, 200, url)
      assert.notDeepEqual(answer.body.items, [], `${url} shows nothing`)
      assertDescribed(path, 'get', answer)
    }
    const stack = (await server.get(`${v1}/timeline`)).body.items[0]
    const lists = ['sources', 'tokens', 'scores', 'deliveries', 'quarantine'] as const
    const names = {
      sources: 'Source',
      tokens: 'Token',
      scores: 'Score',
      deliveries: 'Delivery',
      quarantine: 'Quarantined',
    }
    assert.deepEqual([...undescribed(stack, 'Stack'), ...undescribed(stack.latest, 'Event')], [])
    for (const list of lists) {
      const [item] = (await server.get(`${v1}/${list}`)).body.items
      assert.deepEqual(undescribed(item, names[list]), [], list)
    }

    const posts: [string, string, unknown][] = [
      [`${v1}/stacks/{id}/{verb}`, `${v1}/stacks/${accepted.body.stackId}/ack`, undefined],
      [`${v1}/events/{id}/{verb}`, `${v1}/events/${accepted.body.id}/dismiss`, undefined],
      [`${v1}/stacks/{verb}`, `${v1}/stacks/restore`, { ids: [accepted.body.stackId] }],
      [`${v1}/events/{verb}`, `${v1}/events/unack`, { filter: { provider: 'com.proxmox' } }],
      [`${v1}/tokens`, `${v1}/tokens`, { name: 'new' }],
      [`${v1}/channels`, `${v1}/channels`, { ...wish, name: 'other' }],
      [`${v1}/channels/test`, `${v1}/channels/test`, wish],
      [
        `${v1}/channels/{id}/resend`,
        `${v1}/channels/${channel.body.id}/resend`,
        { since: '2026-01-01T00:00:00Z' },
      ],
      [`${v1}/silences`, `${v1}/silences`, silence],
      [`${v1}/quarantine/{id}/ingest`, `${v1}/quarantine/${quarantineId}/ingest`, { title: 'repaired' }],
    ]
    for (const [path, url, body] of posts)
      assertDescribed(path, 'post', await server.request('POST', url, body))
  })

  test('when they are problems', async () => {
    const token = await server.token(['com.proxmox'])
    for (const body of ['{"a": "line\nbreak"}', { title: '', severity: 'x' }, 'x'.repeat(5_000_000)]) {
      assertDescribed('/ingest', 'post', await server.post('/ingest', token, body))
    }
    assertDescribed('/ingest', 'post', await server.post('/ingest', null, {}))
    for (const { path, method } of operations().filter((each) => each.path.startsWith('/api/v1/'))) {
      const url = path.replace('{id}', NOWHERE).replace('{verb}', 'ack').replace('{provider}', 'com.nobody')
      const send = (headers: Record<string, string>) =>
        server.request(method.toUpperCase(), url, undefined, headers)
      assertDescribed(path, method, await send({}))
      assertDescribed(path, method, await send({ 'X-Tempo-Token': token }))
      if (/\{(id|provider)\}/.test(path)) {
        const answer = await send({ 'X-Tempo-Token': server.adminToken })
        assert.equal(answer.status, path.endsWith('/backtest') ? 422 : 404, `${method} ${path}`)
        assertDescribed(path, method, answer)
      }
    }
    assertDescribed('/api/v1/timeline', 'get', await server.get('/api/v1/timeline?limit=0'))
  })
})

test('the payload schema and the parser of payloads give the same verdicts', () => {
  const action = (trigger: unknown, more = {}) => ({ actions: [{ label: 'a', trigger, ...more }] })
  const good: Record<string, unknown>[] = [
    {},
    { title: ' x ' },
    { title: 'x'.repeat(3_000) },
    { other: [1] },
    ...['', ' \n', null].flatMap((blank) =>
      [
        'providerIdentifier',
        'startDate',
        'endDate',
        'eventType',
        'externalID',
        'severity',
        'color',
        'groupingKey',
        'recurrenceRule',
        'actions',
        'metadata',
      ].map((name) => ({ [name]: blank })),
    ),
    { providerIdentifier: 'com.proxmox.x' },
    { startDate: 0 },
    { startDate: ' 1795227247 ' },
    { startDate: -1 },
    { endDate: '2026-11-21T00:00+02' },
    { eventType: ' task ' },
    { severity: 'ok' },
    { color: ' #aAbB09 ' },
    { externalID: 1 },
    { externalID: '🙂'.repeat(200) },
    { groupingKey: 1.5 },
    { groupingKey: 'k'.repeat(500) },
    { recurrenceRule: 'r'.repeat(1_000) },
    { actions: [] },
    { metadata: {} },
    { metadata: { a: [{ b: null }] } },
    action({ openURL: 'x' }),
    action({ openURL: 'x', copyToClipboard: ' ' }),
    action({ copyToClipboard: 'x', x: null }),
    action({ openURL: 'x' }, { more: 1, systemIcon: null }),
    action({ openURL: 'x'.repeat(2_000) }),
    { actions: Array.from({ length: 8 }, () => ({ label: 'l', trigger: { openURL: 'x' } })) },
  ]
  const bad: Record<string, unknown>[] = [
    ...['', ' ', null, 1, {}, undefined].map((title) => ({ title })),
    ...['Com.Proxmox', 'ab', 'a..b', '-abc', 1, 'a'.repeat(201)].map((providerIdentifier) => ({
      providerIdentifier,
    })),
    ...['now', '2026-11-21', '2026-11-21T00:00:00', true, [], {}, 1e300, '2026-02-30T00:00:00Z'].flatMap(
      (date) => [{ startDate: date }, { endDate: date }],
    ),
    { eventType: 'Alert' },
    { eventType: 1 },
    { severity: 'notice' },
    { severity: ['error'] },
    { color: 'red' },
    { color: '#12345' },
    { color: 0 },
    { externalID: 'x'.repeat(201) },
    { externalID: {} },
    { externalID: true },
    { groupingKey: 'k'.repeat(501) },
    { groupingKey: [] },
    { recurrenceRule: 5 },
    { recurrenceRule: 'r'.repeat(1_001) },
    { actions: {} },
    { actions: ['x'] },
    { actions: [null] },
    { actions: [{}] },
    { actions: 'x' },
    action({}),
    action(null),
    action('x'),
    action({ openURL: 1 }),
    action({ openURL: 'a', copyToClipboard: 'b' }),
    action({ openTerminalWith: 'x' }),
    action({ openURL: 'x'.repeat(2_001) }),
    action({ openURL: 'x', y: 1 }),
    action({ openURL: 'x' }, { label: ' ' }),
    action({ openURL: 'x' }, { label: 'l'.repeat(101) }),
    action({ openURL: 'x' }, { systemIcon: 5 }),
    { actions: Array.from({ length: 9 }, () => ({ label: 'l', trigger: { openURL: 'x' } })) },
    { metadata: [] },
    { metadata: 'x' },
    { metadata: 1 },
  ]
  for (const [expected, fields] of [
    ...good.map((f) => [true, f] as const),
    ...bad.map((f) => [false, f] as const),
  ]) {
    const payload = { title: 'x', ...fields }
    const shown = JSON.stringify(payload).slice(0, 200)
    assert.equal(PayloadSchema.safeParse(payload).success, expected, `schema: ${shown}`)
    assert.equal(isParsed(payload), expected, `parser: ${shown}`)
  }
})

function isParsed(payload: Record<string, unknown>): boolean {
  try {
    parseTempoPayload(payload, { now: new Date(), provider: 'com.proxmox' })
    return true
  } catch (error) {
    if (error instanceof TempoError) return false
    throw error
  }
}

for (const basePath of ['', '/tempo']) {
  test(`the page of the document needs no other host, under "${basePath}/"`, async (t) => {
    const own = await startTestServer({ env: { TEMPO_BASE_PATH: basePath } })
    t.after(own.stop)
    for (const prefix of new Set([basePath, ''])) {
      const page = await own.get(`${prefix}/docs`, null)
      assert.equal(page.status, 200)
      assert.match(page.headers.get('content-security-policy')!, /default-src 'none'/)
      const links = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]!)
      const start = (await own.get(`${prefix}/docs/start.js`, null)).text
      links.push(/url: '([^']*)'/.exec(start)![1]!)
      assert.equal(links.length, 4)
      assert.doesNotMatch(page.text + start, /\/\//)
      for (const link of links) {
        const url = new URL(link, `${own.url}${prefix}/docs`)
        assert.ok(url.href.startsWith(`${own.url}${prefix}/`), url.href)
        assert.equal((await own.get(url.pathname, null)).status, 200, url.href)
      }
      const style = await own.get(`${prefix}/docs/swagger-ui.css`, null)
      assert.doesNotMatch(style.text, /url\(["']?https?:|@import/)

      for (const path of ['/health', '/openapi.json', '/'])
        assert.equal((await own.get(prefix + path, null)).status, 200)
      const token = await own.token(['com.proxmox'])
      for (const path of ['/ingest', '/events/']) {
        assert.equal((await own.post(prefix + path, token, { title: 'x' })).status, 200)
      }
      assert.equal((await own.get(`${prefix}/api/v1/timeline`, null)).status, 401)
      assert.equal((await own.get(`${prefix}/api/v1/timeline`)).status, 200)
    }
    assert.equal((await own.get('/tempox/health', null)).status, 404)
    assert.equal((await own.get(basePath || '/', null)).status, 200)
  })
}
