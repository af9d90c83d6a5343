import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { serverUrl } from '../../test/helpers/database.ts'
import { readDatabaseUrl } from './database-url.ts'
import { createPostgres } from './driver.ts'

test('a server that goes while a new connection asks it for the types of arrays fails the statement, and no more', async (t) => {
  const { hosts, common } = readDatabaseUrl(serverUrl())
  const { host, port } = hosts[0]!
  const door = createServer((client) => {
    const behind = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    for (const socket of [client, behind]) socket.on('error', () => {})
    behind.on('data', (bytes) => client.write(bytes))
    client.on('data', (bytes) => {
      if (!bytes.includes('typarray')) return behind.write(bytes)
      door.close()
      client.destroy()
      behind.destroy()
    })
  })
  await once(door.listen(0, '127.0.0.1'), 'listening')
  const sql = createPostgres(common, {
    host: ['127.0.0.1'],
    port: [(door.address() as AddressInfo).port],
    max: 1,
    backoff: 0,
  } as object)
  t.after(() => sql.end({ timeout: 0 }))
  await assert.rejects(sql`SELECT 1`, { code: 'ECONNREFUSED' })
})
