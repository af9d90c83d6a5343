import type { PendingQuery, Row } from 'postgres'
import type { Sql, Tx } from './database.ts'
import type { Whole } from './driver-whole.ts'

/** A statement of the driver, as it is inside: `handler` gets it when it is executed. */
type Statement = PendingQuery<Row[]> & { handler: (statement: Statement | Whole) => void }

/**
 * Sends statements as one transaction and one message, behind those that are under way on the only connection of the pool,
 * so that the database goes from one to the next without waiting for anybody, and answers once. `send` must have executed
 * all its statements when it returns; it may wait for none. Resolves when the transaction is committed and synced; when it
 * rejects, nothing is stored, or nobody knows. There is no BEGIN and no COMMIT that could be lost on the way: see
 * driver-whole.ts.
 */
export async function sendWhole(pool: Sql, send: (tx: Tx) => Promise<unknown>[]): Promise<unknown> {
  const parts: Statement[] = []
  let execute: Statement['handler'] = () => {}
  const take: Statement['handler'] = (statement) => {
    parts.push(statement as Statement)
  }
  const collect = (made: unknown): unknown => {
    if (!isStatement(made)) return made
    execute = made.handler
    made.handler = take
    return made
  }
  const call = (...args: Parameters<Sql['unsafe']>) => collect((pool as unknown as CallableFunction)(...args))
  const unsafe = (...args: Parameters<Sql['unsafe']>) => collect(pool.unsafe(...args))
  const answers = Promise.all(send(Object.assign(call, { unsafe }) as unknown as Tx))
  // The driver hands over what is executed in a turn of its own.
  await null
  if (parts.length === 0) return answers
  const reject = (error: unknown) => {
    for (const part of parts) (part as unknown as { reject: (error: unknown) => void }).reject(error)
  }
  // Each of them may fail, and is heard as one with the others.
  for (const part of parts) part.catch(() => {})
  execute({ parts, reject, origin: '' })
  return answers
}

function isStatement(made: unknown): made is Statement {
  return made instanceof Promise && 'handler' in made
}
