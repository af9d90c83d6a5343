import { createHash } from 'node:crypto'
import { damaged, END_OF_ROWS } from './format.ts'

/** Takes a backup apart from its beginning to its end, in memory that does not depend on its size. */
export type BackupReader = {
  /** The next line, without its end. */
  readLine: () => Promise<string>
  /** The rows of a table, up to their end mark, in blocks that may cut a row. To be read to the end. */
  readRows: () => AsyncGenerator<Buffer>
  /** SHA-256 of all that came before the line that was read last, in hexadecimal. */
  digestBefore: () => string
  /** True when nothing comes any more. */
  isAtEnd: () => Promise<boolean>
}

/** No line of JSON is nearly as long; a longer one is something else. */
const LONGEST_LINE = 1024 * 1024
const NEWLINE = Buffer.from('\n')
const END_OF_TABLE = Buffer.concat([NEWLINE, END_OF_ROWS])

/** Reads from blocks of any size; their contents are not kept. */
export function createReader(source: AsyncIterable<Buffer>): BackupReader {
  const blocks = source[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  let rest: Buffer = Buffer.alloc(0)
  let before = ''

  /** Makes `rest` longer; false when there is no more. */
  async function fill(): Promise<boolean> {
    const { done, value } = await blocks.next()
    if (done) return false
    rest = rest.length === 0 ? value : Buffer.concat([rest, value])
    return true
  }

  async function readLine(): Promise<string> {
    let end = rest.indexOf(NEWLINE)
    while (end < 0 && rest.length < LONGEST_LINE && (await fill())) end = rest.indexOf(NEWLINE)
    if (end < 0) throw damaged(rest.length < LONGEST_LINE ? 'it ends too early' : 'a line is too long')
    before = hash.copy().digest('hex')
    hash.update(rest.subarray(0, end + 1))
    const line = rest.toString('utf8', 0, end)
    rest = rest.subarray(end + 1)
    return line
  }

  async function* readRows(): AsyncGenerator<Buffer> {
    // The end of the line before, so that the end mark is found where there is no row.
    let given = NEWLINE.length
    rest = Buffer.concat([NEWLINE, rest])
    for (;;) {
      const end = rest.indexOf(END_OF_TABLE)
      // What may be the beginning of the end mark waits for what follows.
      const safe = end >= 0 ? end + NEWLINE.length : rest.length - END_OF_TABLE.length + 1
      if (safe > given) {
        const rows = rest.subarray(given, safe)
        hash.update(rows)
        rest = rest.subarray(safe)
        given = 0
        yield rows
      } else if (end >= 0) {
        rest = rest.subarray(given)
      }
      if (end >= 0) break
      if (!(await fill())) throw damaged('it ends too early')
    }
    hash.update(END_OF_ROWS)
    rest = rest.subarray(END_OF_ROWS.length)
  }

  async function isAtEnd(): Promise<boolean> {
    return rest.length === 0 && !(await fill())
  }

  return { readLine, readRows, digestBefore: () => before, isAtEnd }
}

/** Counts the rows in blocks as they pass: `COPY` writes the line ends of the data in another way. */
export function countLines(block: Buffer): number {
  let count = 0
  for (let at = block.indexOf(10); at >= 0; at = block.indexOf(10, at + 1)) count++
  return count
}
