/** `kill -9` of servers under load. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostgres, withoutProcfs } from '../helpers/replication.ts'
import { assertNothingLost, makePlace, moreStored, startLoad } from './scene.ts'

const ROUNDS = 20
const WARM = 150

async function kill({
  server,
}: {
  server: () => { kill: (signal: 'SIGKILL') => void; exited: Promise<unknown> }
}) {
  server().kill('SIGKILL')
  assert.deepEqual(await server().exited, { code: null, signal: 'SIGKILL' })
}

test(`a server that is killed ${ROUNDS} times under load loses nothing`, {
  skip: withoutProcfs,
}, async (t) => {
  const postgres = await startPostgres(t)
  const place = await makePlace(t, postgres.url)
  const load = startLoad(t, [place])
  for (let round = 0; round < ROUNDS; round++) {
    await place.start()
    await moreStored(load, WARM)
    await kill(place)
  }
  await place.start()
  await assertNothingLost(t, [place], postgres.url, [load])
})

test('two servers on one database, killed in turn, lose nothing', { skip: withoutProcfs }, async (t) => {
  const postgres = await startPostgres(t)
  const places = [await makePlace(t, postgres.url), await makePlace(t, postgres.url)]
  await Promise.all(places.map((place) => place.start()))
  const load = startLoad(t, places, { senders: 24 })
  for (let round = 0; round < 6; round++) {
    await moreStored(load, WARM)
    const place = places[round % 2]!
    await kill(place)
    await place.start()
  }
  await moreStored(load, WARM)
  await assertNothingLost(t, places, postgres.url, [load])
})
