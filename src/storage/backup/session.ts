import type postgres from 'postgres'
import { createClient, type DatabaseTarget, type Sql } from '../database.ts'

/**
 * Opens one connection for statements that may take an hour, and ends it after `work`; at once when the signal comes, also
 * while the database does not answer. It has no deadline of the server, of the role or of the driver, which otherwise
 * ends connections after half an hour.
 */
export async function withPatientConnection<T>(
  target: DatabaseTarget,
  name: string,
  signal: AbortSignal | undefined,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { sql } = createClient(target, OPTIONS(name))
  const { promise: interrupted, reject } = Promise.withResolvers<never>()
  const interrupt = () => {
    // Not only by the end of the connection: a transaction would wait for the answer to its ROLLBACK.
    reject(signal?.reason)
    void sql.end({ timeout: 0 })
  }
  signal?.addEventListener('abort', interrupt)
  try {
    signal?.throwIfAborted()
    return await Promise.race([work(sql), interrupted])
  } finally {
    signal?.removeEventListener('abort', interrupt)
    await sql.end({ timeout: 3 })
  }
}

/** Values are written so that they are read as the same (PostgreSQL, 19.11.2, extra_float_digits). */
const OPTIONS = (name: string): postgres.Options<Record<string, never>> => ({
  max: 1,
  max_lifetime: null,
  connection: {
    application_name: name,
    statement_timeout: 0,
    idle_in_transaction_session_timeout: 0,
    synchronous_commit: 'on',
    extra_float_digits: 1,
    bytea_output: 'hex',
  },
})
