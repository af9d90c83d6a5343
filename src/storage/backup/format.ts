/**
 * The format of a backup, before compression: lines of UTF-8. A line of JSON, the header; then for each table a line of
 * JSON with its name and columns, its rows as `COPY` writes them, and a line `\.`; then a line of JSON, the footer.
 * docs/adr/0009-backup-format.md tells why.
 */
import { z } from 'zod'
import { fatal, type TempoError } from '../../errors.ts'

export const FORMAT = 'tempo-backup'
/** Rises with a change that an older reader would not understand. */
export const FORMAT_VERSION = 1

/** What ends the rows of a table. `COPY` doubles every backslash of the data, so that no row is like it. */
export const END_OF_ROWS = Buffer.from('\\.\n')

const headerSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(FORMAT_VERSION),
  /** Version of the program that wrote it. */
  tempo: z.string(),
  /** The state of the database that it holds. */
  createdAt: z.iso.datetime(),
  /** Times of the migrations that the database had seen, by which Drizzle knows them. */
  migrations: z.array(z.number().int()).min(1),
  /** True: tokens work again once they are restored. */
  secrets: z.boolean(),
  /** True: deliveries and refused bodies are in it. */
  deliveries: z.boolean(),
})

const tableSchema = z.object({ table: z.string(), columns: z.array(z.string()).min(1) })

const footerSchema = z.object({
  /** Rows by table. */
  rows: z.record(z.string(), z.number().int().nonnegative()),
  /** SHA-256 of all that is before the line of the footer, in hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})

export type BackupHeader = z.infer<typeof headerSchema>
export type BackupTable = z.infer<typeof tableSchema>
export type BackupFooter = z.infer<typeof footerSchema>

/** The line of a header, a table or a footer. */
export function lineOf(value: BackupHeader | BackupTable | BackupFooter): string {
  return `${JSON.stringify(value)}\n`
}

/** Reads the first line; says whether it is no backup at all, or one of another version. */
export function parseHeader(line: string): BackupHeader {
  const value = parseJson(line)
  const named = z.object({ format: z.literal(FORMAT), version: z.number() }).safeParse(value)
  if (!named.success) throw notABackup()
  if (named.data.version !== FORMAT_VERSION) {
    throw fatal(
      'backup_version',
      `The backup has version ${named.data.version} of its format; this program reads version ${FORMAT_VERSION}.\n` +
        'Restore it with a newer Tempo server.',
    )
  }
  const header = headerSchema.safeParse(value)
  if (!header.success) throw damaged('its header is not complete')
  return header.data
}

/** Reads the line before the rows of a table, or the last line. */
export function parseSection(line: string): BackupTable | BackupFooter {
  const section = z.union([tableSchema, footerSchema]).safeParse(parseJson(line))
  if (!section.success) throw damaged('a line is neither a table nor the end')
  return section.data
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

export function notABackup(cause?: unknown): TempoError {
  return fatal('not_a_backup', 'This is not a backup of Tempo server.', cause)
}

export function damaged(how: string, cause?: unknown): TempoError {
  return fatal('backup_damaged', `The backup is torn or was altered: ${how}.`, cause)
}
