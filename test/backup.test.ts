/** Backup and restore: all of it comes back, from one moment, or nothing does. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { makeToken } from '../src/auth/secret.ts'
import { backupDatabase } from '../src/storage/backup/backup.ts'
import { openBackup } from '../src/storage/backup/load.ts'
import { knownMigrations } from '../src/storage/backup/migrations.ts'
import { restoreDatabase } from '../src/storage/backup/restore.ts'
import { TABLES, tablesOf } from '../src/storage/backup/tables.ts'
import { listChannels } from '../src/storage/channels.ts'
import type { Database } from '../src/storage/database.ts'
import { migrateDatabase } from '../src/storage/migrate.ts'
import { storeEvents } from '../src/storage/store-events.ts'
import { insertToken, listTokens, revokeToken } from '../src/storage/tokens.ts'
import { backupOf, digests, fillDatabase, forged, restoreFrom } from './helpers/backups.ts'
import { createTestDatabase } from './helpers/database.ts'
import { at, judgedEvent } from './helpers/events.ts'
import { assertInvariants } from './helpers/invariants.ts'
import { eventually } from './helpers/server.ts'

async function makeDatabase(t: TestContext, content: 'migrated' | 'empty' = 'migrated') {
  const database = await createTestDatabase(content)
  t.after(database.drop)
  return { url: database.url, target: { url: database.url }, db: database.open() }
}

async function makeFilled(t: TestContext) {
  const database = await makeDatabase(t)
  await fillDatabase(database.db)
  return database
}

const isEmpty = (rows: string | undefined) => rows === undefined || rows.startsWith('0 ')

/** All is as in a database that was never used. */
async function assertEmpty(db: Database): Promise<void> {
  const filled = Object.entries(await digests(db)).filter(
    ([name, rows]) => !isEmpty(rows) && TABLES.get(name) !== 'progress',
  )
  assert.deepEqual(filled, [])
}

/** Both hold the same of every table that a backup holds; `except` names those that may differ. */
async function assertSame(from: Database, to: Database, except: string[] = []): Promise<void> {
  const left = [...tablesOf('passing', 'derived', 'progress'), ...except]
  const [expected, actual] = await Promise.all([digests(from), digests(to)])
  for (const name of left) {
    delete expected[name]
    delete actual[name]
  }
  assert.deepEqual(actual, expected)
  await assertCounted(to)
}

/** What the triggers have counted is what is there, while no server has summed it up yet. */
async function assertCounted(db: Database): Promise<void> {
  const expected = await db.read`
    SELECT provider, severity, count(*)::int AS count FROM events GROUP BY 1, 2 ORDER BY 1, 2`
  const actual = await db.read`
    SELECT provider, severity, sum(count)::int AS count FROM count_changes GROUP BY 1, 2 HAVING sum(count) <> 0
    ORDER BY 1, 2`
  assert.deepEqual([...actual], [...expected])
  const [position] = await db.read`SELECT count(*)::int AS count FROM words_position WHERE position IS NULL`
  assert.deepEqual(position, { count: 1 })
}

test('every table has a place in the list of what a backup holds', async (t) => {
  const { db } = await makeDatabase(t)
  const rows = await db.read<{ name: string }[]>`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1`
  assert.deepEqual(
    rows.map(({ name }) => name).filter((name) => !TABLES.has(name)),
    [],
    'say in src/storage/backup/tables.ts what becomes of it',
  )
})

test('everything comes back as it was, byte for byte', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  const { bytes, rows } = await backupOf(from.target)
  for (const [name, number] of Object.entries(rows)) assert.ok(number > 0, name)
  const restored = await restoreFrom(to.target, bytes)
  assert.deepEqual(restored, { rows, lostTokens: [] })
  await assertSame(from.db, to.db)
  await assertInvariants(to.db)
  const again = await backupOf(to.target)
  assert.deepEqual(again.rows, rows)
})

test('what was restored is written by the restore, not by a transaction of another database', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  await restoreFrom(to.target, (await backupOf(from.target)).bytes)
  const writers = await to.db.read`
    SELECT placed_tx::text, changed_tx::text FROM events UNION
    SELECT changed_tx::text, changed_tx::text FROM stacks`
  assert.equal(writers.length, 1)
  const [row] = await to.db.read`
    SELECT count(*)::int AS unseen FROM events
    WHERE NOT pg_visible_in_snapshot(changed_tx, pg_current_snapshot())`
  assert.deepEqual(row, { unseen: 0 })
})

test('writing goes on where it was: windows, sessions and updates continue', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  await restoreFrom(to.target, (await backupOf(from.target)).bytes)
  for (const { db } of [from, to]) {
    await storeEvents(db, [
      judgedEvent({
        id: '019aa000-0000-7000-8000-000000000001',
        externalID: 'moved',
        key: 'grows',
        receivedAt: at(0),
      }),
    ])
    await storeEvents(db, [
      judgedEvent({
        id: '019aa000-0000-7000-8000-000000000002',
        key: 'key \\.',
        startDate: at(9),
        receivedAt: at(0),
      }),
    ])
    await assertInvariants(db)
  }
  await assertSame(from.db, to.db)
})

test('a backup holds one moment, however much is written meanwhile', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  const writing = new AbortController()
  const write = async (series: number) => {
    while (!writing.signal.aborted) {
      await storeEvents(from.db, [
        judgedEvent({ key: `${series}`, startDate: at(Math.floor(Math.random() * 1e9)) }),
        judgedEvent({
          key: `${series}`,
          externalID: `${series}`,
          startDate: at(Math.floor(Math.random() * 1e9)),
        }),
      ])
    }
  }
  const writers = [1, 2, 3].map(write)
  const count = async () => (await from.db.read`SELECT count(*)::int AS count FROM events`)[0]!.count
  await eventually(async () => (await count()) > 100, 20_000)
  const known = await from.db.read<{ id: string }[]>`SELECT id FROM events`
  const blocks: Buffer[] = []
  const options = { version: '0', withSecrets: true, withDeliveries: true, onProgress: () => {} }
  await backupDatabase(from.target, options, async (given) => {
    for await (const block of given) {
      blocks.push(block)
      if (blocks.length > 3) continue
      // The backup is under way, and what it has yet to read changes under it.
      const before = await count()
      await eventually(async () => (await count()) > before + 20, 20_000)
    }
  })
  writing.abort()
  await Promise.all(writers)
  await restoreFrom(to.target, Buffer.concat(blocks))
  await assertInvariants(to.db)
  const restored = new Set((await to.db.read<{ id: string }[]>`SELECT id FROM events`).map(({ id }) => id))
  assert.deepEqual(
    known.filter(({ id }) => !restored.has(id)),
    [],
  )
  assert.ok(restored.size < (await count()))
})

test('tables of every size come through, though nobody takes their rows at once', async (t) => {
  const from = await makeDatabase(t)
  const to = await makeDatabase(t)
  for (const rows of [1, 20, 40, 80, 300]) {
    await from.db.read`
      INSERT INTO scores (provider, source, updated_at, updated_by)
      SELECT ${rows} || '.' || i, repeat('0123456789', 400), now(), 'a test' FROM generate_series(1, ${rows}) i`
    const blocks: Buffer[] = []
    const options = { version: '0', withSecrets: true, withDeliveries: true, onProgress: () => {} }
    await backupDatabase(from.target, options, async (given) => {
      for await (const block of given) {
        blocks.push(block)
        await setTimeout(5)
      }
    })
    await restoreFrom(to.target, Buffer.concat(blocks), true)
    await assertSame(from.db, to.db)
  }
})

test('a backup ends at once when its rows cannot be written any more', async (t) => {
  const { db, target } = await makeDatabase(t)
  await db.read`
    INSERT INTO scores (provider, source, updated_at, updated_by)
    SELECT i, repeat(md5(i::text), 300), now(), 'a test' FROM generate_series(1, 1000) i`
  const options = { version: '0', withSecrets: true, withDeliveries: true, onProgress: () => {} }
  const backup = backupDatabase(target, options, async (given) => {
    let bytes = 0
    for await (const block of given) {
      bytes += block.length
      if (bytes > 200_000) throw new Error('the disk is full')
    }
  })
  const begun = performance.now()
  await assert.rejects(backup, { message: 'the disk is full' })
  assert.ok(performance.now() - begun < 20_000)
})

test('without secrets no token works again, and the ones to be made anew are named', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  const { bytes, header, rows } = await backupOf(from.target, { withSecrets: false })
  const known = await listTokens(from.db)
  for (const { hash } of known) assert.equal(bytes.indexOf(Buffer.from(hash).toString('hex')), -1)
  assert.equal(rows.idempotency, undefined)
  const { lostTokens } = await restoreFrom(to.target, bytes)
  assert.deepEqual(lostTokens, [
    {
      ...{ name: "it's mine\n", scopes: ['ingest'], providers: ['com.example'], defaults: {} },
      ...{ expiresAt: null, signature: null },
    },
  ])
  const tokens = await listTokens(to.db)
  assert.deepEqual(
    tokens.map(({ name }) => name),
    known.map(({ name }) => name),
  )
  for (const [index, { hash, revokedAt }] of tokens.entries()) {
    assert.notDeepEqual(hash, known[index]!.hash)
    assert.deepEqual(revokedAt, known[index]!.revokedAt ?? new Date(header.createdAt))
  }
  const [channel] = await listChannels(to.db)
  assert.deepEqual([channel!.name, channel!.secrets], ['Óps 日本', null])
  assert.ok((await listChannels(from.db))[0]!.secrets)
  await assertSame(from.db, to.db, ['tokens', 'idempotency', 'channels'])
})

test('tokens of the database that is restored into stay as they are', async (t) => {
  const from = await makeFilled(t)
  const { token } = makeToken({ name: 'leaked', scopes: ['admin'], providers: [], expiresAt: null })
  await insertToken(from.db, token)
  const { bytes } = await backupOf(from.target)
  const { bytes: silent } = await backupOf(from.target, { withSecrets: false })
  await revokeToken(from.db, token.id)
  const before = await listTokens(from.db)
  for (const content of [bytes, silent]) {
    const { lostTokens } = await restoreFrom(from.target, content, true)
    assert.deepEqual(lostTokens, [])
    assert.deepEqual(await listTokens(from.db), before)
  }
})

test('deliveries and refused bodies can be left out', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  const { bytes } = await backupOf(from.target, { withDeliveries: false })
  await restoreFrom(to.target, bytes)
  await assertSame(from.db, to.db, tablesOf('log'))
  assert.deepEqual(
    tablesOf('log').map((name) => name),
    ['quarantine', 'deliveries', 'delivery_chunks'],
  )
  const left = await digests(to.db)
  for (const name of tablesOf('log')) assert.ok(isEmpty(left[name]), name)
})

test('a database that holds something is left alone, unless it is to be replaced', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  await storeEvents(to.db, [judgedEvent({ key: 'other', externalID: 'other' })])
  await storeEvents(to.db, [judgedEvent({ key: 'other', externalID: 'other', startDate: at(1e8) })])
  const before = await digests(to.db)
  const { bytes } = await backupOf(from.target)
  await assert.rejects(restoreFrom(to.target, bytes), {
    code: 'database_not_empty',
    message: /^The database is not empty: it holds stacks\.\n.*--replace\.\nNothing was restored/,
  })
  assert.deepEqual(await digests(to.db), before)
  await restoreFrom(to.target, bytes, true)
  await assertSame(from.db, to.db)
  assert.ok(isEmpty((await digests(to.db)).event_moves))
  await restoreFrom(to.target, bytes, true)
  await assertSame(from.db, to.db)
})

test('a backup that is cut anywhere is refused, and the database stays empty', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  const { bytes } = await backupOf(from.target)
  const marks = [...bytes.toString('latin1').matchAll(/\n\\\.\n/g)].flatMap(({ index }) =>
    [0, 1, 2, 3, 4, 5].map((by) => index + by),
  )
  const spread = Array.from({ length: 40 }, (_, part) => Math.floor((bytes.length * part) / 40))
  for (const length of [...marks, ...spread, bytes.length - 1, bytes.length - 2]) {
    await assert.rejects(
      restoreFrom(to.target, bytes.subarray(0, length)),
      (error: Error & { code: string }) => {
        assert.match(
          error.code,
          /^(backup_damaged|not_a_backup|rows_refused)$/,
          `${length}: ${error.message}`,
        )
        return true
      },
    )
  }
  await assertEmpty(to.db)
})

test('a backup with an altered byte is refused, and the database stays empty', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  const { bytes } = await backupOf(from.target)
  for (let part = 0; part < 60; part++) {
    const altered = Buffer.from(bytes)
    const position = Math.floor((bytes.length * part) / 60)
    altered[position]! ^= 1
    await assert.rejects(restoreFrom(to.target, altered), `altered at ${position}`)
  }
  const title = Buffer.from(bytes)
  title.write('backup', title.indexOf('Backup finished'))
  await assert.rejects(restoreFrom(to.target, title), {
    code: 'backup_damaged',
    message: /its checksum does not fit\.\nNothing was restored/,
  })
  await assert.rejects(restoreFrom(to.target, Buffer.concat([bytes, Buffer.from('x')])), {
    message: /something follows its end/,
  })
  await assertEmpty(to.db)
})

test('a backup that makes no sense is refused though its checksum fits', async (t) => {
  const from = await makeFilled(t)
  const to = await makeDatabase(t)
  const { bytes } = await backupOf(from.target)
  const id = /^\{"table":"events".*\n[^\t]+\t([^\t]+)/m.exec(bytes.toString())![1]!
  const forgeries: [change: (text: string) => string, why: RegExp][] = [
    [(text) => text.replaceAll(`\t${id}\t`, `\t${uuidv7()}\t`), /\d of its events are in no stack/],
    [(text) => text.replaceAll(id, 'no-uuid'), /rows of stacks: invalid input syntax for type uuid/],
    [
      (text) => text.replace('{"table":"scores"', '{"table":"pg_authid"'),
      /does not know the columns of pg_authid/,
    ],
    [
      (text) => text.replace('"columns":["id"', '"columns":["id\\"); DROP TABLE events; --"'),
      /does not know the columns/,
    ],
    [(text) => text.replace('{"table":"scores"', '{"table":"events"'), /events is in it twice/],
    [(text) => text.replace(/"events":\d+/, '"events":1'), /rows are not as many as it says/],
  ]
  for (const [change, why] of forgeries) {
    await assert.rejects(restoreFrom(to.target, forged(bytes, change)), { message: why })
  }
  await assertEmpty(to.db)
})

test('a backup of a newer schema and a database of one are refused', async (t) => {
  const { db, target } = await makeFilled(t)
  const to = await makeDatabase(t)
  const { bytes } = await backupOf(target)
  const newer = forged(bytes, (text) => text.replace(/("migrations":\[[\d,]+)/, '$1,9999999999999'))
  await assert.rejects(restoreFrom(to.target, newer), {
    code: 'schema_too_new',
    message: /^The backup was made by/,
  })
  await db.read`INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('later', 9999999999999)`
  await assert.rejects(backupOf(target), { code: 'schema_too_new', message: /^The database was made by/ })
})

test('a database that was never used is nothing to back up', async (t) => {
  const { target } = await makeDatabase(t, 'empty')
  await assert.rejects(backupOf(target), { code: 'nothing_to_back_up' })
})

/** Columns that every version of the schema has had. */
const OLD_ROWS = `
  INSERT INTO stacks (id, provider, key, title, first_event_at, last_event_at, latest_event_id, event_count, severity, label, severity_at)
  SELECT format('00000000-0000-7000-8000-%s', lpad(n::text, 12, '0'))::uuid, 'com.old', 'k' || n, 'title ' || n, d, d + interval '1 hour',
         format('00000000-0000-7000-9000-%s', lpad(n::text, 12, '0'))::uuid, 2, 2, 'WARN', d
  FROM (SELECT n, '2020-01-01Z'::timestamptz + n * interval '1 day' AS d FROM generate_series(1, 20) n) q;
  INSERT INTO stack_windows (stack_id, provider, key, opened_at, closes_at, window_ms)
  SELECT id, provider, key, first_event_at, first_event_at + interval '1 day', 86400000 FROM stacks;
  INSERT INTO events (id, stack_id, provider, title, start_date, received_at, event_type, severity, label, color, metadata, payload)
  SELECT format('00000000-0000-7000-%s-%s', part, lpad(n::text, 12, '0'))::uuid, s.id, 'com.old', 'title ' || n,
         CASE part WHEN '8000' THEN first_event_at ELSE last_event_at END, now(), 'alert', 2, 'WARN', '#fff', '{}', '{"a":  1}'
  FROM generate_series(1, 20) n JOIN stacks s ON s.key = 'k' || n CROSS JOIN (VALUES ('8000'), ('9000')) parts(part);
  INSERT INTO tokens (id, name, prefix, hash, scopes, providers, created_at)
  VALUES (gen_random_uuid(), 'old', 'tempo_00000000', '\\x00', '{ingest}', '{}', now())`

test('a backup of every older schema becomes what an update of its database would have made of it', async (t) => {
  const known = knownMigrations()
  const to = await makeDatabase(t)
  const before = await readTables(to.db)
  for (let applied = 1; applied < known.length; applied++) {
    const from = await makeDatabase(t, 'empty')
    await from.db.read`CREATE SCHEMA drizzle`
    await from.db.read`
      CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)`
    for (const { time, statements } of known.slice(0, applied)) {
      for (const statement of statements) await from.db.read.unsafe(statement)
      await from.db.read`
        INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('', ${time})`
    }
    await from.db.read.unsafe(OLD_ROWS)
    const { bytes, rows } = await backupOf(from.target)
    assert.deepEqual([rows.events, rows.tokens], [40, 1])

    await restoreFrom(to.target, bytes, applied > 1)
    await migrateDatabase(from.target)
    await assertSame(from.db, to.db, ['tokens'])
    assert.deepEqual(await readTables(to.db), before, 'the tables are the same, and no other is left')

    if (applied > 1) continue
    const half = bytes.subarray(0, bytes.length / 2)
    await assert.rejects(restoreFrom(to.target, half, true), { message: /Nothing was restored/ })
    await assertSame(from.db, to.db, ['tokens'])
  }
})

/** Identity of all tables of ours. */
function readTables(db: Database) {
  return db.read`SELECT oid::text, relname, relnamespace::regnamespace::text FROM pg_class
    WHERE relkind IN ('r', 'v', 'S') AND relnamespace > 16383 OR relnamespace = 'public'::regnamespace ORDER BY oid`
}

for (const when of ['backup', 'restore'] as const) {
  test(`a connection that is lost in the middle of a ${when} fails it, soon and whole`, async (t) => {
    const from = await makeFilled(t)
    const to = await makeDatabase(t)
    await to.db.read`SELECT 1`
    const kill = async ({ db }: { db: Database }) => {
      const rows = await db.read`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = ${`tempo ${when}`}`
      assert.equal(rows.length, 1)
    }
    const lost = (error: { code?: string; message: string }) =>
      /^(CONNECTION_CLOSED|57P01|ECONNRESET|EPIPE|restore_refused)$/.test(error.code ?? '') ||
      assert.fail(error.message)
    if (when === 'backup') {
      const options = { version: '0', withSecrets: true, withDeliveries: true, onProgress: () => {} }
      const backup = backupDatabase(from.target, options, async (blocks) => {
        let count = 0
        for await (const _ of blocks) if (count++ === 3) await kill(from)
      })
      await assert.rejects(backup, lost)
    } else {
      const { bytes } = await backupOf(from.target)
      async function* blocks() {
        for (let at = 0; at < bytes.length; at += 1000) {
          if (at === 5000) await kill(to)
          yield bytes.subarray(at, at + 1000)
        }
      }
      const opened = await openBackup(blocks())
      await assert.rejects(restoreDatabase(to.target, opened, { replace: false, onProgress: () => {} }), lost)
      await assertEmpty(to.db)
    }
  })
}
