import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startTestServer, type TestServer } from './helpers/server.ts'

let server: TestServer
let token: string
before(async () => {
  server = await startTestServer()
  token = await server.token([])
})
after(() => server.stop())
beforeEach(async () => {
  await server.db.write`TRUNCATE stacks, events CASCADE`
})

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

test('names the sources, with the worst that nobody has dealt with', async () => {
  await send({ severity: 'critical' }).then(({ stackId }) => post(`/stacks/${stackId}/ack`))
  await send({ severity: 'warning' })
  await send({ providerIdentifier: 'other.app', severity: 'error' }).then(({ id }) =>
    post(`/events/${id}/dismiss`),
  )
  const { items } = await get('/sources')
  const shown = items.map(({ lastSeenAt, ...rest }: { lastSeenAt: string }) => rest)
  assert.deepEqual(shown, [
    {
      provider: 'other.app',
      displayName: 'other.app',
      color: '#8E8E93',
      events: 1,
      worstOpenSeverity: null,
      worstOpenBand: null,
    },
    {
      provider: 'com.proxmox',
      displayName: 'Proxmox',
      color: '#E57000',
      events: 2,
      worstOpenSeverity: 'warning',
      worstOpenBand: 'warning',
    },
  ])
  assert.ok(Date.now() - Date.parse(items[0].lastSeenAt) < 10_000)
})

async function heatmap(query: Record<string, string>): Promise<[string, number, string][]> {
  const { items } = await get(`/heatmap?${new URLSearchParams(query)}`)
  return items.map((cell: { start: string; count: number; severity: string }) => [
    cell.start,
    cell.count,
    cell.severity,
  ])
}

test('counts hours and days of a time zone, on days of 23 and of 25 hours too', async () => {
  for (const [startDate, severity] of [
    ['2026-06-01T10:45:00Z', 'info'],
    ['2026-06-01T10:29:00Z', 'error'],
    ['2026-06-01T18:29:00Z', 'ok'],
    ['2026-06-01T18:30:00Z', 'ok'],
    ['2026-03-28T23:00:00Z', 'info'],
    ['2026-03-29T21:59:59Z', 'warning'],
    ['2026-03-29T22:00:00Z', 'info'],
    ['2026-10-25T00:30:00Z', 'info'],
    ['2026-10-25T01:30:00Z', 'info'],
    ['2026-10-25T22:59:59Z', 'critical'],
  ])
    await send({ startDate, severity })
  const june = { from: '2026-06-01T00:00:00Z', to: '2026-06-02T00:00:00Z', tz: 'Asia/Kolkata' }
  assert.deepEqual(await heatmap({ ...june, unit: 'hour' }), [
    ['2026-06-01T09:30:00.000Z', 1, 'error'],
    ['2026-06-01T10:30:00.000Z', 1, 'info'],
    ['2026-06-01T17:30:00.000Z', 1, 'ok'],
    ['2026-06-01T18:30:00.000Z', 1, 'ok'],
  ])
  assert.deepEqual(await heatmap({ ...june, unit: 'day' }), [
    ['2026-05-31T18:30:00.000Z', 3, 'error'],
    ['2026-06-01T18:30:00.000Z', 1, 'ok'],
  ])
  const tz = 'Europe/Berlin'
  assert.deepEqual(
    await heatmap({ from: '2026-03-28T23:00:00Z', to: '2026-03-31T00:00:00Z', tz, unit: 'day' }),
    [
      ['2026-03-28T23:00:00.000Z', 2, 'warning'],
      ['2026-03-29T22:00:00.000Z', 1, 'info'],
    ],
  )
  const october = { from: '2026-10-24T22:00:00Z', to: '2026-10-25T23:00:00Z', tz }
  assert.deepEqual(await heatmap({ ...october, unit: 'day' }), [['2026-10-24T22:00:00.000Z', 3, 'critical']])
  assert.deepEqual(
    (await heatmap({ ...october, unit: 'hour' })).map(([start]) => start.slice(11, 16)),
    ['00:00', '01:00', '22:00'],
  )
  assert.deepEqual(await heatmap({ ...october, unit: 'day', provider: 'other.app' }), [])
})

test('takes every time zone that there is, and says what it does not take', async () => {
  for (const tz of Intl.supportedValuesOf('timeZone')) {
    const { status } = await server.get(`/api/v1/heatmap?tz=${encodeURIComponent(tz)}&unit=day`)
    assert.ok(status === 200 || status === 422, `${tz}: ${status}`)
  }
  const year = 'from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z'
  const bad = {
    tz: ['tz=Nowhere/Else', 'tz=', 'tz=%2B02:00', "tz=UTC'--", 'tz=%00'],
    unit: ['unit=week'],
    from: [`${year}&unit=hour`, 'from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'from=x'],
    to: ['to=x'],
    provider: ['provider=X'],
  }
  for (const [path, queries] of Object.entries(bad)) {
    for (const query of queries) assert.equal((await get(`/heatmap?${query}`)).errors?.[0].path, path, query)
  }
  assert.equal((await server.get(`/api/v1/heatmap?${year}&unit=day`)).status, 200)
})
