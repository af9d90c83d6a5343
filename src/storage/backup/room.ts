import { fatal } from '../../errors.ts'
import type { Tx } from '../database.ts'
import { readShapes, type TableKind, type TableShape, tablesOf } from './tables.ts'

const LOCK_DEADLINE = '30s'
const MAX_TRIES = 5

/** SQLSTATEs of a lock that was not to be had (PostgreSQL, Appendix A). */
const DEADLOCK = '40P01'
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Keeps every writer out until the end of the transaction, and sees to it that the tables are empty: empties them if
 * `replace`, else refuses a database that has data. Readers go on in an empty database; with `replace` they wait.
 */
export async function makeRoom(tx: Tx, replace: boolean): Promise<void> {
  const find = async (...kinds: TableKind[]) => [...(await readShapes(tx, tablesOf(...kinds))).values()]
  const stored = await find('data', 'history', 'log', 'answers', 'passing')
  const derived = await find('derived')
  await lock(tx, listOf([...stored, ...derived]), replace ? 'ACCESS EXCLUSIVE' : 'SHARE ROW EXCLUSIVE')
  if (replace) {
    // Apart, since a trigger of the stored tables may empty the derived ones as well.
    for (const tables of [derived, stored])
      if (tables.length > 0) await tx.unsafe(`TRUNCATE ${listOf(tables)}`)
  } else {
    await refuseData(tx, await find('data'))
    for (const { sql } of await find('passing')) await tx.unsafe(`DELETE FROM ${sql}`)
  }
  for (const { sql } of await find('progress')) {
    await tx.unsafe(`DELETE FROM ${sql}`)
    await tx.unsafe(`INSERT INTO ${sql} DEFAULT VALUES`)
  }
}

function listOf(tables: TableShape[]): string {
  return tables.map(({ sql }) => sql).join(', ')
}

/** A server that runs takes the tables in another order; one of both gives way, and we try again. */
async function lock(tx: Tx, tables: string, mode: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await tx.savepoint(async (inner) => {
        await inner.unsafe(`SET LOCAL lock_timeout = '${LOCK_DEADLINE}'`)
        await inner.unsafe(`LOCK TABLE ${tables} IN ${mode} MODE`)
        await inner.unsafe('SET LOCAL lock_timeout = 0')
      })
      return
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === DEADLOCK && tries < MAX_TRIES) continue
      if (code !== DEADLOCK && code !== LOCK_NOT_AVAILABLE) throw error
      throw fatal(
        'database_busy',
        'Others keep the tables busy. Stop the servers on this database, and try again.',
        error,
      )
    }
  }
}

async function refuseData(tx: Tx, tables: TableShape[]): Promise<void> {
  for (const { name, sql } of tables) {
    const rows = await tx.unsafe(`SELECT FROM ${sql} LIMIT 1`)
    if (rows.length === 0) continue
    throw fatal(
      'database_not_empty',
      `The database is not empty: it holds ${name.replaceAll('_', ' ')}.\n` +
        'Restore into an empty database, or remove what this one holds with --replace.',
    )
  }
}
