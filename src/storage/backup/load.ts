import { isDeepStrictEqual } from 'node:util'
import { fatal, TempoError } from '../../errors.ts'
import type { Tx } from '../database.ts'
import { copyIn } from './copy-in.ts'
import {
  type BackupFooter,
  type BackupHeader,
  type BackupTable,
  damaged,
  notABackup,
  parseHeader,
  parseSection,
} from './format.ts'
import { countMigrations } from './migrations.ts'
import { type BackupReader, countLines, createReader } from './reader.ts'
import { columnList, type TableShape } from './tables.ts'

/** A backup whose header was read. */
export type OpenedBackup = {
  header: BackupHeader
  /** How many of our migrations its database had seen. */
  migrations: number
  reader: BackupReader
}

/** Reads the beginning of a backup that is not compressed any more. Refuses what this program cannot restore. */
export async function openBackup(source: AsyncIterable<Buffer>): Promise<OpenedBackup> {
  const reader = createReader(explained(source))
  const header = parseHeader(await readFirstLine(reader))
  return { header, migrations: countMigrations(header.migrations, 'The backup'), reader }
}

async function readFirstLine(reader: BackupReader): Promise<string> {
  try {
    return await reader.readLine()
  } catch (error) {
    throw error instanceof TempoError && error.cause === undefined ? notABackup(error) : error
  }
}

/** Says what zlib found in words for a person. */
async function* explained(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun = false
  try {
    for await (const block of source) {
      begun = true
      yield block
    }
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'Z_DATA_ERROR' && !begun) throw notABackup(error)
    if (code === 'Z_BUF_ERROR') throw damaged('it ends too early', error)
    if (code?.startsWith('Z_')) throw damaged('its content cannot be unpacked', error)
    throw error
  }
}

/**
 * Loads all rows into the tables that `places` names, and returns once the checksum of the whole is found right; the
 * caller must not commit before. Returns the rows by table.
 */
export async function loadTables(
  tx: Tx,
  { reader }: OpenedBackup,
  places: Map<string, TableShape>,
  onProgress: (table: string, rows: number) => void,
): Promise<Record<string, number>> {
  const rows: Record<string, number> = {}
  for (;;) {
    const section = parseSection(await reader.readLine())
    if (!('table' in section)) {
      await checkFooter(section, rows, reader)
      return rows
    }
    const { table } = section
    if (table in rows) throw damaged(`${table} is in it twice`)
    rows[table] = 0
    const statement = copyStatement(section, places)
    await copyRows(tx, table, statement, counted(reader.readRows(), table, rows, onProgress))
  }
}

async function checkFooter(
  footer: BackupFooter,
  rows: Record<string, number>,
  reader: BackupReader,
): Promise<void> {
  if (footer.sha256 !== reader.digestBefore()) throw damaged('its checksum does not fit')
  if (!isDeepStrictEqual(footer.rows, rows)) throw damaged('its rows are not as many as it says')
  if (!(await reader.isAtEnd())) throw damaged('something follows its end')
}

function copyStatement({ table, columns }: BackupTable, places: Map<string, TableShape>): string {
  const place = places.get(table)
  const strange = columns.find((column) => !place?.columns.includes(column))
  if (!place || strange !== undefined || new Set(columns).size < columns.length) {
    throw damaged(`this program does not know the columns of ${table}`)
  }
  return `COPY ${place.sql} (${columnList(columns)}) FROM STDIN`
}

async function* counted(
  blocks: AsyncIterable<Buffer>,
  table: string,
  rows: Record<string, number>,
  onProgress: (table: string, rows: number) => void,
): AsyncGenerator<Buffer> {
  let count = 0
  for await (const block of blocks) {
    yield block
    count += countLines(block)
    rows[table] = count
    onProgress(table, count)
  }
}

/** SQLSTATE unique_violation (PostgreSQL, Appendix A). */
const NOT_UNIQUE = '23505'
/** Classes of errors that come from what the rows hold: data exception, integrity constraint violation. */
const BAD_ROWS = /^2[23]/

async function copyRows(
  tx: Tx,
  table: string,
  statement: string,
  blocks: AsyncIterable<Buffer>,
): Promise<void> {
  try {
    await copyIn(tx, statement, blocks)
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    const isRefusal = code === 'rows_refused' || BAD_ROWS.test(code)
    if (!isRefusal) throw error
    const advice =
      code === NOT_UNIQUE
        ? 'The same rows are in the database already; --replace removes them.'
        : 'The backup may be altered.'
    throw fatal('rows_refused', `The database refused the rows of ${table}: ${message}. ${advice}`, error)
  }
}
