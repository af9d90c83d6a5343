import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bodyOf, DAY, dates, HOUR, night, type Run } from './helpers/nights.ts'
import { startTestServer, type TestServer } from './helpers/server.ts'
import { aborted, failed, ok } from './helpers/vzdump.ts'

type Json = Record<string, unknown>

/** The time of the server; tests set it, and nothing else does. */
const clock = { now: night('2026-03-27') - 2 * DAY }
let server: TestServer
let token: string
let away: string

async function post(run: Run, secret = token): Promise<string> {
  const answer = await server.post('/ingest/proxmox', secret, bodyOf(run))
  assert.equal(answer.status, 200, answer.text)
  return answer.body.id
}

before(async () => {
  server = await startTestServer({ overrides: { now: () => new Date(clock.now) } })
  const make = async (Cluster: string) =>
    (await server.request('POST', '/api/v1/tokens', { name: Cluster, defaults: { Cluster } })).body.token
  token = await make('lab')
  away = await make('far')
  // The server was there all the time, but for the night of 31 March.
  await server.db.write`DELETE FROM heartbeats`
  await server.db.write`
    INSERT INTO heartbeats (id, from_at, to_at) VALUES
      (gen_random_uuid(), '2026-03-20', '2026-03-30T20:00:00Z'), (gen_random_uuid(), '2026-03-31T09:00:00Z', '2026-05-01')`
  for (const date of dates('2026-03-27', 7)) {
    if (['2026-03-30', '2026-03-31'].includes(date)) continue
    const moved = date >= '2026-04-01'
    const web = date === '2026-03-28' ? failed(100, 'web') : ok(100, moved ? 'web-new' : 'web')
    const dns = date === '2026-03-29' ? aborted(101, 'dns') : ok(101, 'dns')
    await post({ startedAt: night(date), node: moved ? 'pve-02' : 'pve-01', guests: [web, dns] })
  }
  await post({ startedAt: night('2026-04-01'), guests: [ok(100, 'other')] }, away)
  clock.now = night('2026-04-02') + 12 * HOUR
})
after(() => server.stop())

async function items(query: string): Promise<Json[]> {
  const answer = await server.get(`/api/v1/backups?${query}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.body.items
}

describe('backups', () => {
  test('are listed the latest first, and narrowed by all that is asked for', async () => {
    const all = await items('limit=200')
    assert.equal(all.length, 11)
    const times = all.map(({ startedAt }) => String(startedAt))
    assert.deepEqual(times, times.toSorted().reverse())
    const counts = await Promise.all(
      [
        'status=failed',
        'status=aborted',
        'vmid=100',
        'vmid=100&cluster=lab',
        'node=pve-02',
        'node=pve-02&vmid=101&status=ok',
        'from=2026-03-29T00:00:00Z&to=2026-03-30T00:00:00Z',
        'cluster=nowhere',
      ].map(async (query) => (await items(query)).length),
    )
    assert.deepEqual(counts, [1, 1, 6, 5, 4, 2, 2, 0])
  })

  test('come page by page, nothing twice and nothing missed, though others arrive meanwhile', async () => {
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
      const { body } = await server.get(`/api/v1/backups?cluster=lab&limit=3${query}`)
      seen.push(...body.items.map(({ id }: Json) => id))
      cursor = body.nextCursor
      if (seen.length === 3) {
        await post({ startedAt: night('2026-04-02') + HOUR, jobId: 'more', guests: [ok(300, 'later')] })
      }
    }
    assert.equal(new Set(seen).size, 10)
    assert.equal(seen.length, 10)
  })

  test('point to the event in the stack of the guest, or to none when that is gone', async () => {
    const [first] = await items('vmid=100&cluster=lab&limit=1')
    const { body } = await server.get(`/api/v1/stacks/${first!.stackId}`)
    assert.equal(body.key, 'pve-02/100')
    const [last] = (await items('vmid=101&limit=200')).slice(-1)
    await server.db.write`DELETE FROM events WHERE id = ${String(last!.eventId)}`
    const [again] = (await items('vmid=101&limit=200')).slice(-1)
    assert.deepEqual([again!.id, again!.eventId, again!.stackId], [last!.id, null, null])
  })
})

describe('coverage', () => {
  const cells = async (query: string, vmid = '100', cluster = 'lab') => {
    const answer = await server.get(`/api/v1/backups/coverage?${query}`)
    assert.equal(answer.status, 200, answer.text)
    const row = answer.body.guests.find((guest: Json) => guest.vmid === vmid && guest.cluster === cluster)
    return Object.fromEntries(answer.body.days.map((day: string, n: number) => [day.slice(5), row.days[n]]))
  }

  test('tells of each day what is known, also of the one on which the clocks change', async () => {
    const span = 'from=2026-03-26T12:00:00Z&to=2026-04-02T14:00:00Z&tz=Europe/Berlin'
    assert.deepEqual(await cells(span), {
      '03-26': 'unknown',
      '03-27': 'ok',
      '03-28': 'failed',
      '03-29': 'ok',
      '03-30': 'absent',
      '03-31': 'unknown',
      '04-01': 'ok',
      '04-02': 'ok',
    })
    assert.equal((await cells(span, '101'))['03-29'], 'aborted')
    assert.deepEqual(Object.values(await cells(span, '100', 'far')).slice(-3), ['unknown', 'ok', 'unknown'])
  })

  test('counts days in the zone that was asked for', async () => {
    // 02:00 in Berlin is the evening before in Los Angeles.
    const west = await cells('from=2026-03-26T12:00:00Z&to=2026-04-02T06:00:00Z&tz=America/Los_Angeles')
    assert.deepEqual([west['03-27'], west['03-28']], ['failed', 'ok'])
    const midnight = await server.get(
      '/api/v1/backups/coverage?from=2026-03-28T23:00:00Z&to=2026-03-30T22:00:00Z&tz=Europe/Berlin',
    )
    assert.deepEqual(midnight.body.days, ['2026-03-29', '2026-03-30'])
  })
})

test('guests are known by cluster and VMID, by their latest name and node', async () => {
  const answer = await server.get('/api/v1/guests')
  const shown = answer.body.items
    .filter(({ vmid }: Json) => vmid !== '300')
    .map((guest: Json) => [guest.cluster, guest.vmid, guest.name, guest.node, guest.lastStatus, guest.parked])
  assert.deepEqual(shown, [
    ['far', '100', 'other', 'pve-01', 'ok', null],
    ['lab', '100', 'web-new', 'pve-02', 'ok', null],
    ['lab', '101', 'dns', 'pve-02', 'ok', null],
  ])
  // A report that comes late says nothing of the present.
  await post({ startedAt: night('2026-03-10'), node: 'pve-09', guests: [failed(100, 'old'), ok(101, 'dns')] })
  const web = (await server.get('/api/v1/guests')).body.items.find(
    ({ cluster, vmid }: Json) => cluster === 'lab' && vmid === '100',
  )
  assert.deepEqual(
    [web.name, web.node, web.lastStatus, web.firstSeenAt],
    ['web-new', 'pve-02', 'ok', new Date(night('2026-03-10')).toISOString()],
  )
})

describe('a parking', () => {
  const parked = async () =>
    (await server.get('/api/v1/guests')).body.items.find(
      ({ cluster, vmid }: Json) => cluster === 'lab' && vmid === '101',
    ).parked
  const change = (verb: string, body: Json) =>
    server.request('POST', `/api/v1/guests/${verb}`, { cluster: 'lab', vmid: '101', ...body })

  test('has a reason and an end, is replaced by the next, and can be ended', async () => {
    const until = new Date(clock.now + DAY).toISOString()
    assert.equal((await change('park', { reason: ' moves house ', until })).status, 204)
    assert.deepEqual(await parked(), {
      reason: 'moves house',
      from: new Date(clock.now).toISOString(),
      to: until,
      by: 'admin',
    })
    clock.now += DAY
    assert.equal(await parked(), null)
    assert.equal((await change('park', { reason: 'for good' })).status, 204)
    assert.equal((await parked()).to, null)
    clock.now += HOUR
    assert.equal((await change('park', { reason: 'better reason' })).status, 204)
    assert.equal((await parked()).reason, 'better reason')
    clock.now += HOUR
    assert.equal((await change('unpark', {})).status, 204)
    assert.equal(await parked(), null)
    assert.equal((await change('unpark', {})).status, 404)
  })

  test('that cannot be is refused', async () => {
    const past = new Date(clock.now - HOUR).toISOString()
    for (const [body, path] of [
      [{}, 'reason'],
      [{ reason: '  ' }, 'reason'],
      [{ reason: 'x'.repeat(501) }, 'reason'],
      [{ reason: 'x', until: past }, 'until'],
      [{ reason: 'x', until: 'soon' }, 'until'],
      [{ reason: 'x', vmid: '' }, 'vmid'],
    ] as const) {
      const answer = await change('park', body)
      assert.deepEqual([answer.status, answer.body.errors?.[0]?.path], [422, path], answer.text)
    }
    assert.equal((await change('park', { reason: 'x', more: 1 })).status, 422)
    assert.equal((await change('park', { reason: 'x', vmid: '999' })).status, 404)
  })
})

test('expectations tell what is due next; a rhythm is set, shown and forgotten', async () => {
  const job = { cluster: 'lab', jobId: 'backup-nightly' }
  const put = (rhythm: unknown, more: Json = {}) =>
    server.request('PUT', '/api/v1/expectations', { ...job, rhythm, ...more })
  const read = async () => (await server.get('/api/v1/expectations')).body
  assert.deepEqual((await read()).rhythms, [])
  assert.ok(Array.isArray((await read()).expected))
  assert.equal((await put('every 24h grace 3h')).status, 204)
  assert.equal((await put('every 12h')).status, 204)
  assert.deepEqual((await read()).rhythms, [
    { ...job, rhythm: 'every 12h', by: 'admin', updatedAt: new Date(clock.now).toISOString() },
  ])
  for (const rhythm of ['', 'daily', 'every 1m', 'every 24h grace', 7, undefined]) {
    const answer = await put(rhythm)
    assert.deepEqual([answer.status, answer.body.errors[0].path], [422, 'rhythm'], String(rhythm))
  }
  assert.equal((await put('every 24h', { jobId: '' })).status, 422)
  assert.equal((await put('every 24h', { extra: 1 })).status, 422)
  assert.deepEqual([(await put(null)).status, (await put(null)).status], [204, 204])
  assert.deepEqual((await read()).rhythms, [])
})

test('questions that make no sense are refused with the name of what is wrong', async () => {
  for (const [path, name] of [
    ['backups?status=fine', 'status'],
    ['backups?limit=0', 'limit'],
    ['backups?limit=201', 'limit'],
    ['backups?from=yesterday', 'from'],
    ['backups?cursor=x', 'cursor'],
    ['backups?cursor=2026-01-01T00:00:00Z|x', 'cursor'],
    ['backups?node=', 'node'],
    ['backups?vmid=%00', 'vmid'],
    ['backups/coverage?tz=Mars', 'tz'],
    ['backups/coverage?tz=%2B02:00', 'tz'],
    ['backups/coverage?from=2026-04-02T00:00:00Z&to=2026-04-01T00:00:00Z', 'from'],
    ['backups/coverage?from=2020-04-02T00:00:00Z&to=2026-04-01T00:00:00Z', 'from'],
    ['backups/coverage?to=0001-01-01T00:00:00Z', 'from'],
    ['backups/coverage?to=9999-12-31T23:59:59Z&tz=Pacific/Auckland', 'from'],
  ] as const) {
    const answer = await server.get(`/api/v1/${path}`)
    assert.deepEqual([answer.status, answer.body.errors?.[0]?.path], [422, name], `${path} ${answer.text}`)
  }
})

test('nothing of it is told without a token, and nothing changes with one for reading', async () => {
  const reading = await server.token([], ['read'])
  for (const [method, path] of [
    ['GET', 'backups'],
    ['GET', 'backups/coverage'],
    ['GET', 'guests'],
    ['GET', 'expectations'],
    ['POST', 'guests/park'],
    ['POST', 'guests/unpark'],
    ['PUT', 'expectations'],
  ] as const) {
    const body = method === 'GET' ? undefined : {}
    assert.equal((await server.request(method, `/api/v1/${path}`, body, {})).status, 401, path)
    const answer = await server.request(method, `/api/v1/${path}`, body, { 'X-Tempo-Token': reading })
    assert.equal(answer.status, method === 'GET' ? 200 : 403, path)
  }
})
