import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackupHeader, lineOf, parseHeader, parseSection } from './format.ts'
import { countMigrations } from './migrations.ts'

const HEADER: BackupHeader = {
  format: 'tempo-backup',
  version: 1,
  tempo: '1.2.3',
  createdAt: '2026-11-21T00:00:00.000Z',
  migrations: [1, 2],
  secrets: false,
  deliveries: true,
}

test('a header, a table and a footer are read as they were written', () => {
  const table = { table: 'events', columns: ['id', 'title'] }
  const footer = { rows: { events: 3 }, sha256: '0'.repeat(64) }
  assert.deepEqual(parseHeader(lineOf(HEADER)), HEADER)
  assert.deepEqual(parseSection(lineOf(table)), table)
  assert.deepEqual(parseSection(lineOf(footer)), footer)
})

test('what is no backup, one of another version and one that lacks something are told apart', () => {
  const line = (changes: object) => JSON.stringify({ ...HEADER, ...changes })
  for (const text of ['', 'PGDMP', '{', '[]', 'null', line({ format: 'other' })]) {
    assert.throws(() => parseHeader(text), { code: 'not_a_backup' }, text)
  }
  assert.throws(() => parseHeader(line({ version: 2, migrations: 'otherwise' })), {
    code: 'backup_version',
    message: /version 2 .*reads version 1\.\nRestore it with a newer/,
  })
  for (const changes of [{ migrations: [] }, { createdAt: 'today' }, { secrets: undefined }]) {
    assert.throws(() => parseHeader(line(changes)), { code: 'backup_damaged' })
  }
  for (const text of ['', '{}', '{"table":"events","columns":[]}', '{"rows":{},"sha256":"00"}']) {
    assert.throws(() => parseSection(text), { code: 'backup_damaged' })
  }
})

test('only migrations that are the beginning of ours are understood', () => {
  const known = [10, 20, 30].map((time) => ({ time, statements: [] }))
  const counts = [[10], [10, 20], [10, 20, 30]].map((times) => countMigrations(times, 'It', known))
  assert.deepEqual(counts, [1, 2, 3])
  for (const times of [[10, 20, 30, 40], [40]]) {
    assert.throws(() => countMigrations(times, 'It', known), {
      code: 'schema_too_new',
      message: /^It was made by/,
    })
  }
  for (const times of [[20], [10, 15], [10, 30]]) {
    assert.throws(() => countMigrations(times, 'It', known), { code: 'schema_unknown' })
  }
})
