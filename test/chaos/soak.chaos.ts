/** Everything that clients do, mixed, for a while: nothing is lost, and neither memory nor handles grow. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openDatabase } from '../../src/storage/database.ts'
import { openEventStream } from '../helpers/event-stream.ts'
import { startPostgres, withoutProcfs } from '../helpers/replication.ts'
import { ADMIN, assertNothingLost, makePlace, settled, startLoad } from './scene.ts'

/** Set TEMPO_TEST_SOAK_SECONDS for a longer one. */
const SECONDS = Number(process.env.TEMPO_TEST_SOAK_SECONDS || 60)
const JOBS = 20
const MIB = 1024 * 1024
/** Far above what a server of this size takes; what leaks at a megabyte a second is over it after five minutes. */
const MOST_MEMORY = 700 * MIB
const MOST_GROWTH = 250 * MIB
const MOST_NEW_HANDLES = 40

type Sample = { memory: number; handles: number }

async function look(pid: number): Promise<Sample> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const handles = await readdir(`/proc/${pid}/fd`)
  return { memory: Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024, handles: handles.length }
}

test(`${SECONDS} s of everything at once`, { skip: withoutProcfs }, async (t) => {
  const postgres = await startPostgres(t)
  const place = await makePlace(t, postgres.url)
  const { pid } = await place.start()
  const headers = { 'X-Tempo-Token': ADMIN }
  const post = (body: string, more: Record<string, string> = {}) =>
    fetch(`${place.url}/ingest`, { method: 'POST', headers: { ...headers, ...more }, body })
  const event = (fields: object) =>
    JSON.stringify({ providerIdentifier: 'com.proxmox', title: 'x', ...fields })
  const get = async (path: string): Promise<void> => {
    const response = await fetch(place.url + path, { headers })
    await response.arrayBuffer()
    assert.equal(response.status, 200, path)
  }

  const stopping = new AbortController()
  const answers = new Map<string, Set<string>>()
  const note = (name: string, id: string) => answers.set(name, (answers.get(name) ?? new Set()).add(id))
  let count = 0
  const client = (work: (number: number) => Promise<void>) => async () => {
    while (!stopping.signal.aborted) {
      await work(count++)
      await delay(5)
    }
  }
  const idOf = async (response: Response): Promise<string> => {
    const { id } = (await response.json()) as { id: string }
    assert.equal(response.status, 200)
    return id
  }

  const clients = [
    client(async (n) => {
      const wrong = ['{"title":"a "quoted" word"}', '', '[]', 'x'.repeat(5 * MIB), event({ title: '' })][
        n % 5
      ]!
      const response = await post(wrong)
      await response.arrayBuffer()
      assert.ok([413, 422].includes(response.status), `${response.status}`)
    }),
    client(async (n) => {
      const externalID = `job ${n % JOBS}`
      note(
        externalID,
        await idOf(
          await post(event({ externalID, metadata: { severity: 'info', NodeName: `pve-${n % 3}` } })),
        ),
      )
    }),
    client(async (n) => {
      const key = `key ${Math.floor(n / 7)}`
      note(key, await idOf(await post(event({ metadata: { key } }), { 'Idempotency-Key': key })))
    }),
    client(async (n) => {
      await idOf(
        await post(
          event({ groupingKey: 'large', metadata: { n, text: 'large '.repeat(1 + (n % 20) * 20_000) } }),
        ),
      )
      await delay(200)
    }),
    client(async () => {
      for (const path of ['/timeline', '/events?limit=50', '/sources', '/deliveries', '/quarantine'])
        await get(`/api/v1${path}`)
      await get('/metrics')
      await get('/health')
      await delay(50)
    }),
    client(async () => {
      const stream = await openEventStream(`${place.url}/api/v1/stream`, ADMIN)
      await delay(500)
      assert.ok(stream.messages.length > 0)
      await stream.close()
    }),
  ]
  const load = startLoad(t, [place], { senders: 8, pauseMs: 5 })
  const work = Promise.all(clients.map((run) => run()))
  work.catch(() => stopping.abort())

  const samples: Sample[] = []
  const end = Date.now() + SECONDS * 1_000
  while (Date.now() < end && !stopping.signal.aborted) {
    await delay(1_000)
    samples.push(await look(pid))
  }
  stopping.abort()
  await work
  await load.stop()
  await settled([place])
  assert.deepEqual([...load.refused], [])
  await assertNothingLost(t, [place], postgres.url, [load])

  const db = openDatabase({ url: postgres.url }, 'test')
  t.after(db.close)
  for (const [name, ids] of answers) assert.equal(ids.size, 1, `${name} was answered with ${[...ids]}`)
  const rows = await db.read<{ name: string; id: string }[]>`
    SELECT coalesce(external_id, metadata->>'key') AS name, id FROM events
    WHERE external_id IS NOT NULL OR metadata->>'key' IS NOT NULL`
  const stored = Map.groupBy(rows, ({ name }) => name)
  for (const [name, ids] of answers)
    assert.deepEqual(
      stored.get(name)?.map(({ id }) => id),
      [...ids],
      name,
    )

  const third = Math.ceil(samples.length / 3)
  const median = (part: Sample[], of: keyof Sample) =>
    part.map((sample) => sample[of]).sort((a, b) => a - b)[part.length >> 1]!
  const [early, late] = [samples.slice(0, third), samples.slice(-third)]
  const most = Math.max(...samples.map(({ memory }) => memory))
  const growth = median(late, 'memory') - median(early, 'memory')
  const newHandles = median(late, 'handles') - median(early, 'handles')
  t.diagnostic(
    `${count} requests; at most ${Math.round(most / MIB)} MiB, ${Math.round(growth / MIB)} MiB and ${newHandles} handles more at the end`,
  )
  assert.ok(most < MOST_MEMORY, `${Math.round(most / MIB)} MiB`)
  assert.ok(growth < MOST_GROWTH, `it grew by ${Math.round(growth / MIB)} MiB`)
  assert.ok(newHandles < MOST_NEW_HANDLES, `it has ${newHandles} handles more`)
})
