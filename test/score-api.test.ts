import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, fixture, startTestServer, type TestServer } from './helpers/server.ts'

const DISK = {
  providerIdentifier: 'scripts.disk',
  displayName: 'Disk',
  severityRules: [{ match: { state: 'full' }, severity: 'error', label: 'Full' }],
  groupingRules: [
    { match: { state: 'full' }, role: 'opens', key: '${metadata.host}' },
    { match: { state: 'free' }, role: 'closes', key: '${metadata.host}' },
  ],
}

let server: TestServer
let folder: string
let token: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tempo-scores-'))
  server = await startTestServer({ env: { TEMPO_SCORES_DIR: folder } })
  token = await server.token()
})

after(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

async function post(state: string, more: Record<string, unknown> = {}) {
  const body = {
    providerIdentifier: 'scripts.disk',
    title: `disk ${state}`,
    metadata: { state, host: 'nas' },
    ...more,
  }
  return (await server.post('/ingest', token, body)).body
}

async function scoreOf(provider: string) {
  const { items } = (await server.get('/api/v1/scores')).body
  return items.find((item: { provider: string }) => item.provider === provider)
}

test('a score sent to the API is in force at once, and its sessions resolve', async () => {
  assert.equal((await server.request('POST', '/api/v1/scores', DISK)).status, 200)
  assert.equal((await scoreOf('scripts.disk')).origin, 'kept')
  const full = await post('full')
  assert.deepEqual([full.severity, full.label], ['error', 'Full'])
  const free = await post('free')
  assert.equal(free.stackId, full.stackId)
  const stack = (await server.get(`/api/v1/stacks/${full.stackId}`)).body
  assert.deepEqual([stack.resolved, stack.count, stack.severity], [true, 2, 'info'])
})

test('a wrong score is refused with the path, the place and the key that was meant', async () => {
  const text = '{\n  "providerIdentifier": "scripts.x",\n  "displayName": "X",\n  "severtyRules": []\n}'
  const answer = await server.request('POST', '/api/v1/scores', text)
  assert.equal(answer.status, 422)
  assert.match(answer.body.errors[0].message, /severityRules.*line 4, column 3/)
})

test('a dry run checks a score and keeps nothing', async () => {
  const score = { ...DISK, providerIdentifier: 'scripts.dry' }
  assert.equal((await server.request('POST', '/api/v1/scores?dryRun=true', score)).status, 200)
  assert.equal(await scoreOf('scripts.dry'), undefined)
})

test('a second server on the same database takes a score over by itself', async () => {
  const second = await startTestServer({ database: server.database })
  try {
    const score = { ...DISK, providerIdentifier: 'scripts.shared', displayName: 'Shared' }
    await server.request('POST', '/api/v1/scores', score)
    await eventually(
      async () => (await second.get('/api/v1/scores/scripts.shared', server.adminToken)).status === 200,
    )
    assert.equal((await server.request('DELETE', '/api/v1/scores/scripts.shared')).status, 204)
    await eventually(
      async () => (await second.get('/api/v1/scores/scripts.shared', server.adminToken)).status === 404,
    )
  } finally {
    await second.stop()
  }
})

test('a file of the folder is read within a second, and its last good version survives a broken one', async () => {
  const path = join(folder, 'mine.json')
  const mine = (label: string) =>
    JSON.stringify({
      providerIdentifier: 'org.mine',
      displayName: 'Mine',
      severityDefault: { severity: 'info', label },
    })
  const label = async () =>
    (await server.post('/ingest', token, { providerIdentifier: 'org.mine', title: 'x' })).body.label
  await writeFile(path, mine('One'))
  await eventually(async () => (await label()) === 'One', 1_500)
  await writeFile(`${path}.new`, mine('Two'))
  await rename(`${path}.new`, path)
  await eventually(async () => (await label()) === 'Two', 1_500)
  await writeFile(path, '{ broken')
  await eventually(async () => (await server.get('/api/v1/scores')).body.problems.length === 1)
  assert.equal(await label(), 'Two')
  await rm(path)
  await eventually(async () => (await label()) === 'Info', 1_500)
})

test('editing a file under load never gives an event half of an old and half of a new score', async () => {
  const path = join(folder, 'pair.json')
  const pair = (version: number) =>
    JSON.stringify({
      providerIdentifier: 'org.pair',
      displayName: 'Pair',
      severityDefault: { severity: 'info', label: `v${version}` },
      color: version % 2 ? '#111111' : '#222222',
      grouping: `v${version}`,
      tagRules: [{ match: { on: 1 }, tag: `v${version}` }],
    })
  await writeFile(path, pair(0))
  await eventually(async () => (await scoreOf('org.pair')) !== undefined)
  const seen = new Set<string>()
  let version = 0
  let done = false
  const editing = (async () => {
    while (seen.size < 4) {
      version++
      await writeFile(`${path}.new`, pair(version))
      await rename(`${path}.new`, path)
      const label = `v${version}`
      await eventually(() => seen.has(label))
    }
    done = true
  })()
  const body = { providerIdentifier: 'org.pair', title: 'x', metadata: { on: 1 } }
  while (!done) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.post('/ingest', token, body)))
    for (const { body: answer } of answers) {
      const event = (await server.get(`/api/v1/events/${answer.id}`)).body
      const stack = (await server.get(`/api/v1/stacks/${answer.stackId}`)).body
      assert.deepEqual([event.tags[0], stack.key], [answer.label, answer.label])
      seen.add(answer.label)
    }
  }
  await editing
})

test('an explanation tells every condition, the winner and the stack, and stores nothing', async () => {
  const before = (await server.get('/api/v1/events?state=all&limit=200')).body.items.length
  const reader = await server.token([], ['read'])
  const answer = await server.request('POST', '/api/v1/explain', await fixture('pve/system-mail.json'), {
    'X-Tempo-Token': reader,
  })
  assert.equal(answer.status, 200)
  const { score, severity, outcome, stack, actions } = answer.body
  assert.deepEqual(
    [score.foundAs, outcome.severity, outcome.label, outcome.key],
    ['com.proxmox', 'warning', 'System mail', 'pve1'],
  )
  const winner = severity.rules[severity.winner]
  assert.ok(winner.matched && winner.conditions.every((condition: { held: boolean }) => condition.held))
  assert.ok(severity.rules[0].conditions.some((condition: { held: boolean }) => !condition.held))
  assert.deepEqual([stack.id, stack.count, actions.length], [null, 0, 5])
  assert.equal((await server.get('/api/v1/events?state=all&limit=200')).body.items.length, before)
})

test('an explanation of a stored event names the stack that it is in, and of a payload the one it would join', async () => {
  const stored = (await server.post('/ingest', token, await fixture('pve/system-mail.json'))).body
  const ofStored = (await server.request('POST', '/api/v1/explain', { eventId: stored.id })).body
  assert.equal(ofStored.stack.id, stored.stackId)
  const ofPayload = (await server.request('POST', '/api/v1/explain', await fixture('pve/vzdump-ok.json')))
    .body
  assert.deepEqual([ofPayload.stack.id, ofPayload.stack.count], [stored.stackId, 1])
  const unknown = { eventId: '019ddc5e-7c00-7000-8000-000000000000' }
  assert.equal((await server.request('POST', '/api/v1/explain', unknown)).status, 404)
})

test('a back-test tells in pages what an edited score would change, and changes nothing', async () => {
  await server.request('POST', '/api/v1/scores', DISK)
  for (let n = 0; n < 5; n++) await post('full', { metadata: { state: 'full', host: `host ${n}` } })
  const edited = {
    ...DISK,
    severityRules: [{ match: { state: 'full' }, severity: 'critical', label: 'Full' }],
  }
  const found = new Set<string>()
  let cursor = ''
  do {
    const path = `/api/v1/scores/scripts.disk/backtest?days=1&limit=2${cursor}`
    const page = (await server.request('POST', path, edited)).body
    assert.ok(page.items.length <= 2)
    for (const item of page.items) {
      assert.deepEqual(
        [item.changes, item.before.severity, item.after.severity],
        [['severity'], 'error', 'critical'],
      )
      assert.ok(!found.has(item.eventId))
      found.add(item.eventId)
    }
    cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : ''
  } while (cursor)
  assert.equal(found.size, 6)
  const other = await server.request('POST', '/api/v1/scores/org.other/backtest', edited)
  assert.equal(other.status, 422)
})
