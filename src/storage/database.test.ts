import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestDatabase } from '../../test/helpers/database.ts'
import { createClient } from './database.ts'

test('no plan is compiled, whatever the database says', async (t) => {
  const made = await createTestDatabase('empty')
  t.after(made.drop)
  const db = made.open()
  await db.read.unsafe(`ALTER DATABASE ${new URL(made.url).pathname.slice(1)} SET jit = on`)
  const { sql: plain } = createClient(
    { url: made.url },
    { max: 1, connection: { application_name: 'plain' } },
  )
  t.after(() => plain.end())
  const other = made.open()
  for (const sql of [other.write, other.ahead, other.read, plain]) {
    assert.deepEqual([...(await sql`SHOW jit`)], [{ jit: 'off' }])
  }
})
