import { setImmediate } from 'node:timers/promises'
import { fatal } from '../../errors.ts'
import type { Tx } from '../database.ts'

/**
 * Runs `COPY … FROM STDIN` with these blocks, each handed on when the one before has left. When the blocks fail, the
 * statement fails, and with it the transaction.
 */
export async function copyIn(tx: Tx, statement: string, blocks: AsyncIterable<Buffer>): Promise<void> {
  const query = tx.unsafe(statement)
  const stream = await query.writable()
  let refusal: Error | undefined
  const refuse = (error: Error) => {
    refusal ??= error
  }
  stream.on('error', refuse)
  // What postgres.js calls for an error after the last row, when nobody can hear it any more.
  Object.assign(query, { reject: refuse })
  try {
    for await (const block of blocks) {
      await new Promise<void>((resolve, reject) => {
        stream.write(block, (error) => (error ? reject(refusal ?? error) : resolve()))
      })
    }
  } catch (error) {
    stream.destroy(error as Error)
    throw error
  }
  stream.end()
  await setImmediate()
  // The stream never finishes after such an error. But the transaction knows of it.
  await tx`SELECT 1`.catch((error) => {
    throw refusal ?? explainLateRefusal(error)
  })
}

/** SQLSTATE in_failed_sql_transaction (PostgreSQL, Appendix A). */
const TRANSACTION_FAILED = '25P02'

function explainLateRefusal(error: { code?: unknown }): unknown {
  if (error.code !== TRANSACTION_FAILED) return error
  return fatal('rows_refused', "they do not fit together; PostgreSQL's log has the reason", error)
}
