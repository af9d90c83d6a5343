import { SIGNATURE_REQUIRED } from '../../access.ts'
import { fatal, TempoError } from '../../errors.ts'
import type { DatabaseTarget, Sql, Tx } from '../database.ts'
import { SCORES_CHANNEL } from '../scores.ts'
import { CHANGES_CHANNEL } from '../store-events.ts'
import { TOKENS_CHANNEL } from '../tokens.ts'
import { damaged } from './format.ts'
import { loadTables, type OpenedBackup } from './load.ts'
import { knownMigrations } from './migrations.ts'
import { loadOlderSchema } from './older-schema.ts'
import { makeRoom } from './room.ts'
import { withPatientConnection } from './session.ts'
import { columnList, LOADED, readShapes, type TableShape, tablesOf } from './tables.ts'

export type RestoreOptions = {
  /** Removes what the database holds, but for its tokens. */
  replace: boolean
  onProgress: (table: string, rows: number) => void
  /** Ends it before it is done. */
  signal?: AbortSignal
}

/** A token that worked when the backup was made, and does not work in the restored database. */
export type LostToken = {
  name: string
  scopes: string[]
  providers: string[]
  /** Metadata that it adds. */
  defaults: Record<string, string>
  expiresAt: Date | null
  /** It had a secret that signs bodies, which was optional or required; null: none, or the backup does not say. */
  signature: 'optional' | 'required' | null
}

export type RestoreSummary = { rows: Record<string, number>; lostTokens: LostToken[] }

/**
 * Loads a backup into a database of the present schema: all of it in one transaction, or nothing. Servers that run on
 * the database wait meanwhile, and read tokens, scores and events anew.
 */
export async function restoreDatabase(
  target: DatabaseTarget,
  backup: OpenedBackup,
  { replace, onProgress, signal }: RestoreOptions,
): Promise<RestoreSummary> {
  const write = async (sql: Sql) => {
    const summary = await sql.begin(async (tx) => {
      const shapes = await readShapes(tx, tablesOf(...LOADED))
      await makeRoom(tx, replace)
      const rows = await load(tx, backup, shapes, onProgress)
      await requireStacks(tx)
      const lostTokens = await findLostTokens(tx, backup.header.createdAt)
      for (const channel of [TOKENS_CHANNEL, SCORES_CHANNEL, CHANGES_CHANNEL]) {
        await tx`SELECT pg_notify(${channel}, '')`
      }
      return { rows, lostTokens }
    })
    // The first reader of a big database would wait for a bad plan. If this fails, PostgreSQL does it in a while.
    await analyze(sql).catch(() => {})
    return summary
  }
  try {
    return await withPatientConnection(target, 'tempo restore', signal, write)
  } catch (error) {
    throw explainFailure(error)
  }
}

async function load(
  tx: Tx,
  backup: OpenedBackup,
  shapes: Map<string, TableShape>,
  onProgress: RestoreOptions['onProgress'],
): Promise<Record<string, number>> {
  const tokens = shapes.get('tokens')!
  const fill = (places: Map<string, TableShape>) => loadTables(tx, backup, places, onProgress)
  const takeTokens = (from: TableShape) => mergeTokens(tx, from, tokens)
  if (backup.migrations < knownMigrations().length) {
    return loadOlderSchema(tx, backup.migrations, shapes, fill, takeTokens)
  }
  const staged = { ...tokens, sql: 'pg_temp.restored_tokens' }
  await tx.unsafe(`CREATE TEMPORARY TABLE restored_tokens (LIKE ${tokens.sql}) ON COMMIT DROP`)
  const rows = await fill(new Map(shapes).set('tokens', staged))
  await takeTokens(staged)
  return rows
}

/** No foreign key asks whether the stack of each event is there. */
async function requireStacks(tx: Tx): Promise<void> {
  const [row] = await tx<{ events: number }[]>`
    SELECT count(*)::int AS events FROM events e WHERE NOT EXISTS (SELECT FROM stacks s WHERE s.id = e.stack_id)`
  if (row!.events > 0) throw damaged(`${row!.events} of its events are in no stack`)
}

/**
 * Tokens of the database stay as they are: one that was revoked after the backup stays revoked, and the one of the admin
 * who is at work goes on working.
 */
async function mergeTokens(tx: Tx, from: TableShape, to: TableShape): Promise<void> {
  const list = columnList(to.columns)
  await tx.unsafe(`INSERT INTO ${to.sql} (${list}) SELECT ${list} FROM ${from.sql} ON CONFLICT DO NOTHING`)
}

/** A backup without secrets marks its tokens as revoked at the time of its making. */
async function findLostTokens(tx: Tx, createdAt: string): Promise<LostToken[]> {
  const rows = await tx<LostToken[]>`
    SELECT name, scopes, providers, defaults, expires_at AS "expiresAt",
           CASE get_byte(hmac_secret, 0) WHEN ${SIGNATURE_REQUIRED} THEN 'required' WHEN 0 THEN 'optional' END AS signature
    FROM tokens
    WHERE revoked_at = ${createdAt}::timestamptz AND (expires_at IS NULL OR expires_at > now()) ORDER BY id`
  return [...rows]
}

async function analyze(sql: Sql): Promise<void> {
  for (const { sql: table } of (
    await readShapes(sql, tablesOf('data', 'history', 'log', 'derived'))
  ).values()) {
    await sql.unsafe(`ANALYZE ${table}`)
  }
}

const NOTHING_CHANGED = 'Nothing was restored; the database is as it was.'

function explainFailure(error: unknown): unknown {
  if (error instanceof TempoError) return fatal(error.code, `${error.message}\n${NOTHING_CHANGED}`, error)
  const { severity, code, message } = error as { severity?: string; code?: string; message?: string }
  if (severity === undefined) return error
  return fatal('restore_refused', `The database refused: ${message} (${code}).\n${NOTHING_CHANGED}`, error)
}
