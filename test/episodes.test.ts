/** Replications that fail: Proxmox tells of failures only, so a person or a score says when one is over. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { JudgedEvent } from '../src/event.ts'
import type { Database } from '../src/storage/database.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { at, judgedEvent, MINUTE } from './helpers/events.ts'
import { startTestServer, type TestServer } from './helpers/server.ts'

const SCORE = new URL('../scores/com.proxmox.tempo-score', import.meta.url)
/** As docs/proxmox.md writes them. */
const RULES = [
  {
    match: { TaskType: 'replication', Result: 'ok' },
    role: 'closes',
    key: '${metadata.NodeName}/${metadata.JobId}',
  },
  { match: {}, role: 'repeats' },
]

let server: TestServer
let token: string
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tempo-episodes-'))
  const score = { ...JSON.parse(await readFile(SCORE, 'utf8')), groupingRules: RULES }
  await writeFile(join(folder, 'com.proxmox.json'), JSON.stringify(score))
  server = await startTestServer({ env: { TEMPO_SCORES_DIR: folder } })
  token = await server.token(['com.proxmox'])
})

after(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** What a node says of a failed replication, so many minutes after the start of the tests. */
function failure(node: string, minute: number, jobId = '100-0') {
  return {
    title: `Replication Job: '${jobId}' failed `,
    message: `Replication job '${jobId}' failed!\n\nFailure count: ${minute}\n\nError:\nno route to host\n`,
    severity: 'error',
    timestamp: at(minute * MINUTE).getTime() / 1000,
    fields: { type: 'replication', hostname: node, 'job-id': jobId },
  }
}

/** What a script of the user's own may say of the same job. */
function word(node: string, minute: number, metadata: Record<string, unknown>) {
  return {
    title: 'Replicated again',
    startDate: at(minute * MINUTE),
    metadata: { NodeName: node, severity: 'info', ...metadata },
  }
}

async function send(path: string, body: unknown) {
  const answer = await server.post(path, token, body)
  assert.equal(answer.status, 200, answer.text)
  return answer.body
}

const fail = (...given: Parameters<typeof failure>) => send('/ingest/proxmox', failure(...given))
const say = (...given: Parameters<typeof word>) => send('/ingest', word(...given))

async function episodesOf(node: string, state = 'all') {
  const { status, body } = await server.get(`/api/v1/episodes?state=${state}&limit=200`)
  assert.equal(status, 200)
  return body.items.filter((one: { node: string }) => one.node === node)
}

test('a failed replication stays open, silent since its last failure', async () => {
  const first = await fail('pve1', 1)
  const second = await fail('pve1', 16)
  const [episode, ...others] = await episodesOf('pve1', 'open')
  assert.deepEqual(others, [])
  const { id, ...facts } = episode
  assert.match(id, /^[0-9a-f-]{36}$/)
  assert.deepEqual(facts, {
    provider: 'com.proxmox',
    title: "Replication Job: '100-0' failed",
    node: 'pve1',
    vmid: '100',
    jobId: '100-0',
    openedAt: at(MINUTE).toISOString(),
    lastEventAt: at(16 * MINUTE).toISOString(),
    count: 2,
    latestEventId: second.id,
    stackId: second.stackId,
    state: 'open',
    closedAt: null,
    closedBy: null,
    reason: null,
  })
  assert.equal(first.stackId, second.stackId)
})

test('each job of each node is an episode of its own, and nothing else is one', async () => {
  await fail('pve2', 1)
  await fail('pve2', 2, '100-1')
  await fail('pve3', 3)
  await send('/ingest/proxmox', { ...failure('pve2', 4), fields: { type: 'vzdump', hostname: 'pve2' } })
  await send('/ingest/proxmox', { ...failure('pve2', 5, '7-0'), severity: 'warning' })
  const jobs = (await episodesOf('pve2')).map(({ jobId }: { jobId: string }) => jobId)
  assert.deepEqual(jobs, ['100-1', '100-0'])
  assert.equal((await episodesOf('pve3')).length, 1)
})

test('a notification that comes twice counts once', async () => {
  await Promise.all([fail('twice', 1), fail('twice', 1)])
  await fail('twice', 1)
  const idempotent = {
    ...word('twice', 2, { TaskType: 'replication', JobId: '100-0', severity: 'error' }),
    externalID: 'attempt 2',
  }
  for (const title of ['failed', 'failed again']) await send('/ingest', { ...idempotent, title })
  const [episode] = await episodesOf('twice')
  assert.deepEqual([episode.count, episode.title], [2, 'failed again'])
})

test('a person closes it with a reason, once, and the next failure opens another', async () => {
  await fail('byhand', 1)
  const [open] = await episodesOf('byhand')
  const close = (id: string, body: unknown, headers?: Record<string, string>) =>
    server.request('POST', `/api/v1/episodes/${id}/close`, body, headers)
  const reader = { 'X-Tempo-Token': await server.token([], ['read']) }
  assert.equal((await close(open.id, { reason: 'mended' }, reader)).status, 403)
  for (const body of [{ reason: ' ' }, {}, undefined]) {
    assert.equal((await close(open.id, body)).status, 422, JSON.stringify(body))
  }
  assert.equal((await close(open.stackId, { reason: 'mended' })).status, 404)

  const closed = await close(open.id, { reason: 'mended' })
  assert.equal(closed.status, 200)
  assert.deepEqual(
    [closed.body.state, closed.body.closedBy, closed.body.reason],
    ['closed', 'admin', 'mended'],
  )
  assert.equal((await close(open.id, { reason: 'again' })).status, 404)
  assert.deepEqual(await episodesOf('byhand', 'open'), [])

  await fail('byhand', 0)
  const [late] = await episodesOf('byhand')
  assert.deepEqual([late.count, late.state, late.openedAt], [2, 'closed', at(0).toISOString()])

  const minute = Math.ceil((Date.parse(closed.body.closedAt) - at(0).getTime()) / MINUTE) + 1
  await fail('byhand', minute)
  const both = await episodesOf('byhand')
  assert.deepEqual(
    both.map(({ state, count }: { state: string; count: number }) => [state, count]),
    [
      ['open', 1],
      ['closed', 2],
    ],
  )
})

test('a closing rule of the score, or a state of its own, ends it', async () => {
  await fail('byrule', 1)
  await say('byrule', 2, { TaskType: 'replication', Result: 'failed', JobId: '100-0' })
  assert.equal((await episodesOf('byrule', 'open')).length, 1)
  await say('byrule', 3, { TaskType: 'replication', Result: 'ok', JobId: '100-0' })
  const [byRule] = await episodesOf('byrule')
  assert.deepEqual(
    [byRule.state, byRule.closedBy, byRule.reason, byRule.closedAt, byRule.count],
    ['closed', 'score', 'Replicated again', at(3 * MINUTE).toISOString(), 1],
  )

  await fail('bystate', 1)
  await fail('bystate', 1, '200-0')
  await say('bystate', 2, { VMID: 100, state: 'recovered' })
  const open = await episodesOf('bystate', 'open')
  assert.deepEqual(
    open.map(({ jobId }: { jobId: string }) => jobId),
    ['200-0'],
  )
})

test('an episode outlives its events, and an update by externalID moves the failure', async () => {
  const body = (minute: number) => ({
    ...word('moves', minute, { TaskType: 'replication', JobId: '5-0', severity: 'error' }),
    externalID: 'the only one',
  })
  await send('/ingest', body(5))
  await send('/ingest', body(9))
  const [episode] = await episodesOf('moves')
  assert.deepEqual([episode.count, episode.openedAt], [1, at(9 * MINUTE).toISOString()])
  await server.db.read`DELETE FROM events WHERE id = ${episode.latestEventId}`
  const [orphan] = await episodesOf('moves')
  assert.deepEqual([orphan.count, orphan.latestEventId, orphan.stackId], [1, null, null])
})

test('lists go from page to page', async () => {
  for (let n = 1; n <= 3; n++) await fail(`page${n}`, 500 + n)
  const seen: string[] = []
  let cursor = ''
  do {
    const { body } = await server.get(`/api/v1/episodes?limit=2${cursor}`)
    seen.push(...body.items.map(({ id }: { id: string }) => id))
    cursor = body.nextCursor && `&cursor=${encodeURIComponent(body.nextCursor)}`
  } while (cursor)
  const { body } = await server.get('/api/v1/episodes?state=open&limit=200')
  assert.deepEqual(
    seen,
    body.items.map(({ id }: { id: string }) => id),
  )
  assert.equal((await server.get('/api/v1/episodes?cursor=x')).status, 422)
  assert.equal((await server.get('/api/v1/episodes?state=other')).status, 422)
})

type Step = [does: 'fails' | 'recovers', minute: number]

function stepEvent(node: string, [does, minute]: Step): JudgedEvent {
  const episode = { does, key: `replication ${node} 1-0`, jobId: '1-0' }
  return judgedEvent({ provider: 'com.proxmox', node, startDate: at(minute * MINUTE), episode })
}

async function stored(db: Database, node: string) {
  const rows = await db.read<{ open: boolean; from: Date; to: Date; count: number }[]>`
    SELECT closed_at IS NULL AS open, opened_at AS "from", last_event_at AS "to", event_count AS count
    FROM episodes WHERE node = ${node} AND event_count > 0 ORDER BY opened_at`
  const minuteOf = (date: Date) => (date.getTime() - at(0).getTime()) / MINUTE
  return rows.map(({ open, from, to, count }) => ({ open, from: minuteOf(from), to: minuteOf(to), count }))
}

function permutations<T>(items: T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, n) => permutations(items.toSpliced(n, 1)).map((rest) => [item, ...rest]))
}

test('what is open does not depend on the order in which events arrive', async () => {
  const steps: Step[] = [
    ['fails', 1],
    ['fails', 2],
    ['recovers', 3],
    ['fails', 4],
    ['fails', 5],
  ]
  const orders = permutations(steps)
  await Promise.all(
    orders.map(async (order, n) => {
      for (const step of order) await storeEvents(server.db, [stepEvent(`order${n}`, step)])
      assert.deepEqual(
        await stored(server.db, `order${n}`),
        [
          { open: false, from: 1, to: 2, count: 2 },
          { open: true, from: 4, to: 5, count: 2 },
        ],
        JSON.stringify(order),
      )
    }),
  )
  assert.equal(orders.length, 120)
})

test('nor on whether they come at once, and a recovery may come before what it ends', async () => {
  const steps: Step[] = [
    ['recovers', 9],
    ['recovers', 6],
    ['fails', 8],
    ['fails', 4],
    ['recovers', 3],
  ]
  for (const order of permutations(steps).slice(0, 24)) {
    const node = `batch${JSON.stringify(order)}`
    await storeEvents(
      server.db,
      order.map((step) => stepEvent(node, step)),
    )
    assert.deepEqual(
      (await stored(server.db, node)).filter(({ open }) => open),
      [],
    )
  }
  await storeEvents(server.db, [stepEvent('early', ['recovers', 3])])
  await storeEvents(server.db, [stepEvent('early', ['fails', 2])])
  assert.deepEqual(await stored(server.db, 'early'), [{ open: false, from: 2, to: 2, count: 1 }])
})

test('an event that comes again from the spool counts once', async () => {
  const event = stepEvent('again', ['fails', 1])
  await storeEvents(server.db, [event])
  await storeEvents(server.db, [{ ...event, replay: true }])
  assert.deepEqual(await stored(server.db, 'again'), [{ open: true, from: 1, to: 1, count: 1 }])
})

test('servers that store failures of one job at the same time make one episode', async () => {
  const other = server.database.open()
  await Promise.all(
    Array.from({ length: 20 }, (_, minute) =>
      storeEvents(minute % 2 ? other : server.db, [stepEvent('race', ['fails', minute])]),
    ),
  )
  assert.deepEqual(await stored(server.db, 'race'), [{ open: true, from: 0, to: 19, count: 20 }])
})
