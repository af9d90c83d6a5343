import { createHash } from 'node:crypto'
import { fatal } from '../../errors.ts'
import type { DatabaseTarget, Tx } from '../database.ts'
import { copyOut } from './copy-out.ts'
import {
  type BackupFooter,
  type BackupHeader,
  END_OF_ROWS,
  FORMAT,
  FORMAT_VERSION,
  lineOf,
} from './format.ts'
import { appliedMigrations, countMigrations } from './migrations.ts'
import { countLines } from './reader.ts'
import { withPatientConnection } from './session.ts'
import {
  columnList,
  LOADED,
  quoted,
  readShapes,
  type TableKind,
  type TableShape,
  tablesOf,
} from './tables.ts'

export type BackupOptions = {
  /** Of this program. */
  version: string
  /** Puts the hashes of tokens in, with which they work again after a restore. */
  withSecrets: boolean
  /** Puts deliveries and refused bodies in. */
  withDeliveries: boolean
  /** Is told again and again how many rows of a table were written. */
  onProgress: (table: string, rows: number) => void
  /** Ends it before it is done. */
  signal?: AbortSignal
}

/** What a backup holds. */
export type BackupSummary = { header: BackupHeader; rows: Record<string, number> }

/**
 * Writes one state of the database, however much is written to it meanwhile, and whatever migration it is at. `consume`
 * is handed the backup, not compressed, block by block as it takes them; once it has taken the last, the backup is
 * whole.
 */
export async function backupDatabase(
  target: DatabaseTarget,
  options: BackupOptions,
  consume: (blocks: AsyncIterable<Buffer>) => Promise<void>,
): Promise<BackupSummary> {
  return withPatientConnection(target, 'tempo backup', options.signal, async (sql) => {
    const { promise: failed, reject } = Promise.withResolvers<never>()
    const present = await readShapes(sql, tablesOf(...LOADED))
    const done = sql.begin('isolation level repeatable read read only', async (tx) => {
      try {
        return await writeBackup(tx, present, options, consume)
      } catch (error) {
        // Rows that nobody takes would keep the answer to ROLLBACK waiting behind them, for ever.
        reject(error)
        void sql.end({ timeout: 0 })
        throw error
      }
    })
    return Promise.race([done, failed])
  })
}

async function writeBackup(
  tx: Tx,
  present: Map<string, TableShape>,
  options: BackupOptions,
  consume: (blocks: AsyncIterable<Buffer>) => Promise<void>,
): Promise<BackupSummary> {
  const shapes = await lockTables(tx, present)
  const header = await makeHeader(tx, options)
  const tables = tablesOf(...kindsOf(options)).flatMap((name) => shapes.get(name) ?? [])
  const rows: Record<string, number> = {}
  await consume(writeAll(tx, header, tables, rows, options))
  return { header, rows }
}

function kindsOf({ withSecrets, withDeliveries }: BackupOptions): TableKind[] {
  return LOADED.filter((kind) => (kind !== 'answers' || withSecrets) && (kind !== 'log' || withDeliveries))
}

/**
 * Keeps the tables from being emptied before their turn: TRUNCATE, unlike DELETE, is seen by transactions that began
 * before it. This must be the first statement, as the second one fixes the state that the transaction sees.
 */
async function lockTables(tx: Tx, present: Map<string, TableShape>): Promise<Map<string, TableShape>> {
  if (!present.has('events')) {
    throw fatal(
      'nothing_to_back_up',
      'There is nothing to back up: this database was never used by Tempo server.',
    )
  }
  const list = [...present.values()].map(({ sql }) => sql).join(', ')
  await tx.unsafe(`LOCK TABLE ${list} IN ACCESS SHARE MODE`)
  const shapes = await readShapes(tx, tablesOf(...LOADED))
  if (shapes.size !== present.size) {
    throw fatal('schema_changed', 'The schema was brought up to date at this very moment. Try again.')
  }
  return shapes
}

async function makeHeader(
  tx: Tx,
  { version, withSecrets, withDeliveries }: BackupOptions,
): Promise<BackupHeader> {
  const migrations = await appliedMigrations(tx)
  countMigrations(migrations, 'The database')
  const [row] = await tx<{ now: Date }[]>`SELECT date_trunc('milliseconds', now()) AS now`
  return {
    format: FORMAT,
    version: FORMAT_VERSION,
    tempo: version,
    createdAt: row!.now.toISOString(),
    migrations,
    secrets: withSecrets,
    deliveries: withDeliveries,
  }
}

/** The whole backup; `rows` receives the counts. */
async function* writeAll(
  tx: Tx,
  header: BackupHeader,
  tables: TableShape[],
  rows: Record<string, number>,
  { onProgress }: BackupOptions,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  const passed = (block: Buffer) => {
    hash.update(block)
    return block
  }
  yield passed(Buffer.from(lineOf(header)))
  for (const table of tables) {
    let count = 0
    yield passed(Buffer.from(lineOf({ table: table.name, columns: table.columns })))
    for await (const block of copyOut(tx, copyStatement(table, header))) {
      count += countLines(block)
      onProgress(table.name, count)
      yield passed(block)
    }
    rows[table.name] = count
    yield passed(END_OF_ROWS)
  }
  const footer: BackupFooter = { rows, sha256: hash.digest('hex') }
  yield Buffer.from(lineOf(footer))
}

function copyStatement({ name, sql, columns }: TableShape, { secrets, createdAt }: BackupHeader): string {
  const values = secrets ? undefined : withoutSecrets(createdAt)[name]
  if (!values) return `COPY ${sql} (${columnList(columns)}) TO STDOUT`
  const selected = columns.map((column) => values[column] ?? quoted(column))
  return `COPY (SELECT ${selected.join(', ')} FROM ${sql}) TO STDOUT`
}

/**
 * What takes the place of secrets, by table and column. A token gets a random hash, of one that nobody ever had, and is
 * revoked, so that a list shows why it does not work. What is sealed stays here, too; of the secret that signs bodies only
 * what `sealSigningSecret` puts before it goes along, which says whether it is required.
 */
function withoutSecrets(createdAt: string): Record<string, Record<string, string>> {
  return {
    tokens: {
      hash: 'sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))',
      hmac_secret: 'substring(hmac_secret FROM 1 FOR 1)',
      revoked_at: `coalesce(revoked_at, '${createdAt}')`,
    },
    channels: { secrets: 'NULL::bytea' },
  }
}
