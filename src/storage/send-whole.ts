import type { Sql, Tx } from './database.ts'

/**
 * Sends a transaction whole, BEGIN to COMMIT, behind those that are under way on the only connection of the pool, so that
 * the database goes from one to the next without waiting for anybody. `send` must have sent all its statements when it
 * returns, and sets no savepoint. Resolves when the transaction is committed and synced; when it rejects, nothing is
 * stored, or nobody knows.
 *
 * When the connection is lost, all that was sent to it or waits for it fails (`IN_ONE_PIECE` of driver.ts). Should the
 * BEGIN be refused, the statements run each on its own: those that write must ask whether what was locked is held
 * (`LOCKED` of series.ts), and the driver fails a COMMIT without a BEGIN.
 */
export function sendWhole(pool: Sql, send: (tx: Tx) => Promise<unknown>[]): Promise<unknown> {
  const begun = pool`begin`.execute()
  try {
    return Promise.all([begun, ...send(pool as unknown as Tx), pool`commit`.execute()])
  } catch (error) {
    // What could not be put together must not leave its first half for the next COMMIT.
    return Promise.all([begun, pool`rollback`.execute()]).then(() => {
      throw error
    })
  }
}
