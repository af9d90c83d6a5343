/** The disk of the spool is full while the database is away. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run } from '../../src/storage/embedded-process.ts'
import { startPostgres, withoutProcfs } from '../helpers/replication.ts'
import { eventually } from '../helpers/server.ts'
import {
  ADMIN,
  assertAnsweredSoon,
  assertNothingLost,
  healthOf,
  makePlace,
  moreSpooled,
  moreStored,
  settled,
  startLoad,
} from './scene.ts'

const DISK = '4m'
const WARM = 100

/** A disk of its own, or why there is none. */
async function mountSmallDisk(): Promise<
  { folder: string; remove: () => Promise<void> } | { reason: string }
> {
  const folder = await mkdtemp(join(tmpdir(), 'tempo-disk-'))
  const { ok, output } = await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder])
  const remove = async () => {
    if (ok) await run('umount', ['-l', folder])
    await rm(folder, { recursive: true, force: true })
  }
  if (ok) return { folder, remove }
  await remove()
  return { reason: `no small disk can be mounted here: ${output}` }
}

async function startOnSmallDisk(t: TestContext) {
  const disk = await mountSmallDisk()
  if ('reason' in disk) {
    t.skip(disk.reason)
    return null
  }
  const postgres = await startPostgres(t)
  const place = await makePlace(t, postgres.url, { TEMPO_SPOOL_DIR: disk.folder })
  // Hooks run in the order of their making: the server ends before its disk goes.
  t.after(disk.remove)
  await place.start()
  const body = (number: number) => ({ message: `${number} `.repeat(200) })
  const load = startLoad(t, [place], { pauseMs: 5, body })
  await moreStored(load, WARM)
  /** Takes the database away until the disk takes nothing any more. */
  const fill = async () => {
    const before = load.refused.get(503) ?? 0
    await postgres.signal('SIGKILL')
    await moreSpooled(load, WARM)
    await eventually(() => (load.refused.get(503) ?? 0) > before + 50, 60_000)
  }
  return { postgres, place, load, fill }
}

test('a full disk is answered 503, and what was taken before it was full is stored, again and again', {
  skip: withoutProcfs,
}, async (t) => {
  const scene = await startOnSmallDisk(t)
  if (!scene) return
  const { postgres, place, load, fill } = scene
  for (let round = 0; round < 2; round++) {
    await fill()
    const answer = await fetch(`${place.url}/ingest`, {
      method: 'POST',
      headers: { 'X-Tempo-Token': ADMIN },
      body: JSON.stringify({ providerIdentifier: 'com.proxmox', title: 'x', message: 'x'.repeat(100_000) }),
    })
    assert.equal(answer.status, 503)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/)
    await eventually(async () => (await healthOf(place))?.status === 'down', 10_000)
    await postgres.start()
    await moreStored(load, WARM)
    await settled([place])
  }
  assertAnsweredSoon(load)
  await assertNothingLost(t, [place], postgres.url, [load])
})

test('a server that was killed on a full disk goes on with what is there when it starts again', {
  skip: withoutProcfs,
}, async (t) => {
  const scene = await startOnSmallDisk(t)
  if (!scene) return
  const { postgres, place, load, fill } = scene
  await fill()
  place.server().kill('SIGKILL')
  await place.server().exited
  await place.start()
  await eventually(async () => ((await healthOf(place))?.spool.depth ?? 0) >= load.spooled.size, 20_000)
  await postgres.start()
  await moreStored(load, WARM)
  await assertNothingLost(t, [place], postgres.url, [load])
})
