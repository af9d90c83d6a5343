/** Everything that happens to a PostgreSQL: it is stopped, killed, it hangs, another takes its place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type PostgresServer, startPostgres, urlOfAll, withoutProcfs } from '../helpers/replication.ts'
import {
  ADMIN,
  assertAnsweredSoon,
  assertNothingLost,
  makePlace,
  moreSpooled,
  moreStored,
  settled,
  startLoad,
} from './scene.ts'

const WARM = 150
const ROUNDS = 4
const HANG_MS = 30_000

const ENDS: [name: string, end: (postgres: PostgresServer) => Promise<void>][] = [
  ['stopped', (postgres) => postgres.stop()],
  ['killed', (postgres) => postgres.signal('SIGKILL')],
]

for (const [name, end] of ENDS) {
  test(`a database that is ${name} and started ${ROUNDS} times under load loses nothing`, {
    skip: withoutProcfs,
  }, async (t) => {
    const postgres = await startPostgres(t)
    const places = [await makePlace(t, postgres.url), await makePlace(t, postgres.url)]
    await Promise.all(places.map((place) => place.start()))
    const load = startLoad(t, places, { pauseMs: 5 })
    for (let round = 0; round < ROUNDS; round++) {
      await moreStored(load, WARM)
      await end(postgres)
      await moreSpooled(load, WARM)
      await postgres.start()
    }
    await moreStored(load, WARM)
    assertAnsweredSoon(load)
    await assertNothingLost(t, places, postgres.url, [load])
  })
}

test(`a database that hangs for ${HANG_MS / 1_000} s keeps no sender waiting, and loses nothing`, {
  skip: withoutProcfs,
}, async (t) => {
  const postgres = await startPostgres(t)
  const place = await makePlace(t, postgres.url)
  await place.start()
  const load = startLoad(t, [place], { pauseMs: 5 })
  await moreStored(load, WARM)
  await postgres.signal('SIGSTOP')
  // The length of the hang is what is tried here.
  await delay(HANG_MS)
  assert.ok(load.spooled.size > WARM, `only ${load.spooled.size} events went to the spool`)
  await postgres.signal('SIGCONT')
  await moreStored(load, WARM)
  assertAnsweredSoon(load)
  await assertNothingLost(t, [place], postgres.url, [load])
})

test('a standby that is promoted takes over from a primary that is gone, twice', {
  skip: withoutProcfs,
}, async (t) => {
  const first = await startPostgres(t)
  const standbys = [await first.addStandby(), await first.addStandby()]
  const url = urlOfAll([first, ...standbys])
  const places = [await makePlace(t, url), await makePlace(t, url)]
  await Promise.all(places.map((place) => place.start()))
  const load = startLoad(t, places, { pauseMs: 5 })
  await moreStored(load, WARM)
  await first.signal('SIGKILL')
  await moreSpooled(load, WARM)
  const [second, third] = await furthestFirst(standbys)
  await second!.promote()
  await moreStored(load, WARM)
  await third!.follow(second!)
  await moreStored(load, WARM)
  await second!.signal('SIGSTOP')
  await moreSpooled(load, WARM)
  await third!.promote()
  await moreStored(load, WARM)
  assertAnsweredSoon(load)
  await assertNothingLost(t, places, third!.url, [load])
})

/** The primary may have died between sending to the one and to the other; that one cannot follow the other. */
async function furthestFirst(standbys: PostgresServer[]): Promise<PostgresServer[]> {
  const known = await Promise.all(
    standbys.map(async (standby) => ({ standby, received: await standby.received() })),
  )
  return known.sort((a, b) => (a.received > b.received ? -1 : 1)).map(({ standby }) => standby)
}

test('a server that is started while the database is away takes events, and stores them with those from before', {
  skip: withoutProcfs,
}, async (t) => {
  const postgres = await startPostgres(t)
  const place = await makePlace(t, postgres.url)
  const server = await place.start()
  const load = startLoad(t, [place], { pauseMs: 5 })
  await moreStored(load, WARM)
  await postgres.signal('SIGKILL')
  await moreSpooled(load, WARM)
  server.kill('SIGTERM')
  assert.deepEqual(await server.exited, { code: 0, signal: null })
  for (let round = 0; round < 3; round++) {
    const again = await place.start()
    await moreSpooled(load, WARM)
    again.kill('SIGKILL')
    await again.exited
  }
  await place.start()
  await moreSpooled(load, WARM)
  const refused = await fetch(`${place.url}/ingest`, {
    method: 'POST',
    headers: { 'X-Tempo-Token': `${ADMIN}, but another` },
    body: '{"title":"x"}',
  })
  assert.ok([401, 503].includes(refused.status), `${refused.status}`)
  await postgres.start()
  await moreStored(load, WARM)
  await settled([place])
  await assertNothingLost(t, [place], postgres.url, [load])
})

test('a server that is started after the database has come back stores what the killed one had taken', {
  skip: withoutProcfs,
}, async (t) => {
  const postgres = await startPostgres(t)
  const place = await makePlace(t, postgres.url)
  await place.start()
  const load = startLoad(t, [place], { pauseMs: 5 })
  for (let round = 0; round < ROUNDS; round++) {
    await moreStored(load, WARM)
    await postgres.signal('SIGKILL')
    await moreSpooled(load, WARM)
    place.server().kill('SIGKILL')
    await place.server().exited
    await postgres.start()
    await place.start()
  }
  await assertNothingLost(t, [place], postgres.url, [load])
})
