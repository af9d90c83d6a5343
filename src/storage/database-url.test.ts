import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../config.ts'
import { type DatabaseUrl, readDatabaseUrl } from './database-url.ts'

const brief = ({ hosts, session }: DatabaseUrl): string =>
  `${hosts.map(({ host, port }) => `${host} ${port}`).join(', ')}: ${session}`

test('hosts, ports and the wanted session are read as libpq writes them', () => {
  const read: Record<string, string> = {
    'postgres://u:p@db/tempo': 'db 5432: any',
    'postgres://u@db:5433/tempo?target_session_attrs=primary': 'db 5433: primary',
    'postgres://u@db1:5433,db2,db3:5434/tempo': 'db1 5433, db2 5432, db3 5434: primary',
    'postgres://u@db1,db2:6000/tempo?target_session_attrs=any': 'db1 5432, db2 6000: primary',
    'postgres://u@db1,db2/tempo?target_session_attrs=read-write': 'db1 5432, db2 5432: read-write',
    'postgres://u@[::1]:5433,[fe80::2]/tempo': '::1 5433, fe80::2 5432: primary',
    'postgres://u@/tempo?host=a,b': 'a 5432, b 5432: primary',
    'postgres://u@/tempo?host=a,b&port=1,2': 'a 1, b 2: primary',
    'postgres://u@/tempo?host=a,b&port=7': 'a 7, b 7: primary',
    'postgres:///tempo?host=/run/a,/run/b': '/run/a 5432, /run/b 5432: primary',
    'postgres://u@%2Frun%2Fa,db/tempo': '/run/a 5432, db 5432: primary',
    'postgres://db1,db2': 'db1 5432, db2 5432: primary',
  }
  for (const [url, expected] of Object.entries(read)) assert.equal(brief(readDatabaseUrl(url)), expected, url)
})

test('what does not choose among servers is left to the driver, for one host', () => {
  const { common } = readDatabaseUrl(
    'postgres://u:p%40s,s@a:1,b:2/tempo?sslmode=require&target_session_attrs=primary',
  )
  assert.equal(common, 'postgres://u:p%40s,s@localhost/tempo?sslmode=require')
  assert.equal(
    readDatabaseUrl('postgres://u@/tempo?host=a,b&port=1,2').common,
    'postgres://u@localhost/tempo',
  )
})

test('the configuration takes what can be read here, and refuses the rest with one line', () => {
  const good = [
    'postgres://u:p%40s,s@db1:5432,db2:5433/tempo?target_session_attrs=primary',
    'postgresql://u@db1,db2,db3/tempo?target_session_attrs=read-write&sslmode=require',
    'postgres://u@[::1]:5432,[fe80::2]:5433/tempo',
    'postgres://u@/tempo?host=a,b&port=5432,5433',
    'postgres://u@/tempo?host=/run/a,/run/b',
    'postgres://db1,db2',
  ]
  for (const url of good) {
    assert.equal(loadConfig({ DATABASE_URL: url }).databaseUrl, url)
    for (const { host, port } of readDatabaseUrl(url).hosts) assert.ok(host !== '' && port > 0, url)
  }
  const bad = [
    'postgres://u@db1,/tempo',
    'postgres://u@,db2/tempo',
    'postgres://u@db1:99999,db2/tempo',
    'postgres://u@db1:x,db2/tempo',
    'postgres://u@db 1,db2/tempo',
    'postgres://u@[::1,db2/tempo',
    'postgres://u@/tempo?host=a,b&port=1,2,3',
    'postgres://u@/tempo?host=a,&port=1',
    'postgres://u@/tempo?host=a,b&port=x',
  ]
  for (const url of bad)
    assert.throws(
      () => loadConfig({ DATABASE_URL: url }),
      /^TempoError: DATABASE_URL must be a URL such as [^\n]+$/,
      url,
    )
  for (const wanted of ['standby', 'read-only', 'prefer-standby', 'nonsense', '']) {
    const url = `postgres://u@db1,db2/tempo?target_session_attrs=${wanted}`
    assert.throws(
      () => loadConfig({ DATABASE_URL: url }),
      /^TempoError: DATABASE_URL must lead to a server [^\n]+$/,
      url,
    )
  }
})
